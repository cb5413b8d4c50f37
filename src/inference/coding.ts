// Encodes, decodes, reconstructs and samples in batches, so that memory stays flat.
import type { ImageSet } from "../data/dataset.js";
import { type ImageShape, pixelsOf, toFloat } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { type Elbo, mean } from "../model/bounds.js";
import { createDraws, fillDraws, type HostDraws, rowsOfImages } from "../model/draws.js";
import type { Model } from "../model/model.js";
import { randomStream } from "../random.js";
import type { HostArray } from "../tree.js";
import { type DrawConfig, evaluationBatches, rowsAtOnce } from "./batches.js";
import type { LabelRows } from "./labels.js";
import type { TrainedModel } from "./trained-model.js";

/** The posteriors of N images. */
export interface Encoded {
  /** `[N, Z]`: means, or a draw from each. */
  readonly z: HostArray<Float32Array>;
  /** `[N, Z]`: standard deviations, if Gaussian. */
  readonly sigma?: HostArray<Float32Array>;
}

/** Images and their reconstructions: count × pixels, 0 to 1. */
export interface Reconstructions {
  /** Binarized as in training. */
  readonly originals: Float32Array;
  /** The encoder's input, if it differs. */
  readonly corrupted?: Float32Array;
  readonly outputs: Float32Array;
  /** Mean over the images, with one draw of z for each. */
  readonly elbo: Elbo;
}

/** Encodes images, draws a z from each posterior, and decodes it. */
export async function reconstructImages(
  trained: TrainedModel,
  images: ImageSet,
  config: DrawConfig,
): Promise<Reconstructions> {
  const { engine, model, params, size } = trained;
  const { count } = images;
  const pixels = pixelsOf(size);
  const originals = new Float32Array(count * pixels);
  const outputs = new Float32Array(count * pixels);
  const corrupted = config.noise || images.inputs ? new Float32Array(count * pixels) : undefined;
  const reconstructions = new Float32Array(count);
  const kls = new Float32Array(count);
  for (const { first, batch, draws } of evaluationBatches(trained, images, config, 1)) {
    const result = await engine.call(model.reconstruct, { params, batch, draws });
    originals.set(toFloat(batch.images.data), first * pixels);
    outputs.set(result.outputs.data, first * pixels);
    if (batch.corrupted) corrupted?.set(batch.corrupted.data, first * pixels);
    reconstructions.set(result.reconstruction.data, first);
    kls.set(result.kl.data, first);
  }
  const [reconstruction, kl] = [mean(reconstructions), mean(kls)];
  const elbo = { elbo: reconstruction - kl, reconstruction, kl };
  return { originals, ...(corrupted && { corrupted }), outputs, elbo };
}

/**
 * Encodes images in batches: posterior means or a draw from each posterior, and standard deviations if Gaussian.
 *
 * @param seen count × pixels, replaces the images as the encoder's input
 * @throws UserError if draws are requested and the posteriors are points
 */
export async function* inferPosteriors(
  trained: TrainedModel,
  images: ImageSet,
  config: DrawConfig,
  what: "means" | "draws",
  seen?: Float32Array,
): AsyncGenerator<Encoded, void> {
  const { engine, model, params, size } = trained;
  if (what === "draws" && !model.isDrawn) {
    throw new UserError("A plain autoencoder has no posterior to draw from: each image has one z.");
  }
  const pixels = pixelsOf(size);
  for (const { first, batch: own, draws } of evaluationBatches(trained, images, config, 1)) {
    const { shape } = own.images;
    const corrupted = seen && { data: seen.subarray(first * pixels, (first + shape[0]) * pixels), shape };
    const batch = { ...own, ...(corrupted && { corrupted }) };
    const { z, sigma } =
      what === "draws"
        ? await engine.call(model.sampleLatents, { params, batch, draws })
        : await engine.call(model.encode, { params, batch });
    yield { z, ...(sigma && { sigma }) };
  }
}

/** Posterior means or draws of all images: count × Z. */
export async function inferLatents(
  trained: TrainedModel,
  images: ImageSet,
  config: DrawConfig,
  what: "means" | "draws",
): Promise<Float32Array> {
  const latents = new Float32Array(images.count * trained.model.parts.dimZ);
  let at = 0;
  for await (const { z } of inferPosteriors(trained, images, config, what)) {
    latents.set(z.data, at);
    at += z.data.length;
  }
  return latents;
}

/** Decodes z, count × Z, to the means of p(x|z): count × pixels, 0 to 1. A conditional model needs `labels`. */
export function decodeLatents(
  { engine, model, params, size }: TrainedModel,
  z: Float32Array,
  labels?: LabelRows,
): Promise<Float32Array> {
  const { dimZ } = model.parts;
  return inBatches(z.length / dimZ, size, (first, rows) => {
    const data = z.subarray(first * dimZ, (first + rows) * dimZ);
    const ofRows = labels && { labels: labels(first, rows) };
    return engine.call(model.decode, { params, z: { data, shape: [rows, dimZ] }, ...ofRows });
  });
}

/**
 * Decodes draws from the prior, samples first to first + count − 1 of a seed: count × pixels, 0 to 1.
 *
 * @param labels of a conditional model, by sample
 */
export function sampleImages(
  { engine, model, params, size }: TrainedModel,
  first: number,
  count: number,
  seed: number,
  labels?: LabelRows,
): Promise<Float32Array> {
  return inBatches(count, size, (done, rows) => {
    const draws = priorDraws(model, first + done, rows, seed);
    return engine.call(model.sample, { params, draws, ...(labels && { labels: labels(first + done, rows) }) });
  });
}

/** The z of `sampleImages`: count × Z. */
export async function samplePrior(
  { engine, model, params }: TrainedModel,
  first: number,
  count: number,
  seed: number,
): Promise<Float32Array> {
  const { z } = await engine.call(model.samplePrior, { params, draws: priorDraws(model, first, count, seed) });
  return z.data;
}

function priorDraws({ parts }: Model, first: number, count: number, seed: number): HostDraws {
  const { specs } = parts;
  const draws = createDraws(specs, ["prior"], count, 1);
  for (let i = 0; i < count; i++) {
    fillDraws(rowsOfImages(draws, count, i, 1), specs, "prior", randomStream(seed, "prior", first + i));
  }
  return draws;
}

/** Computes images in batches, and joins the outputs. */
async function inBatches(
  count: number,
  size: ImageShape,
  decode: (first: number, rows: number) => Promise<{ outputs: HostArray<Float32Array> }>,
): Promise<Float32Array> {
  const pixels = pixelsOf(size);
  const images = new Float32Array(count * pixels);
  const atOnce = rowsAtOnce(size);
  for (let first = 0; first < count; first += atOnce) {
    const { outputs } = await decode(first, Math.min(atOnce, count - first));
    images.set(outputs.data, first * pixels);
  }
  return images;
}
