// The training loop: shuffle, draw, step, add up, validate, report. It knows nothing of files or of the terminal.
import { setImmediate } from "node:timers/promises";
import type { ImageSet } from "../data/dataset.js";
import type { Engine, Hosted } from "../engine/engine.js";
import { UserError } from "../errors.js";
import type { Elbo } from "../model/elbo.js";
import { meanElbo } from "../model/elbo.js";
import type { HostParams } from "../model/parameters.js";
import type { BatchConfig } from "./batches.js";
import { drawBatches, epochOrder } from "./batches.js";
import type { Carry } from "./step.js";
import { createTrainingStep } from "./step.js";

/** All that the next step needs beside its number. */
export type TrainingState = Hosted<Carry>;

/** Where a running epoch stands. */
export interface Progress {
  readonly epoch: number;
  /** Steps done in this epoch, and all that it has. */
  readonly step: number;
  readonly steps: number;
  /** Mean over the epoch's steps so far, with dropout and noise as in training. */
  readonly train: Elbo;
  readonly imagesPerSecond: number;
  /** Until the end of the run. */
  readonly secondsLeft: number;
}

/** A finished epoch. */
export interface EpochResult {
  readonly epoch: number;
  readonly train: Elbo;
  readonly validation: Elbo;
  /** Of the training steps alone. */
  readonly imagesPerSecond: number;
  readonly state: TrainingState;
}

/** A loss that is no longer a finite number. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";
  constructor(
    readonly epoch: number,
    readonly step: number,
  ) {
    super(`The loss was not finite in step ${step} of epoch ${epoch}`);
  }
}

export interface LoopOptions {
  readonly engine: Engine;
  readonly config: BatchConfig & { readonly epochs: number };
  readonly images: ImageSet;
  /** Pixels of an image. */
  readonly pixels: number;
  readonly state: TrainingState;
  readonly validate: (params: HostParams) => Promise<Elbo>;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** A chunk of steps is one call into the engine, which blocks: short enough for a lively terminal, long enough to cost nothing. */
const CHUNK_MILLISECONDS = 200;
const MOST_STEPS_IN_CHUNK = 64;

/** The state before the first step. */
export function initialState(params: HostParams): TrainingState {
  const zeros = () =>
    Object.fromEntries(
      Object.entries(params).map(([name, { data, shape }]) => [name, { data: new Float32Array(data.length), shape }]),
    );
  return { params, adam: { m: zeros(), v: zeros() } };
}

/**
 * Steps in an epoch; the last partial batch is dropped.
 *
 * @throws UserError if the images do not fill one batch
 */
export function stepsPerEpoch(images: ImageSet, batchSize: number): number {
  if (images.count < batchSize) {
    throw new UserError(
      `A batch of ${batchSize} is more than the ${images.count} training images. Give a smaller --batch-size.`,
    );
  }
  return Math.floor(images.count / batchSize);
}

/**
 * Trains, and yields after every epoch.
 *
 * @throws DivergenceError if the loss is NaN or infinite
 */
export async function* trainEpochs(options: LoopOptions): AsyncGenerator<EpochResult, void> {
  const { engine, config, images, pixels, validate, onProgress } = options;
  const { batchSize, epochs, seed } = config;
  const step = createTrainingStep(config.keepProb);
  const steps = stepsPerEpoch(images, batchSize);
  let state = options.state;
  let chunkLength = 1;
  const started = performance.now();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = epochOrder(seed, epoch, images.count);
    const reconstructions: number[] = [];
    const kls: number[] = [];
    let trainingMilliseconds = 0;
    for (let first = 0; first < steps; ) {
      const count = Math.min(chunkLength, steps - first);
      const chunkStarted = performance.now();
      const chunkOrder = order.subarray(first * batchSize, (first + count) * batchSize);
      const batches = drawBatches(images, pixels, chunkOrder, (epoch - 1) * steps + first, config);
      const [next, metrics] = await engine.scan(step, state, batches);
      reconstructions.push(...metrics.reconstruction.data);
      kls.push(...metrics.kl.data);
      for (let i = first; i < first + count; i++) {
        if (!Number.isFinite(reconstructions[i] - kls[i])) throw new DivergenceError(epoch, i + 1);
      }
      state = next;
      first += count;

      await setImmediate(); // lets timers and signals have their turn: an engine may block without one
      const milliseconds = performance.now() - chunkStarted;
      trainingMilliseconds += milliseconds;
      chunkLength = Math.max(1, Math.min(MOST_STEPS_IN_CHUNK, Math.round((CHUNK_MILLISECONDS * count) / milliseconds)));
      const stepsDone = (epoch - 1) * steps + first;
      onProgress?.({
        epoch,
        step: first,
        steps,
        train: meanElbo(reconstructions, kls),
        imagesPerSecond: (first * batchSize) / (trainingMilliseconds / 1000),
        secondsLeft: ((performance.now() - started) / 1000 / stepsDone) * (epochs * steps - stepsDone),
      });
    }
    const validation = await validate(state.params as HostParams);
    if (!Number.isFinite(validation.elbo)) throw new DivergenceError(epoch, steps);
    yield {
      epoch,
      train: meanElbo(reconstructions, kls),
      validation,
      imagesPerSecond: (steps * batchSize) / (trainingMilliseconds / 1000),
      state,
    };
  }
}
