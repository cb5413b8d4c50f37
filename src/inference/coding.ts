// Encodes, decodes, reconstructs and samples in batches, so that memory stays flat.
import type { ImageSet } from "../data/dataset.js";
import { pixelsOf, toFloat } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { type Elbo, mean } from "../model/bounds.js";
import { createDraws, fillDraws, rowsOfImages } from "../model/draws.js";
import { randomStream } from "../random.js";
import { type DrawConfig, evaluationBatches, MAX_BATCH, rowsAtOnce } from "./batches.js";
import type { TrainedModel } from "./trained-model.js";

/** Images and what a model makes of them: count × pixels, 0 to 1. */
export interface Reconstructions {
  /** Black and white if the model's are. */
  readonly originals: Float32Array;
  /** What the encoder saw, if that differs. */
  readonly corrupted?: Float32Array;
  /** What the decoder returned. */
  readonly outputs: Float32Array;
  /** Mean over these images, with one draw of z for each. */
  readonly elbo: Elbo;
}

/** Encodes the images of a set, draws a z for each from its posterior, and decodes it. */
export async function reconstructImages(
  { engine, model, params, size }: TrainedModel,
  images: ImageSet,
  config: DrawConfig,
): Promise<Reconstructions> {
  const { count } = images;
  const pixels = pixelsOf(size);
  const originals = new Float32Array(count * pixels);
  const outputs = new Float32Array(count * pixels);
  const corrupted = config.noise || images.inputs ? new Float32Array(count * pixels) : undefined;
  const reconstructions = new Float32Array(count);
  const kls = new Float32Array(count);
  for (const { first, batch, draws } of evaluationBatches(model, images, size, config, 1)) {
    const result = await engine.call(model.reconstruct, { params, batch, draws });
    originals.set(toFloat(batch.images.data), first * pixels);
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

/** Where some images lie in the latent space: count × Z. */
export interface Latents {
  /** The means of the posteriors, or a draw from each. */
  readonly z: Float32Array;
  /** The standard deviations of the posteriors; absent of a plain autoencoder. */
  readonly sigma?: Float32Array;
}

/**
 * Encodes the images of a set, batch by batch.
 *
 * @param seen what the encoder sees of them, count × pixels, 0 to 1 or beyond, if that is neither their pixels nor their inputs
 * @throws UserError if draws are wanted from posteriors that are points
 */
export async function* inferPosteriors(
  { engine, model, params, size }: TrainedModel,
  images: ImageSet,
  config: DrawConfig,
  what: "means" | "draws",
  seen?: Float32Array,
): AsyncGenerator<Latents, void> {
  if (what === "draws" && !model.isDrawn) {
    throw new UserError("A plain autoencoder has no posterior to draw from: each image has one z.");
  }
  const pixels = pixelsOf(size);
  for (const { first, batch: own, draws } of evaluationBatches(model, images, size, config, 1)) {
    const { shape } = own.images;
    const corrupted = seen && { data: seen.subarray(first * pixels, (first + shape[0]) * pixels), shape };
    const batch = { ...own, ...(corrupted && { corrupted }) };
    const { z, sigma } =
      what === "draws"
        ? await engine.call(model.sampleLatents, { params, batch, draws })
        : await engine.call(model.encode, { params, batch });
    yield { z: z.data, ...(sigma && { sigma: sigma.data }) };
  }
}

/**
 * The posteriors of the images of a set: their means, or a draw from each.
 *
 * @returns count × Z
 */
export async function inferLatents(
  trained: TrainedModel,
  images: ImageSet,
  config: DrawConfig,
  what: "means" | "draws",
): Promise<Float32Array> {
  const latents = new Float32Array(images.count * trained.model.parts.dimZ);
  let at = 0;
  for await (const { z } of inferPosteriors(trained, images, config, what)) {
    latents.set(z, at);
    at += z.length;
  }
  return latents;
}

/**
 * Decodes values of z.
 *
 * @param z count × Z
 * @returns count × pixels, the means of p(x|z), 0 to 1
 */
export async function decodeLatents(
  { engine, model, params, size }: TrainedModel,
  z: Float32Array,
): Promise<Float32Array> {
  const { dimZ } = model.parts;
  const pixels = pixelsOf(size);
  const images = new Float32Array((z.length / dimZ) * pixels);
  const atOnce = rowsAtOnce(MAX_BATCH, size);
  for (let first = 0; first * dimZ < z.length; first += atOnce) {
    const data = z.subarray(first * dimZ, (first + atOnce) * dimZ);
    const { outputs } = await engine.call(model.decode, { params, z: { data, shape: [data.length / dimZ, dimZ] } });
    images.set(outputs.data, first * pixels);
  }
  return images;
}

/**
 * Samples number first to first + count − 1 of a seed: decoded draws from the prior.
 *
 * @returns count × pixels, 0 to 1
 */
export async function sampleImages(
  { engine, model, params, size }: TrainedModel,
  first: number,
  count: number,
  seed: number,
): Promise<Float32Array> {
  const { specs } = model.parts;
  const pixels = pixelsOf(size);
  const images = new Float32Array(count * pixels);
  const atOnce = rowsAtOnce(MAX_BATCH, size);
  for (let done = 0; done < count; done += atOnce) {
    const rows = Math.min(atOnce, count - done);
    const draws = createDraws(specs, ["prior"], rows, 1);
    for (let i = 0; i < rows; i++) {
      fillDraws(rowsOfImages(draws, rows, i, 1), specs, "prior", randomStream(seed, "prior", first + done + i));
    }
    const { outputs } = await engine.call(model.sample, { params, draws });
    images.set(outputs.data, done * pixels);
  }
  return images;
}
