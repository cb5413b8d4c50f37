// The training loop: permute, draw, step, add up, validate, report. Does not touch the disk; sinks do.
import type { Dataset } from "../data/dataset.js";
import { pixelsOf } from "../data/pixels.js";
import { evaluate } from "../inference/evaluation.js";
import { TrainedModel, type TrainedModelInit } from "../inference/trained-model.js";
import { mapTerms, meanBounds, type TermValues } from "../model/bounds.js";
import { countParameters } from "../model/initialize.js";
import { bestOf, isDone } from "../run/reports.js";
import type { HostArray } from "../tree.js";
import { epochOrder, stepsPerEpoch } from "./batches.js";
import type { Sink, TrainingChunk, TrainingDone, TrainingEvent, TrainingStart } from "./events.js";
import type { SharedStop } from "./shared-stop.js";
import { checkFinite, DivergenceError, type Position, type Snapshot, startOf } from "./snapshot.js";
import type { Stepper } from "./stepper.js";

/** Options of `trainModel`. */
export interface LoopOptions extends Omit<TrainedModelInit, "params"> {
  readonly data: Dataset;
  readonly start: Snapshot;
  readonly sinks: readonly Sink[];
  /** The run's folder. */
  readonly run: string;
  /** The preset, if chosen by the data. */
  readonly preset?: TrainingStart["preset"];
  readonly fallbackReason?: string | undefined;
  /** Once aborted, the loop finishes the chunk of steps, passes it to the sinks, and throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** When the training began, by `performance.now()`. */
  readonly started: number;
  /** Set in each of several processes that train together. Only the first has sinks. */
  readonly stop?: SharedStop | undefined;
  /** Whether a sink needs the state after a chunk of steps. By default each does. */
  readonly needsState?: (() => boolean) | undefined;
}

/**
 * Trains a model from a snapshot to its last epoch, and yields the events.
 *
 * @throws DivergenceError if the loss, the weights or their gradients are NaN or infinite
 */
export async function* trainModel(options: LoopOptions): AsyncGenerator<TrainingEvent, void> {
  const { config, data, sinks, start, signal, stop } = options;
  const { batchSize, epochs, seed } = config;
  const stepper = await openStepper(options);
  const steps = stepsPerEpoch(data.train, batchSize);
  const pace = new Pace();
  let now = start;
  let isAborted = false;
  const seconds = () => start.seconds + (performance.now() - options.started) / 1000;
  const emit = async (event: TrainingEvent): Promise<TrainingEvent> => {
    isAborted = signal?.aborted ?? false; // read before the sinks, so that the loop ends only after a checkpoint
    for (const sink of sinks) await sink(event, { ...now, seconds: seconds() });
    return event;
  };

  yield emit(describeStart(options));
  while (!isDone(now.reports, config)) {
    const { epoch } = now.position;
    const order = epochOrder(seed, epoch, data.train.count);
    while (now.position.step < steps) {
      const { step: first } = now.position;
      const count = Math.min(pace.chunk, steps - first);
      const chunkStarted = performance.now();
      const left = order.subarray(first * batchSize, steps * batchSize);
      const needsState = () => first + count === steps || options.needsState?.() !== false || signal?.aborted === true;
      const { metrics, state } = await stepper.run(left, (epoch - 1) * steps + first, count, needsState);
      const milliseconds = performance.now() - chunkStarted;
      pace.add(metrics.objective.data.length, milliseconds);
      now = { ...now, ...(state && { state }), position: advance(now.position, metrics, milliseconds) };
      if (stop && state) checkFinite(now); // in all processes: sinks check it in the first only
      const stepsLeft = (epochs - epoch + 1) * steps - now.position.step;
      const event = describeChunk(now.position, steps, batchSize, pace.secondsLeft(stepsLeft));
      yield state ? emit(event) : event; // sinks need a state
      if (isAborted) signal?.throwIfAborted();
    }

    const { position, state } = now;
    const trained = new TrainedModel({ ...options, params: state.params });
    const validation = await evaluate(trained, data.validation, config, stop?.processes);
    if (!Number.isFinite(validation.objective)) throw new DivergenceError(epoch);
    const best = bestOf(now.reports);
    const isBest = !best || validation.objective > best.validation.objective;
    const measured = { train: meanBounds(position.terms), validation, imagesPerSecond: speedOf(position, batchSize) };
    const report = { epoch, ...measured, isBest, seconds: seconds() };
    const reports = [...now.reports, report];
    now = { ...now, position: startOf(epoch + 1), reports, ...(isBest && { best: state.params }) };
    checkFinite(now);
    stop?.agree();
    yield emit({ type: "epoch", ...report });
    if (isAborted) signal?.throwIfAborted();
  }
  signal?.throwIfAborted();
  yield emit(await describeDone(options, now, seconds));
}

