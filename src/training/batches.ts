// What the training steps use up: images in a new order for every epoch, and their random draws. All of it is a function of
// the seed and the step's number, however the steps are cut into chunks.
import type { Config } from "../config.js";
import type { ImageSet } from "../data/dataset.js";
import type { Hosted } from "../engine/engine.js";
import { DROPOUT_LAYERS } from "../model/vae.js";
import { corrupt } from "../noise.js";
import { randomStream } from "../random.js";
import { adamStepSize } from "./adam.js";
import type { StepInput } from "./step.js";

export type BatchConfig = Pick<
  Config,
  "batchSize" | "dimZ" | "keepProb" | "learningRate" | "nHidden" | "noise" | "seed"
>;

/** The order in which an epoch takes the images. */
export function epochOrder(seed: number, epoch: number, count: number): Uint32Array {
  return randomStream(seed, "shuffle", epoch).permutation(count);
}

/**
 * Inputs for `steps` steps in a row, as `engine.scan` takes them: [steps, …] arrays. Names for the shapes in vae.ts.
 *
 * @param pixels pixels of an image, D
 * @param order indices of the images, batchSize for each of the steps
 * @param firstStep the number of the first of these steps, counted from 0 at the start of the run
 */
export function drawBatches(
  images: ImageSet,
  pixels: number,
  order: Uint32Array,
  firstStep: number,
  config: BatchConfig,
): Hosted<StepInput> {
  const { batchSize, dimZ, keepProb, learningRate, nHidden, noise, seed } = config;
  const steps = order.length / batchSize;
  const clean = new Uint8Array(order.length * pixels);
  order.forEach((image, i) => {
    clean.set(images.pixels.subarray(image * pixels, (image + 1) * pixels), i * pixels);
  });
  const corrupted = noise === "none" ? undefined : new Float32Array(clean.length);
  const epsilon = new Float32Array(order.length * dimZ);
  const masks = keepProb === 1 ? undefined : DROPOUT_LAYERS.map(() => new Uint8Array(order.length * nHidden));
  const stepSize = new Float32Array(steps);

  const part = <Data extends Float32Array | Uint8Array>(data: Data, i: number) =>
    data.subarray((i * data.length) / steps, ((i + 1) * data.length) / steps) as Data;
  for (let i = 0; i < steps; i++) {
    const step = firstStep + i;
    stepSize[i] = adamStepSize(learningRate, step + 1);
    randomStream(seed, "training epsilon", step).fillNormals(part(epsilon, i));
    if (noise !== "none" && corrupted) {
      corrupt(noise, part(clean, i), randomStream(seed, "training noise", step), part(corrupted, i));
    }
    if (masks) {
      const stream = randomStream(seed, "dropout", step);
      for (const mask of masks) stream.fillBernoulli(part(mask, i), keepProb);
    }
  }
  const stacked = <Data>(data: Data, ...shape: number[]) => ({ data, shape: [steps, ...shape] });
  return {
    images: stacked(clean, batchSize, pixels),
    corrupted: corrupted && stacked(corrupted, batchSize, pixels),
    epsilon: stacked(epsilon, batchSize, dimZ),
    masks:
      masks && Object.fromEntries(DROPOUT_LAYERS.map((layer, i) => [layer, stacked(masks[i], batchSize, nHidden)])),
    stepSize: stacked(stepSize),
  };
}
