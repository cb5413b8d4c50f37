// What a trained model makes: reconstructions of images, their places in the latent space, and images of any place there.
import type { Config } from "../config/config.js";
import type { ImageSet } from "../data/dataset.js";
import { pixelsOf, toFloat } from "../data/pixels.js";
import { UserError } from "../errors.js";
import type { Elbo } from "../model/elbo.js";
import { mean } from "../model/elbo.js";
import { randomStream } from "../random.js";
import type { DrawConfig, Fitted } from "./evaluation.js";
import { evaluationBatches, MOST_IN_BATCH, rowsAtOnce } from "./evaluation.js";

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
  const corrupted = config.noise || images.inputs ? new Float32Array(count * pixels) : undefined;
  const reconstructions = new Float32Array(count);
  const kls = new Float32Array(count);
  for (const { first, batch } of evaluationBatches(images, size, count, config, 1)) {
    const result = await engine.call(vae.reconstruct, { params, batch });
    originals.set(toFloat(batch.images.data as Uint8Array), first * pixels);
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

/** Where some images lie in the latent space: a row for each, count × Z. */
export interface Latents {
  /** The means of the posteriors, or a draw from each. */
  readonly z: Float32Array;
  /** The deviations of the posteriors; undefined of a plain autoencoder, which has none. */
  readonly sigma?: Float32Array;
}

/**
 * The posteriors of the images of a set, some hundred at a time.
 *
 * @param seen what the encoder sees of them, count × pixels in units of full white, where that is neither their pixels nor their inputs
 * @throws UserError if draws are wanted where there is no posterior
 */
export async function* inferPosteriors(
  { engine, vae, params, size }: Fitted,
  images: ImageSet,
  config: DrawConfig,
  what: "means" | "draws",
  seen?: Float32Array,
): AsyncGenerator<Latents, void> {
  if (what === "draws" && config.model === "ae") {
    throw new UserError("A plain autoencoder has no posterior to draw from: each image has one place.");
  }
  const pixels = pixelsOf(size);
  for (const { first, batch } of evaluationBatches(images, size, images.count, config, 1)) {
    const { shape } = batch.images;
    const corrupted = seen
      ? { data: seen.subarray(first * pixels, (first + shape[0]) * pixels), shape }
      : batch.corrupted;
    const { mu, sigma } = await engine.call(vae.infer, { params, images: batch.images, corrupted });
    const { epsilon } = batch;
    const isDrawn = what === "draws" && sigma && epsilon;
    const z = isDrawn ? mu.data.map((m, i) => m + sigma.data[i] * epsilon.data[i]) : mu.data;
    yield { z: z as Float32Array, ...(sigma && { sigma: sigma.data as Float32Array }) };
  }
}

/**
 * The posteriors of the first `count` images of a set: their means, or a draw from each.
 *
 * @returns count × Z
 */
export async function inferLatents(
  fitted: Fitted,
  images: ImageSet,
  count: number,
  config: DrawConfig,
  what: "means" | "draws",
): Promise<Float32Array> {
  const latents = new Float32Array(count * config.dimZ);
  let at = 0;
  for await (const { z } of inferPosteriors(fitted, { ...images, count }, config, what)) {
    latents.set(z, at);
    at += z.length;
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
