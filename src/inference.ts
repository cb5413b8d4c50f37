// What a trained model makes: reconstructions of images, their places in the latent space, and images of any place there.
import type { Config } from "./config.js";
import type { ImageSet } from "./data/dataset.js";
import { inUnits, pixelsOf } from "./data/pixels.js";
import type { DrawConfig, Fitted } from "./evaluation.js";
import { evaluationBatches, MOST_IN_BATCH, rowsAtOnce } from "./evaluation.js";
import type { Elbo } from "./model/elbo.js";
import { mean } from "./model/elbo.js";
import { randomStream } from "./random.js";

/**
 * Images as they are (black and white if the model's are), as the encoder saw them if that differs, and as the decoder gave them
 * back: count × pixels, 0 to 1.
 */
export interface Reconstructions {
  readonly originals: Float32Array;
  readonly corrupted?: Float32Array;
  readonly outputs: Float32Array;
  /** Mean over these images, with one draw of z for each. */
  readonly elbo: Elbo;
}

/** Encodes the first `count` images of a set, draws a z for each from its posterior, and decodes it. */
export async function reconstructImages(
  { engine, vae, params, size }: Fitted,
  images: ImageSet,
  count: number,
  config: DrawConfig,
): Promise<Reconstructions> {
  const pixels = pixelsOf(size);
  const originals = new Float32Array(count * pixels);
  const outputs = new Float32Array(count * pixels);
  const corrupted = config.noise === "none" && !images.inputs ? undefined : new Float32Array(count * pixels);
  const reconstructions = new Float32Array(count);
  const kls = new Float32Array(count);
  for (const { first, batch } of evaluationBatches(images, size, count, config, 1)) {
    const result = await engine.call(vae.reconstruct, { params, batch });
    originals.set(inUnits(batch.images.data as Uint8Array), first * pixels);
    outputs.set(result.outputs.data, first * pixels);
    if (batch.corrupted) corrupted?.set(batch.corrupted.data, first * pixels);
    reconstructions.set(result.reconstruction.data, first);
    kls.set(result.kl.data, first);
  }
  const [reconstruction, kl] = [mean(reconstructions), mean(kls)];
  return {
    originals,
    ...(corrupted && { corrupted }),
    outputs,
    elbo: { elbo: reconstruction - kl, reconstruction, kl },
  };
}

/**
 * The posteriors of the first `count` images of a set: their means, or a draw from each.
 *
 * @returns count × Z
 */
export async function inferLatents(
  { engine, vae, params, size }: Fitted,
  images: ImageSet,
  count: number,
  config: DrawConfig,
  what: "means" | "draws",
): Promise<Float32Array> {
  const latents = new Float32Array(count * config.dimZ);
  for (const { first, batch } of evaluationBatches(images, size, count, config, 1)) {
    const { mu, sigma } = await engine.call(vae.infer, { params, images: batch.images, corrupted: batch.corrupted });
    const z = mu.data.map((mean, i) =>
      what === "draws" && sigma && batch.epsilon ? mean + sigma.data[i] * batch.epsilon.data[i] : mean,
    );
    latents.set(z, first * config.dimZ);
  }
  return latents;
}

/**
 * Decodes places in the latent space.
 *
 * @param z count × Z
 * @returns count × pixels, the means of p(x|z), 0 to 1
 */
export async function decodeLatents({ engine, vae, params, size }: Fitted, z: Float32Array): Promise<Float32Array> {
  const { dimZ } = vae.config;
  const pixels = pixelsOf(size);
  const images = new Float32Array((z.length / dimZ) * pixels);
  const atOnce = rowsAtOnce(MOST_IN_BATCH, size);
  for (let first = 0; first * dimZ < z.length; first += atOnce) {
    const data = z.subarray(first * dimZ, (first + atOnce) * dimZ);
    const { outputs } = await engine.call(vae.generate, { params, z: { data, shape: [data.length / dimZ, dimZ] } });
    images.set(outputs.data, first * pixels);
  }
  return images;
}

/**
 * Samples number first … first + count − 1 of a seed: decoded draws from the prior N(0, 1).
 *
 * @returns count × pixels, 0 to 1
 */
export async function sampleImages(
  fitted: Fitted,
  first: number,
  count: number,
  { dimZ, seed }: Pick<Config, "dimZ" | "seed">,
): Promise<Float32Array> {
  const z = new Float32Array(count * dimZ);
  for (let i = 0; i < count; i++) {
    randomStream(seed, "prior", first + i).fillNormals(z.subarray(i * dimZ, (i + 1) * dimZ));
  }
  return decodeLatents(fitted, z);
}