async function openStepper(options: LoopOptions): Promise<Stepper> {
  const { data, start, stop } = options;
  const source = { ...options, images: data.train };
  if (!stop) return (await import("./stepper.js")).createStepper(source, start.state);
  if (options.config.syncEvery > 1)
    return new (await import("./local-steps.js")).LocalStepper(source, start.state, stop);
  return new (await import("./shared-steps.js")).SharedStepper(source, start.state, stop);
}

/**
 * The target for a chunk of steps, one blocking call into the engine: short for frequent progress, long for low
 * overhead.
 */
const CHUNK_MILLISECONDS = 500;
const MAX_CHUNK = 64;

/** Sets the length of the next chunk of steps, and estimates the time left. */
class Pace {
  chunk = 1;
  #chunks = 0;
  #stepsDone = 0;
  #started = performance.now();

  add(steps: number, milliseconds: number): void {
    if (++this.#chunks === 2) {
      // The first chunk also compiles, so its time says little of the others.
      this.#stepsDone = 0;
      this.#started = performance.now() - milliseconds;
    }
    this.chunk = Math.max(1, Math.min(MAX_CHUNK, Math.round((CHUNK_MILLISECONDS * steps) / milliseconds)));
    this.#stepsDone += steps;
  }

  secondsLeft(stepsLeft: number): number {
    return ((performance.now() - this.#started) / 1000 / this.#stepsDone) * stepsLeft;
  }
}

/** Adds the steps of a chunk to the position. @throws DivergenceError if a loss is not finite */
function advance(
  { epoch, step, terms, milliseconds }: Position,
  metrics: TermValues<HostArray>,
  chunkMilliseconds: number,
): Position {
  const diverged = metrics.objective.data.findIndex((value) => !Number.isFinite(value));
  if (diverged >= 0) throw new DivergenceError(epoch, step + diverged + 1);
  return {
    epoch,
    step: step + metrics.objective.data.length,
    terms: mapTerms((term) => [...terms[term], ...metrics[term].data]),
    milliseconds: milliseconds + chunkMilliseconds,
  };
}

function describeStart(options: LoopOptions): TrainingStart {
  const { data, config, preset, model, size, classes, run, fallbackReason, start, stop } = options;
  const { epoch, step } = start.position;
  return {
    type: "start",
    run,
    config,
    preset,
    images: countImages(data),
    skipped: data.bad.length,
    notes: data.notes,
    parameters: countParameters(model.parts.specs),
    shape: size,
    pixels: pixelsOf(size),
    ...(classes && { classes: classes.length }),
    fallbackReason,
    ...(stop && { processes: { count: stop.processes.size, hosts: stop.processes.hosts } }),
    resumed: epoch + step > 1 ? { epoch, step, isFinished: isDone(start.reports, config) } : undefined,
  };
}

function describeChunk(position: Position, steps: number, batchSize: number, secondsLeft: number): TrainingChunk {
  const { epoch, step, terms } = position;
  const imagesPerSecond = speedOf(position, batchSize);
  return { type: "chunk", epoch, step, steps, train: meanBounds(terms), imagesPerSecond, secondsLeft };
}

async function describeDone(options: LoopOptions, end: Snapshot, seconds: () => number): Promise<TrainingDone> {
  const { data, config, run, start } = options;
  const best = bestOf(end.reports);
  if (!end.best || !best) throw new Error("The training ended without an epoch");
  const trained = new TrainedModel({ ...options, params: end.best });
  return {
    type: "done",
    run,
    binarize: config.binarize,
    epochs: end.reports.length,
    bestEpoch: best.epoch,
    validation: best.validation,
    test: await evaluate(trained, data.test, config, options.stop?.processes),
    seconds: isDone(start.reports, config) ? start.seconds : seconds(),
  };
}

/** The number of images in each split. */
export function countImages({ train, validation, test }: Dataset): TrainingStart["images"] {
  return { train: train.count, validation: validation.count, test: test.count };
}

/** Images per second. */
function speedOf({ step, milliseconds }: Position, batchSize: number): number {
  return (step * batchSize) / (milliseconds / 1000);
}
