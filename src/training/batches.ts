// The inputs of training steps: permuted images and random draws. They depend on the seed and the step's number, not on
// chunks.
import type { Config } from "../config/config.js";
import type { ModelClass } from "../data/classes.js";
import type { ImageSet } from "../data/dataset.js";
import type { ImageShape } from "../data/pixels.js";
import type { HostTree } from "../engine/engine.js";
import { readBatch } from "../inference/batches.js";
import { createDraws, fillDraws, rowsOfImages } from "../model/draws.js";
import type { Model } from "../model/model.js";
import { randomStream } from "../random.js";
import { type HostArray, mapTree } from "../tree.js";
import { adamStepSize } from "./optimizer/adam.js";
import { klWeightAt, learningRateAt } from "./optimizer/schedules.js";
import type { StepInput } from "./step.js";

export function epochOrder(seed: number, epoch: number, count: number): Uint32Array {
  return randomStream(seed, "shuffle", epoch).permutation(count);
}

/** Counts the whole batches of an epoch. */
export function stepsPerEpoch({ count }: Pick<ImageSet, "count">, batchSize: number): number {
  return Math.floor(count / batchSize);
}

/**
 * Draws the inputs of successive steps, as `engine.scan` takes them: [steps, …] arrays.
 *
 * @param order indices of images, batchSize for each step
 * @param firstStep the number of the first step, counted from 0 at the start of the run
 * @param classes those of a conditional model
 */
export function drawBatches(
  images: ImageSet,
  shape: ImageShape,
  order: Uint32Array,
  firstStep: number,
  config: Config,
  model: Model,
  classes?: readonly ModelClass[],
): HostTree<StepInput> {
  const { batchSize, klWarmUp, seed, weightDecay } = config;
  const { specs } = model.parts;
  const steps = order.length / batchSize;
  const streamOf = (purpose: "binarization" | "noise", i: number) =>
    randomStream(seed, `training ${purpose}`, firstStep + i);
  const batch = readBatch(images, order, shape, config, batchSize, streamOf, classes);
  const draws = createDraws(specs, ["training", "posterior"], order.length, model.draws);
  for (let i = 0; i < steps; i++) {
    const own = rowsOfImages(draws, order.length, i * batchSize, batchSize);
    fillDraws(own, specs, "posterior", randomStream(seed, "training epsilon", firstStep + i));
    fillDraws(own, specs, "training", randomStream(seed, "dropout", firstStep + i));
  }
  const perEpoch = stepsPerEpoch(images, batchSize);
  const learningRate = (step: number) => learningRateAt(config, step, perEpoch);
  const perStep = (value: (step: number) => number) => ({
    data: Float32Array.from({ length: steps }, (_, i) => value(firstStep + i)),
    shape: [steps],
  });
  const stacked = (array: HostArray): HostArray => {
    const [rows, ...rest] = array.shape;
    return { data: array.data, shape: [steps, rows / steps, ...rest] };
  };
  return {
    ...mapTree(batch, stacked),
    draws: mapTree(draws, stacked),
    stepSize: perStep((step) => adamStepSize(learningRate(step), step + 1, config)),
    ...(klWarmUp > 0 && { klWeight: perStep((step) => klWeightAt(config, step, perEpoch)) }),
    ...(weightDecay > 0 && { decay: perStep((step) => learningRate(step) * weightDecay) }),
  };
}
