// Reads batches of images with their random draws. Draws depend on the step in training, on the image in evaluation.
import type { Config } from "../config/config.js";
import { binarize } from "../data/binarize.js";
import { checkLabels, type ModelClass, oneHot, placesOf } from "../data/classes.js";
import type { ImageSet } from "../data/dataset.js";
import { type ImageShape, pixelsOf, range, toFloat } from "../data/pixels.js";
import type { Processes } from "../distributed/processes.js";
import { createDraws, fillDraws, type HostDraws, rowsOfImages } from "../model/draws.js";
import type { Model } from "../model/model.js";
import { corrupt } from "../noise.js";
import { type RandomStream, randomStream } from "../random.js";
import type { HostArray } from "../tree.js";
import type { TrainedModel } from "./trained-model.js";

export type DrawConfig = Pick<Config, "binarize" | "noise" | "seed">;

/** The number of images to decode at once: `max` of MNIST's size, fewer if larger, so that memory stays flat. */
export function rowsAtOnce(size: ImageShape, max = 500): number {
  const rows = Math.min(max, Math.floor((max * 784) / pixelsOf(size)));
  return rows < 2 ? 1 : rows - (rows % 2); // even, since normal draws come in pairs
}

/** Numbers in memory for the prior: 256 MiB. */
const MAX_PRIOR_NUMBERS = 2 ** 26;

/** The number of draws of z to decode at once: as `rowsAtOnce`, but fewer if the prior needs much memory. */
export function drawsAtOnce({ parts }: Model, size: ImageShape, max = 500): number {
  const fitting = Math.floor(MAX_PRIOR_NUMBERS / (parts.numbersPerDraw || 1));
  return rowsAtOnce(size, Math.min(max, fitting));
}

/** The host arrays of a `Batch`. */
interface HostBatch {
  readonly images: HostArray<Uint8Array>;
  readonly corrupted?: HostArray<Float32Array>;
  readonly labels?: HostArray<Uint8Array>;
}

/** Consecutive images whose draws share a stream for each purpose. */
export interface DrawGroup {
  readonly count: number;
  stream(purpose: "binarization" | "noise"): RandomStream;
}

/**
 * Reads and binarizes images, and corrupts the encoder's copies: [count, D] arrays.
 *
 * @param groups divide the images by the random streams of their draws
 * @param classes of a conditional model
 * @throws UserError if an image has no class of the conditional model
 */
export function readBatch(
  images: ImageSet,
  numbers: Uint32Array,
  size: ImageShape,
  { binarize: how, noise }: Pick<DrawConfig, "binarize" | "noise">,
  groups: readonly DrawGroup[],
  classes?: readonly ModelClass[],
): HostBatch {
  const shape = [numbers.length, pixelsOf(size)];
  const pixels = images.pixels.read(numbers);
  let inputs = noise ? new Float32Array(pixels.length) : undefined;
  if (images.inputs) inputs = toFloat(images.inputs.read(numbers));
  let first = 0;
  for (const { count, stream } of groups) {
    const end = first + count * pixelsOf(size);
    const clean = pixels.subarray(first, end);
    binarize(how, clean, stream("binarization"));
    const noisy = inputs?.subarray(first, end);
    if (noise && noisy) corrupt(noise, clean, size, stream("noise"), noisy);
    first = end;
  }
  return {
    images: { data: pixels, shape },
    ...(inputs && { corrupted: { data: inputs, shape } }),
    ...(classes && { labels: oneHot(placesOf(images, numbers, classes), classes.length) }),
  };
}

/** Images of a set, starting at index `first`, with their draws of phase `posterior`. */
export interface EvaluationBatch {
  readonly first: number;
  readonly batch: HostBatch;
  readonly draws: HostDraws;
}

/**
 * Yields the images of a set in batches, with `samples` draws of z for each.
 *
 * @param batchSize of all batches but the last, which has less than twice as many; by default set by memory
 * @param processes take turns. Batches do not depend on their number, so that each image gets the same bits
 * @throws UserError if an image has no class of a conditional model
 */
export function* evaluationBatches(
  { model, size, classes }: Pick<TrainedModel, "model" | "size" | "classes">,
  images: ImageSet,
  config: DrawConfig,
  samples: number,
  batchSize?: number,
  processes?: Processes,
): Generator<EvaluationBatch> {
  const { seed } = config;
  const { specs } = model.parts;
  if (classes) checkLabels(images, classes);
  const atOnce = batchSize ?? (Math.floor(drawsAtOnce(model, size) / samples) || 1);
  let count: number;
  for (let first = 0, batchNumber = 0; first < images.count; first += count, batchNumber++) {
    const left = images.count - first;
    count = batchSize && left < 2 * batchSize ? left : Math.min(atOnce, left);
    if (processes && batchNumber % processes.size !== processes.rank) continue;
    const address = (i: number) => images.offset + first + i;
    const groups = Array.from({ length: count }, (_, i): DrawGroup => {
      return { count: 1, stream: (purpose) => randomStream(seed, `evaluation ${purpose}`, address(i)) };
    });
    const batch = readBatch(images, range(first, count), size, config, groups, classes);
    const draws = createDraws(specs, ["posterior"], count, samples);
    for (let i = 0; i < count; i++) {
      const stream = randomStream(seed, "evaluation epsilon", address(i));
      fillDraws(rowsOfImages(draws, count, i, 1), specs, "posterior", stream);
    }
    yield { first, batch, draws };
  }
}
