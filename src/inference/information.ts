// Information measures, on the host in float64.

/** Gaussian posteriors of N images: means, standard deviations, and a draw z from each, N × Z numbers each. */
export interface Posteriors {
  readonly means: Float32Array;
  readonly sigmas: Float32Array;
  readonly z: Float32Array;
}

/** In nats: a density e⁻⁴⁰ times another does not change their sum in float64. */
const NEGLIGIBLE = 40;

/**
 * Estimates the mutual information I(x; z) under q by the mean of log q(z_i|x_i) − log 1/N Σ_j q(z_i|x_j) (Hoffman &
 * Johnson 2016, section 2), for Gaussian posteriors with diagonal covariances. In expectation at most log N, and a
 * lower bound for the distribution that the N images are drawn from (Poole et al. 2019, eq. 12).
 *
 * @returns nats
 */
export function mutualInformation({ means, sigmas, z }: Posteriors, dimZ: number): number {
  const count = z.length / dimZ;
  const inverses = Float64Array.from(sigmas, (sigma) => 1 / sigma);
  // −Σ_d log σ_d: other constants of the densities cancel.
  const logScales = new Float64Array(count);
  for (let at = 0; at < sigmas.length; at++) logScales[Math.floor(at / dimZ)] -= Math.log(sigmas[at]);
  /** Σ_d ((z_i − μ_j) / σ_j)², or a partial sum above `max`. */
  const distance = (i: number, j: number, max: number) => {
    let sum = 0;
    for (let d = 0; d < dimZ && sum <= max; d++) {
      const at = j * dimZ + d;
      sum += ((z[i * dimZ + d] - means[at]) * inverses[at]) ** 2;
    }
    return sum;
  };
  let total = 0;
  for (let i = 0; i < count; i++) {
    const own = logScales[i] - 0.5 * distance(i, i, Infinity);
    const logRatios: number[] = [];
    for (let j = 0; j < count; j++) {
      const max = 2 * (logScales[j] - own + NEGLIGIBLE);
      const between = distance(i, j, max);
      if (between <= max) logRatios.push(logScales[j] - 0.5 * between - own);
    }
    total += Math.log(count) - logSumExp(logRatios);
  }
  return total / count;
}

/** log Σ_i e^x_i. Subtracts the largest x_i first, against overflow. */
export function logSumExp(x: ArrayLike<number>): number {
  let largest = -Infinity;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, x[i]);
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += Math.exp(x[i] - largest);
  return largest + Math.log(sum);
}

/** Converts nats per image to bits per dimension: nats / (D log 2). @param pixels D, including channels */
export function bitsPerDim(nats: number, pixels: number): number {
  return nats / (pixels * Math.LN2);
}
