// What the training steps use up: images in a new order for every epoch, and their random draws. All of it is a function of
// the seed and the step's number, however the steps are cut into chunks.
import type { Config } from "../config/config.js";
import { drawsPerImage } from "../config/config.js";
import { binarize } from "../data/binarize.js";
import type { ImageSet } from "../data/dataset.js";
import type { ImageShape } from "../data/pixels.js";
import { pixelsOf, toFloat } from "../data/pixels.js";
import type { Hosted } from "../engine/engine.js";
import { hiddenLayers } from "../model/parameters.js";
import { corrupt } from "../noise.js";
import { randomStream } from "../random.js";
import type { AdamConfig } from "./optimizer/adam.js";
import { adamStepSize } from "./optimizer/adam.js";
import type { ScheduleConfig } from "./optimizer/schedules.js";
import { klWeightAt, learningRateAt } from "./optimizer/schedules.js";
import type { StepInput } from "./step.js";

export type BatchConfig = AdamConfig &
  ScheduleConfig &
  Pick<
    Config,
    | "batchSize"
    | "binarize"
    | "dimZ"
    | "importanceSamples"
    | "keepProb"
    | "mcSamples"
    | "model"
    | "nHidden"
    | "noise"
    | "objective"
    | "seed"
    | "weightDecay"
  >;

/** The order in which an epoch takes the images. */
export function epochOrder(seed: number, epoch: number, count: number): Uint32Array {
  return randomStream(seed, "shuffle", epoch).permutation(count);
}

/** Whole batches in an epoch; the last partial one is dropped. */
export function stepsPerEpoch({ count }: ImageSet, batchSize: number): number {
  return Math.floor(count / batchSize);
}

/**
 * Inputs for `steps` steps in a row, as `engine.scan` takes them: [steps, …] arrays. Names for the shapes in vae.ts.
 *
 * @param order indices of the images, batchSize for each of the steps
 * @param firstStep the number of the first of these steps, counted from 0 at the start of the run
 */
export function drawBatches(
  images: ImageSet,
  shape: ImageShape,
  order: Uint32Array,
  firstStep: number,
  config: BatchConfig,
): Hosted<StepInput> {
  const { batchSize, dimZ, keepProb, noise, seed } = config;
  const pixels = pixelsOf(shape);
  const steps = order.length / batchSize;
  const draws = drawsPerImage(config);
  const clean = images.pixels.read(order);
  const corrupted = images.inputs
    ? toFloat(images.inputs.read(order))
    : noise
      ? new Float32Array(clean.length)
      : undefined;
  const epsilon = config.model === "ae" ? undefined : new Float32Array(order.length * draws * dimZ);
  const masks =
    keepProb === 1
      ? []
      : hiddenLayers(config).map(({ name, network, units }) => {
          const rows = network === "encoder" ? batchSize : batchSize * draws;
          return { name, rows, units, data: new Uint8Array(steps * rows * units) };
        });
  const stepSize = new Float32Array(steps);
  const decay = config.weightDecay === 0 ? undefined : new Float32Array(steps);
  const klWeight = config.model === "ae" || config.klWarmUp === 0 ? undefined : new Float32Array(steps);

  const part = <Data extends Float32Array | Uint8Array>(data: Data, i: number) =>
    data.subarray((i * data.length) / steps, ((i + 1) * data.length) / steps) as Data;
  const perEpoch = stepsPerEpoch(images, batchSize);
  for (let i = 0; i < steps; i++) {
    const step = firstStep + i;
    const learningRate = learningRateAt(config, step, perEpoch);
    stepSize[i] = adamStepSize(learningRate, step + 1, config);
    if (decay) decay[i] = learningRate * config.weightDecay;
    if (klWeight) klWeight[i] = klWeightAt(config, step, perEpoch);
    binarize(config.binarize, part(clean, i), randomStream(seed, "training binarization", step));
    if (epsilon) randomStream(seed, "training epsilon", step).fillNormals(part(epsilon, i));
    if (noise && corrupted) {
      corrupt(noise, part(clean, i), shape, randomStream(seed, "training noise", step), part(corrupted, i));
    }
    const stream = randomStream(seed, "dropout", step);
    for (const { data } of masks) stream.fillBernoulli(part(data, i), keepProb);
  }
  const stacked = <Data>(data: Data, ...shape: number[]) => ({ data, shape: [steps, ...shape] });
  return {
    images: stacked(clean, batchSize, pixels),
    corrupted: corrupted && stacked(corrupted, batchSize, pixels),
    epsilon: epsilon && stacked(epsilon, batchSize, draws, dimZ),
    masks:
      masks.length > 0
        ? Object.fromEntries(masks.map(({ name, rows, units, data }) => [name, stacked(data, rows, units)]))
        : undefined,
    klWeight: klWeight && stacked(klWeight),
    stepSize: stacked(stepSize),
    decay: decay && stacked(decay),
  };
}
