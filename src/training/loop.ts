// The training loop: shuffle, draw, step, add up, validate, report. It knows nothing of files or of the terminal.
import { setImmediate } from "node:timers/promises";
import type { ImageSet } from "../data/dataset.js";
import type { Engine, Hosted } from "../engine/engine.js";
import type { Bounds } from "../model/elbo.js";
import { meanBounds, TERMS } from "../model/elbo.js";
import type { HostParams } from "../model/parameters.js";
import type { Vae } from "../model/vae.js";
import type { ImageSize } from "../noise.js";
import type { BatchConfig } from "./batches.js";
import { drawBatches, epochOrder, stepsPerEpoch } from "./batches.js";
import type { Carry } from "./step.js";

/** All that the next step needs beside its number. */
export type TrainingState = Hosted<Carry>;

/** Where a running epoch stands. */
export interface Progress {
  readonly epoch: number;
  /** Steps done in this epoch, and all that it has. */
  readonly step: number;
  readonly steps: number;
  /** Mean over the epoch's steps so far, with dropout and noise as in training. */
  readonly train: Bounds;
  readonly imagesPerSecond: number;
  /** Until the end of the run. */
  readonly secondsLeft: number;
}

/** A finished epoch. */
export interface EpochResult {
  readonly epoch: number;
  readonly train: Bounds;
  readonly validation: Bounds;
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
  readonly vae: Vae;
  readonly config: BatchConfig;
  readonly images: ImageSet;
  readonly size: ImageSize;
  readonly state: TrainingState;
  readonly validate: (params: HostParams) => Promise<Bounds>;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** A chunk of steps is one call into the engine, which blocks: short enough for a lively terminal, long enough to cost little. */
const CHUNK_MILLISECONDS = 500;
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
 * Trains, and yields after every epoch.
 *
 * @throws DivergenceError if the loss is NaN or infinite
 */
export async function* trainEpochs(options: LoopOptions): AsyncGenerator<EpochResult, void> {
  const { engine, vae, config, images, size, validate, onProgress } = options;
  const { batchSize, epochs, seed } = config;
  const { createTrainingStep } = await import("./step.js");
  const step = createTrainingStep(vae, config);
  const steps = stepsPerEpoch(images, batchSize);
  let state = options.state;
  let chunkLength = 1;
  const started = performance.now();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = epochOrder(seed, epoch, images.count);
    const terms: Record<(typeof TERMS)[number], number[]> = { objective: [], reconstruction: [], kl: [] };
    let trainingMilliseconds = 0;
    for (let first = 0; first < steps; ) {
      const count = Math.min(chunkLength, steps - first);
      const chunkStarted = performance.now();
      const chunkOrder = order.subarray(first * batchSize, (first + count) * batchSize);
      const batches = drawBatches(images, size, chunkOrder, (epoch - 1) * steps + first, config);
      const [next, metrics] = await engine.scan(step, state, batches);
      for (const term of TERMS) terms[term].push(...metrics[term].data);
      const broken = metrics.objective.data.findIndex((value) => !Number.isFinite(value));
      if (broken >= 0) throw new DivergenceError(epoch, first + broken + 1);
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
        train: meanBounds(terms),
        imagesPerSecond: (first * batchSize) / (trainingMilliseconds / 1000),
        secondsLeft: ((performance.now() - started) / 1000 / stepsDone) * (epochs * steps - stepsDone),
      });
    }
    const validation = await validate(state.params as HostParams);
    if (!Number.isFinite(validation.objective)) throw new DivergenceError(epoch, steps);
    yield {
      epoch,
      train: meanBounds(terms),
      validation,
      imagesPerSecond: (steps * batchSize) / (trainingMilliseconds / 1000),
      state,
    };
  }
}
