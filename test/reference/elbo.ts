// The model written out a second time, for one image after another, in JavaScript's float64 numbers.
import type { Architecture } from "../../src/model/parameters.js";

/** Terms of the ELBO, mean over images: pixels 0 to 1 and ε, each row by row. */
export function elboInFloat64(
  params: Record<string, Float64Array>,
  { pixels, dimZ }: Architecture,
  images: readonly number[],
  epsilon: readonly number[],
): { reconstruction: number; kl: number } {
  const linear = (layer: string, x: number[]) => {
    const bias = params[`${layer}.bias`];
    const weight = params[`${layer}.weight`];
    return Array.from(bias, (b, j) => x.reduce((sum, xi, i) => sum + xi * weight[i * bias.length + j], b));
  };
  const elu = (x: number) => (x > 0 ? x : Math.exp(x) - 1);
  const softplus = (x: number) => Math.log(1 + Math.exp(x));
  const count = images.length / pixels;
  let reconstruction = 0;
  let kl = 0;
  for (let b = 0; b < count; b++) {
    const x = images.slice(b * pixels, (b + 1) * pixels);
    const heads = linear("encoder.2", linear("encoder.1", linear("encoder.0", x).map(elu)).map(Math.tanh));
    const mu = heads.slice(0, dimZ);
    const sigma = heads.slice(dimZ).map((rho) => softplus(rho) + 1e-6);
    const z = mu.map((m, j) => m + sigma[j] * epsilon[b * dimZ + j]);
    const logits = linear("decoder.2", linear("decoder.1", linear("decoder.0", z).map(Math.tanh)).map(elu));
    const y = logits.map((l) => 1 / (1 + Math.exp(-l)));
    x.forEach((xi, d) => {
      reconstruction += xi * Math.log(y[d]) + (1 - xi) * Math.log(1 - y[d]);
    });
    mu.forEach((m, j) => {
      kl += 0.5 * (m ** 2 + sigma[j] ** 2 - Math.log(sigma[j] ** 2 + 1e-8) - 1);
    });
  }
  return { reconstruction: reconstruction / count, kl: kl / count };
}
