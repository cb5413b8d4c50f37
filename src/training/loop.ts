// The training loop: shuffle, draw, step, add up, validate, report. It knows nothing of files or of the terminal.
import { setImmediate } from "node:timers/promises";
import type { ImageSet } from "../data/dataset.js";
import type { ImageShape } from "../data/pixels.js";
import type { Engine, Hosted } from "../engine/engine.js";
import type { Bounds } from "../model/elbo.js";
import { meanBounds, TERMS } from "../model/elbo.js";
import type { HostParams } from "../model/parameters.js";
import type { Vae } from "../model/vae.js";
import type { BatchConfig } from "./batches.js";
import { drawBatches, epochOrder, stepsPerEpoch } from "./batches.js";
import type { Carry } from "./step.js";

/** All that the next step needs beside its number. */
export type TrainingState = Hosted<Carry>;

/** Where a training stands, beside its state: in which epoch, and what has been done of it. */
export interface Position {
  readonly epoch: number;
  /** Steps done in this epoch. */
  readonly step: number;
  /** Of each of these steps. */
  readonly terms: Readonly<Record<(typeof TERMS)[number], readonly number[]>>;
  /** That these steps took. */
  readonly milliseconds: number;
}

/** What a running epoch has come to. */
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

/** A loss, weights or gradients that are no longer finite numbers. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";
  constructor(
    readonly epoch: number,
    /** Undefined at the end of the epoch. */
    readonly step?: number,
  ) {
    super("The loss, the weights or their gradients are not finite");
  }
}

export interface LoopOptions {
  readonly engine: Engine;
  readonly vae: Vae;
  readonly config: BatchConfig;
  readonly images: ImageSet;
  readonly size: ImageShape;
  readonly state: TrainingState;
  readonly position: Position;
  readonly validate: (params: HostParams) => Promise<Bounds>;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Awaited after every chunk of steps: the training can be gone on with from here. */
  readonly onChunk?: ((state: TrainingState, position: Position) => Promise<void>) | undefined;
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

/** The position before the first step of an epoch. */
export function startOf(epoch: number): Position {
  return { epoch, step: 0, terms: { objective: [], reconstruction: [], kl: [] }, milliseconds: 0 };
}

/**
 * Trains, from a position on, and yields after every epoch.
 *
 * @throws DivergenceError if the loss is NaN or infinite
 */
export async function* trainEpochs(options: LoopOptions): AsyncGenerator<EpochResult, void> {
  const { engine, vae, config, images, size, validate, onProgress, onChunk } = options;
  const { batchSize, epochs, seed } = config;
  const { createTrainingStep } = await import("./step.js");
  const step = createTrainingStep(vae, config);
  const steps = stepsPerEpoch(images, batchSize);
  let { state, position } = options;
  let chunkLength = 1;
  let stepsDone = 0;
  const started = performance.now();
  for (; position.epoch <= epochs; position = startOf(position.epoch + 1)) {
    const { epoch } = position;
    const order = epochOrder(seed, epoch, images.count);
    const { objective, reconstruction, kl } = position.terms;
    const terms = { objective: [...objective], reconstruction: [...reconstruction], kl: [...kl] };
    while (position.step < steps) {
      const first = position.step;
      const count = Math.min(chunkLength, steps - first);
      const chunkStarted = performance.now();
      const chunkOrder = order.subarray(first * batchSize, (first + count) * batchSize);
      const batches = drawBatches(images, size, chunkOrder, (epoch - 1) * steps + first, config);
      const [next, metrics] = await engine.scan(step, state, batches);
      for (const term of TERMS) terms[term].push(...metrics[term].data);
      const broken = metrics.objective.data.findIndex((value) => !Number.isFinite(value));
      if (broken >= 0) throw new DivergenceError(epoch, first + broken + 1);
      state = next;

      await setImmediate(); // lets timers and signals have their turn: an engine may block without one
      const milliseconds = performance.now() - chunkStarted;
      chunkLength = Math.max(1, Math.min(MOST_STEPS_IN_CHUNK, Math.round((CHUNK_MILLISECONDS * count) / milliseconds)));
      stepsDone += count;
      position = { epoch, step: first + count, terms, milliseconds: position.milliseconds + milliseconds };
      const stepsLeft = (epochs - epoch + 1) * steps - position.step;
      onProgress?.({
        epoch,
        step: position.step,
        steps,
        train: meanBounds(terms),
        imagesPerSecond: imagesPerSecond(position, batchSize),
        secondsLeft: ((performance.now() - started) / 1000 / stepsDone) * stepsLeft,
      });
      await onChunk?.(state, position);
    }
    const validation = await validate(state.params as HostParams);
    if (!Number.isFinite(validation.objective)) throw new DivergenceError(epoch);
    yield {
      epoch,
      train: meanBounds(terms),
      validation,
      imagesPerSecond: imagesPerSecond(position, batchSize),
      state,
    };
  }
}

function imagesPerSecond({ step, milliseconds }: Position, batchSize: number): number {
  return (step * batchSize) / (milliseconds / 1000);
}
