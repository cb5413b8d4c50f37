// An independent implementation of the model, image by image, in float64.
type Params = Record<string, Float64Array>;

/** Mean terms of the bound with the tutorial's networks. Pixels are 0 to 1; epsilon holds each image's draws by row. */
export function elboInFloat64(
  params: Params,
  { pixels, dimZ }: { readonly pixels: number; readonly dimZ: number },
  images: readonly number[],
  epsilon: readonly number[],
): { reconstruction: number; kl: number; importanceWeighted: number } {
  const count = images.length / pixels;
  const draws = epsilon.length / (count * dimZ);
  const totals = { reconstruction: 0, kl: 0, importanceWeighted: 0 };
  for (let b = 0; b < count; b++) {
    const x = images.slice(b * pixels, (b + 1) * pixels);
    const { mu, sigma } = encodeInFloat64(params, x);
    let weights = 0;
    for (let l = 0; l < draws; l++) {
      const eps = mu.map((_, j) => epsilon[(b * draws + l) * dimZ + j]);
      const z = mu.map((m, j) => m + sigma[j] * eps[j]);
      const logLikelihood = logLikelihoodInFloat64(params, x, z);
      totals.reconstruction += logLikelihood / draws;
      const logPrior = z.reduce((sum, value) => sum + logNormal(value, 0, 1), 0);
      const logPosterior = z.reduce((sum, value, j) => sum + logNormal(value, mu[j], sigma[j]), 0);
      weights += Math.exp(logLikelihood + logPrior - logPosterior) / draws;
    }
    totals.importanceWeighted += Math.log(weights);
    mu.forEach((m, j) => {
      totals.kl += 0.5 * (m ** 2 + sigma[j] ** 2 - Math.log(sigma[j] ** 2 + 1e-8) - 1);
    });
  }
  return {
    reconstruction: totals.reconstruction / count,
    kl: totals.kl / count,
    importanceWeighted: totals.importanceWeighted / count,
  };
}

export function encodeInFloat64(params: Params, x: readonly number[]): { mu: number[]; sigma: number[] } {
  const h = linear(params, "encoder.1", linear(params, "encoder.0", x).map(elu)).map(Math.tanh);
  const heads = linear(params, "encoder.2", h);
  return {
    mu: heads.slice(0, heads.length / 2),
    sigma: heads.slice(heads.length / 2).map((rho) => Math.log(1 + Math.exp(rho)) + 1e-6),
  };
}

/** The means of p(x|z). */
export function decodeInFloat64(params: Params, z: readonly number[]): number[] {
  const h = linear(params, "decoder.1", linear(params, "decoder.0", z).map(Math.tanh)).map(elu);
  return linear(params, "decoder.2", h).map((logit) => 1 / (1 + Math.exp(-logit)));
}

/** log p(x|z) */
export function logLikelihoodInFloat64(params: Params, x: readonly number[], z: readonly number[]): number {
  const y = decodeInFloat64(params, z);
  return x.reduce((sum, xi, d) => sum + xi * Math.log(y[d]) + (1 - xi) * Math.log(1 - y[d]), 0);
}

export function logNormal(x: number, mean: number, deviation: number): number {
  return -0.5 * ((x - mean) / deviation) ** 2 - Math.log(deviation * Math.sqrt(2 * Math.PI));
}

function linear(params: Params, layer: string, x: readonly number[]): number[] {
  const bias = params[`${layer}.bias`];
  const weight = params[`${layer}.weight`];
  return Array.from(bias, (b, j) => x.reduce((sum, xi, i) => sum + xi * weight[i * bias.length + j], b));
}

function elu(x: number): number {
  return x > 0 ? x : Math.exp(x) - 1;
}
