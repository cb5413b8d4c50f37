// Prepares the inputs of training steps: permuted images and random draws. They depend on the seed and the step's
// number, not on the division into chunks.
import type { Config } from "../config/config.js";
import type { ModelClass } from "../data/classes.js";
import type { ImageSet } from "../data/dataset.js";
import type { ImageShape } from "../data/pixels.js";
import type { Share } from "../distributed/processes.js";
import type { HostTree } from "../engine/engine.js";
import { readBatch } from "../inference/batches.js";
import { createDraws, fillDraws, rowsOfImages } from "../model/draws.js";
import type { Model } from "../model/model.js";
import { randomStream } from "../random.js";
import { type HostArray, mapTree } from "../tree.js";
import { adamStepSize } from "./optimizer/adam.js";
import { klWeightAt, learningRateAt } from "./optimizer/schedules.js";
import type { StepInput } from "./step.js";

/** The permutation of the training images in an epoch: [count] indices. @param epoch counted from 1 */
export function epochOrder(seed: number, epoch: number, count: number): Uint32Array {
  return randomStream(seed, "shuffle", epoch).permutation(count);
}

/** The number of whole batches in an epoch; remaining images are skipped. */
export function stepsPerEpoch({ count }: Pick<ImageSet, "count">, batchSize: number): number {
  return Math.floor(count / batchSize);
}

/** Images of a batch that share a random stream. Blocks let each process draw only for its own images. */
export const BLOCK_IMAGES = 128;

/**
 * Prepares the inputs of successive steps for `engine.scan`: [steps, …] arrays.
 *
 * @param order indices of images, batchSize for each step
 * @param firstStep the number of the first step, counted from 0 at the start of the run
 * @param classes of a conditional model
 * @param share the part of each batch to return, by default all. An image has the same draws in every share
 * @throws UserError if an image has no class of the conditional model
 */
export function drawBatches(
  images: ImageSet,
  shape: ImageShape,
  order: Uint32Array,
  firstStep: number,
  config: Config,
  model: Model,
  classes?: readonly ModelClass[],
  share: Share = { first: 0, count: config.batchSize },
): HostTree<StepInput> {
  const { batchSize, seed } = config;
  const { specs } = model.parts;
  const steps = order.length / batchSize;
  const blocks = blocksOf(share, batchSize);
  const drawn = blocks.reduce((sum, { count }) => sum + count, 0);
  const numbers = new Uint32Array(steps * drawn);
  const groups = Array.from({ length: steps }, (_, i) => {
    const first = i * batchSize + blocks[0].first;
    numbers.set(order.subarray(first, first + drawn), i * drawn);
    return blocks.map(({ block, count }) => ({
      count,
      stream: (purpose: "binarization" | "noise") => randomStream(seed, `training ${purpose}`, firstStep + i, block),
    }));
  });
  const batch = readBatch(images, numbers, shape, config, groups.flat(), classes);
  const draws = createDraws(specs, ["training", "posterior"], numbers.length, model.draws);
  let row = 0;
  for (let step = firstStep; step < firstStep + steps; step++) {
    for (const { block, count } of blocks) {
      const own = rowsOfImages(draws, numbers.length, row, count);
      fillDraws(own, specs, "posterior", randomStream(seed, "training epsilon", step, block));
      fillDraws(own, specs, "training", randomStream(seed, "dropout", step, block));
      row += count;
    }
  }
  const select = (array: HostArray) => rowsOfSteps(array, steps, drawn, share.first - blocks[0].first, share.count);
  return {
    ...mapTree(batch, select),
    draws: mapTree(draws, select),
    ...scheduledNumbers(config, firstStep, steps, stepsPerEpoch(images, batchSize)),
  };
}

/** The blocks of a batch that overlap a share. */
function blocksOf({ first, count }: Share, batchSize: number): (Share & { readonly block: number })[] {
  const [begin, end] = [Math.floor(first / BLOCK_IMAGES), Math.ceil((first + count) / BLOCK_IMAGES)];
  return Array.from({ length: end - begin }, (_, i) => {
    const start = (begin + i) * BLOCK_IMAGES;
    return { block: begin + i, first: start, count: Math.min(BLOCK_IMAGES, batchSize - start) };
  });
}

/** Selects the rows of `count` images from `first` in each step: [steps · images · n, …] to [steps, count · n, …]. */
function rowsOfSteps({ data, shape }: HostArray, steps: number, images: number, first: number, count: number) {
  const [rows, ...rest] = shape;
  const perImage = rows / (steps * images);
  const selected = { shape: [steps, count * perImage, ...rest] };
  if (count === images) return { data, ...selected };
  const numbers = data.length / (steps * images);
  const parts = Array.from({ length: steps }, (_, i) => {
    const start = (i * images + first) * numbers;
    return data.subarray(start, start + count * numbers);
  });
  if (steps === 1) return { data: parts[0], ...selected };
  const copy = data.slice(0, steps * count * numbers);
  for (const [i, part] of parts.entries()) copy.set(part, i * count * numbers);
  return { data: copy, ...selected };
}

/** Step size, KL weight and weight decay of each step: [steps] arrays. */
function scheduledNumbers(config: Config, firstStep: number, steps: number, perEpoch: number) {
  const { klWarmUp, weightDecay } = config;
  const learningRate = (step: number) => learningRateAt(config, step, perEpoch);
  const perStep = (value: (step: number) => number) => ({
    data: Float32Array.from({ length: steps }, (_, i) => value(firstStep + i)),
    shape: [steps],
  });
  return {
    stepSize: perStep((step) => adamStepSize(learningRate(step), step + 1, config)),
    ...(klWarmUp > 0 && { klWeight: perStep((step) => klWeightAt(config, step, perEpoch)) }),
    ...(weightDecay > 0 && { decay: perStep((step) => learningRate(step) * weightDecay) }),
  };
}
