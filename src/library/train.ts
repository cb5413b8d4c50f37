// Trains a model into a run folder: joins the data, an engine, the training loop, the pictures and the files.
import path from "node:path";
import type { Config, GivenSettings } from "../config.js";
import { createConfig } from "../config.js";
import { meanImage } from "../data/binarize.js";
import type { Dataset } from "../data/dataset.js";
import { describeShape, digestOf, loadDataset } from "../data/dataset.js";
import { pixelsOf } from "../data/pixels.js";
import type { Engine } from "../engine/engine.js";
import { openEngine } from "../engine/index.js";
import { UserError } from "../errors.js";
import { evaluate } from "../evaluation.js";
import type { Bounds } from "../model/elbo.js";
import type { HostParams } from "../model/parameters.js";
import { initialParameters, parameterShapes } from "../model/parameters.js";
import { Vae } from "../model/vae.js";
import type { RunConfig } from "../run/folder.js";
import { RunFolder } from "../run/folder.js";
import { stepsPerEpoch } from "../training/batches.js";
import type { Position, Progress, TrainingState } from "../training/loop.js";
import { DivergenceError, initialState, startOf, trainEpochs } from "../training/loop.js";
import type { HostArray, Tree } from "../tree.js";
import { leaves, sizeOf } from "../tree.js";
import { VERSION } from "../version.js";
import type { Checkpoint } from "./checkpoint.js";
import { decodeCheckpoint, differingSetting, encodeCheckpoint } from "./checkpoint.js";
import { EpochPictures } from "./epoch-pictures.js";
import { loadOwnData } from "./training-data.js";

/** What is known when training begins. */
export interface TrainingStart {
  /** The run's folder. */
  readonly run: string;
  readonly config: Config;
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  /** Image files that were left out, since they cannot be used. */
  readonly skipped: number;
  readonly parameters: number;
  /** Of an image. */
  readonly pixels: number;
  /** Why the engine is not the fastest one, if it was taken for want of better. */
  readonly shortfall?: string | undefined;
  /** Where it goes on, if it does not begin: the epoch, and the steps of it that were done; and whether nothing is left to do. */
  readonly resumed?: { readonly epoch: number; readonly step: number; readonly isFinished: boolean } | undefined;
}

/** A finished epoch. */
export interface EpochReport {
  readonly epoch: number;
  /** Mean over the epoch's batches, with dropout and noise as in training. */
  readonly train: Bounds;
  readonly validation: Bounds;
  /** Whether the weights are the best so far by the validation objective. Only then are they kept as the model. */
  readonly isBest: boolean;
  readonly imagesPerSecond: number;
  /** Since the training began. */
  readonly seconds: number;
}

export interface TrainingSummary {
  readonly run: string;
  readonly binarize: Config["binarize"];
  /** Epochs that were trained: fewer than asked if patience ended first. */
  readonly epochs: number;
  readonly bestEpoch: number;
  /** Of the best weights. */
  readonly validation: Bounds;
  /** Of the best weights, on the test images. */
  readonly test: Bounds;
  readonly seconds: number;
}

export interface TrainingHooks {
  readonly onStart?: (start: TrainingStart) => void;
  /** Called after every chunk of steps, twice a second or so. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called as the data's image files are decoded, which happens once. */
  readonly onDecoding?: ((done: number, count: number) => void) | undefined;
  /** Once aborted, the chunk of steps is finished, a checkpoint written, and the signal's reason thrown. */
  readonly signal?: AbortSignal | undefined;
}

export interface TrainOptions extends TrainingHooks {
  /** The folder to make for the run. */
  readonly run?: string | undefined;
}

/** A training: an epoch's report after every epoch, and in the end a summary. */
export type Training = AsyncGenerator<EpochReport, TrainingSummary>;

/**
 * Trains a model into a new run folder, epoch by epoch.
 *
 * @param settings those that differ from the defaults
 * @throws UserError if a setting or the data is not what it should be, the folder exists, or the loss diverges
 */
export async function* train(settings: GivenSettings, { run, ...hooks }: TrainOptions = {}): Training {
  const started = performance.now();
  const requested = createConfig(settings);
  if (requested.inputDir !== "none" && requested.noise !== "none") {
    throw new UserError("The images of --input-dir are corrupted already: leave out --noise.");
  }
  const data = await loadDataset(requested.dataset, {
    ...requested,
    onProgress: hooks.onDecoding,
    signal: hooks.signal,
  });
  if (stepsPerEpoch(data.train, requested.batchSize) === 0) {
    throw new UserError(
      `A batch of ${requested.batchSize} is more than the ${data.train.count} training images. Give a smaller --batch-size.`,
    );
  }
  const state = firstState(data, requested);
  const { engine, shortfall } = await openEngine(requested.engine, requested.threads);
  try {
    const config: Config = {
      ...requested,
      ...resolvePlaces(requested),
      channels: data.channels === 3 ? "3" : "1",
      engine: engine.name,
      threads: engine.threads,
    };
    const checkpoint = { state, position: startOf(1), reports: [], milestones: [], seconds: 0 };
    const folder = await RunFolder.create(
      {
        version: VERSION,
        created: new Date().toISOString(),
        settings: config,
        data: { name: data.name, ...describeData(data) },
      },
      encodeCheckpoint(checkpoint, config),
      run,
    );
    try {
      return yield* trainFrom({ folder, config, data, engine, shortfall, checkpoint, started }, hooks);
    } finally {
      await folder.close();
    }
  } finally {
    await engine.close();
  }
}

/**
 * Goes on with a run from its last checkpoint: the weights and metrics.jsonl (times aside) come out as if it had never stopped.
 * A run that is finished is summed up again.
 *
 * @param run its folder; without it, the newest in `runs/`
 * @param settings more epochs, other checkpointSeconds or threads, the new place of data that were moved; all else must be the run's own
 * @throws UserError if there is no such run, another process trains it, its checkpoint is damaged, its settings or its data are not
 * what they were, or the loss diverges
 */
export async function* resume(run?: string, settings: GivenSettings = {}, hooks: TrainingHooks = {}): Training {
  const started = performance.now();
  let folder = await RunFolder.resume(run);
  try {
    const { config: ran, dir } = folder;
    const config = changeSettings(ran.settings, settings);
    const { file, content } = await folder.readCheckpoint();
    const data = await loadOwnData(config, { onProgress: hooks.onDecoding, signal: hooks.signal });
    const now = describeData(data);
    const before = ran.data;
    if ((Object.keys(now) as (keyof typeof now)[]).some((key) => now[key] !== before[key])) {
      throw new UserError(
        `The data set ${config.dataset} is not what ${dir} was trained on: it has ${describeImages(now)}, and had ${describeImages(before)}` +
          `${describeImages(now) === describeImages(before) ? ", but others" : ""}.`,
      );
    }
    const checkpoint = decodeCheckpoint(content, firstState(data, config), config, file);
    if (config.epochs > ran.settings.epochs && isDone(checkpoint.reports, config)) {
      throw new UserError(
        `Patience has ended this run: more than ${checkpoint.reports.length} epochs cannot be had of it. Leave out --epochs.`,
      );
    }
    const { engine } = await openEngine(config.engine, config.threads);
    try {
      if (JSON.stringify(config) !== JSON.stringify(ran.settings)) folder = await folder.withSettings(config);
      return yield* trainFrom({ folder, config, data, engine, checkpoint, started }, hooks);
    } finally {
      await engine.close();
    }
  } finally {
    await folder.close();
  }
}

interface Run {
  readonly folder: RunFolder;
  readonly config: Config;
  readonly data: Dataset;
  readonly engine: Engine;
  readonly shortfall?: string | undefined;
  readonly checkpoint: Checkpoint;
  /** When the command began, by `performance.now()`. */
  readonly started: number;
}

async function* trainFrom(run: Run, { onStart, onProgress, signal }: TrainingHooks): Training {
  const { folder, config, data, engine, shortfall, checkpoint, started } = run;
  const { height, width, channels } = data;
  const size = { height, width, channels };
  const vae = new Vae({ pixels: pixelsOf(size), ...config });
  const fitted = (params: HostParams) => ({ engine, vae, params, size });
  const reports = [...checkpoint.reports];
  let { best, state, position } = checkpoint;
  const pictures = new EpochPictures(folder, data, config, checkpoint.milestones);
  const seconds = () => checkpoint.seconds + (performance.now() - started) / 1000;
  const bestReport = () => bestOf(reports) as EpochReport;
  const perEpoch = stepsPerEpoch(data.train, config.batchSize);

  let saved = performance.now();
  const save = async () => {
    const step = (position.epoch - 1) * perEpoch + position.step;
    checkFinite(state, position);
    const { milestones } = pictures;
    const content = encodeCheckpoint({ state, position, reports, best, milestones, seconds: seconds() }, config);
    await folder.writeCheckpoint(step, content);
    saved = performance.now();
  };
  const saveIfDue = async () => {
    if (signal?.aborted || performance.now() - saved >= 1000 * config.checkpointSeconds) await save();
    signal?.throwIfAborted();
  };
  const keepBest = async () => {
    const { epoch, validation } = bestReport();
    await folder.writeModel(best as HostParams, {
      epoch: String(epoch),
      validation_objective: String(validation.objective),
    });
  };

  // What stands in the folder is brought back to the checkpoint.
  await folder.writeMetrics(reports);
  if (best) await keepBest();
  else await folder.deleteModel();
  const { params } = state;
  onStart?.({
    run: folder.dir,
    config,
    images: countImages(data),
    skipped: data.bad.length,
    parameters: countParameters(params as HostParams),
    pixels: pixelsOf(size),
    shortfall,
    resumed:
      position.epoch + position.step > 1
        ? { epoch: position.epoch, step: position.step, isFinished: isDone(reports, config) }
        : undefined,
  });

  try {
    const epochs = trainEpochs({
      engine,
      vae,
      config,
      images: data.train,
      size,
      state,
      position,
      validate: (params) => evaluate(fitted(params), data.validation, config),
      onProgress,
      onChunk: (...reached) => {
        [state, position] = reached;
        return saveIfDue();
      },
    });
    for await (const result of isDone(reports, config) ? [] : epochs) {
      const { state: reached, ...numbers } = result;
      [state, position] = [reached, startOf(result.epoch + 1)];
      checkFinite(state, position);
      const params = state.params as HostParams;
      const isBest = !best || result.validation.objective > bestReport().validation.objective;
      const report = { ...numbers, isBest, seconds: seconds() };
      reports.push(report);
      if (isBest) {
        best = params;
        await keepBest();
      }
      await folder.writeMetrics(reports);
      const isLast = isDone(reports, config);
      await pictures.write(fitted(params), reports, isLast);
      if (isLast) await save();
      else await saveIfDue();
      yield report;
      if (isLast) break;
    }
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    const kept = best
      ? `The weights of epoch ${bestReport().epoch} are kept in ${folder.dir}.`
      : `No epoch was finished: ${folder.dir} holds a checkpoint, but no model.`;
    throw explainDivergence(error, config, kept);
  }
  if (!best) throw new Error("Training ended without an epoch");
  signal?.throwIfAborted();
  const { epoch, validation } = bestReport();
  return {
    run: folder.dir,
    binarize: config.binarize,
    epochs: reports.length,
    bestEpoch: epoch,
    validation,
    test: await evaluate(fitted(best), data.test, config),
    seconds: position === checkpoint.position ? checkpoint.seconds : seconds(),
  };
}

/** A checkpoint holds four numbers for each, beside a few images, and a file that is read at once at most 2 GiB. */
const MOST_PARAMETERS = 120_000_000;

/** The state of step 0. */
function firstState(data: Dataset, config: Config): TrainingState {
  const architecture = { pixels: pixelsOf(data), ...config };
  const parameters = Object.values(parameterShapes(architecture)).reduce((sum, shape) => sum + sizeOf(shape), 0);
  if (parameters > MOST_PARAMETERS) {
    throw new UserError(
      `For images of ${describeShape(data)} this model has ${parameters.toLocaleString("en")} parameters, more than ${MOST_PARAMETERS.toLocaleString("en")}. Give a smaller --size or --n-hidden.`,
    );
  }
  const mean = config.outputBias === "mean" ? meanImage(data.train, architecture.pixels, config.binarize) : undefined;
  return initialState(initialParameters(architecture, config.seed, mean));
}

/** The run's settings, with those that may change as they are given. @throws UserError if others are to change */
function changeSettings(own: Config, given: GivenSettings): Config {
  const wanted = createConfig({ ...own, ...given });
  const config = {
    ...wanted,
    engine: wanted.engine === "auto" ? own.engine : wanted.engine,
    ...resolvePlaces(wanted),
  };
  const changed = differingSetting(own, config);
  if (changed === "epochs") {
    throw new UserError(
      `The run's learning rate falls to zero over its ${own.epochs} epochs (learningRateSchedule cosine), so they cannot be changed.`,
    );
  }
  if (changed) {
    throw new UserError(
      `A run goes on with its own settings, in which ${changed} is ${own[changed]}, not ${config[changed]}. Leave it out, or begin a new run.`,
    );
  }
  if (config.epochs < own.epochs) {
    throw new UserError(`The run is one of ${own.epochs} epochs. They can be raised, not lowered to ${config.epochs}.`);
  }
  return config;
}

/** The places of the data, from wherever they are read. */
function resolvePlaces({ dataset, inputDir }: Config): Pick<Config, "dataset" | "inputDir"> {
  return {
    dataset: dataset === "mnist" ? dataset : path.resolve(dataset),
    inputDir: inputDir === "none" ? inputDir : path.resolve(inputDir),
  };
}

/** The last one that was the best so far. */
export function bestOf(reports: readonly EpochReport[]): EpochReport | undefined {
  return reports.findLast(({ isBest }) => isBest);
}

/** Whether all epochs are trained, or the validation objective has not improved for as many as patience allows. */
export function isDone(reports: readonly EpochReport[], { epochs, patience }: Config): boolean {
  if (reports.length >= epochs) return true;
  return patience > 0 && reports.length - (bestOf(reports)?.epoch ?? reports.length) >= patience;
}

/** @throws DivergenceError if a weight, or a moment of its gradients, is NaN or infinite: such numbers never reach the disk */
function checkFinite(state: TrainingState, { epoch, step }: Position): void {
  if (leaves(state as Tree<HostArray>).every(([, { data }]) => data.every(Number.isFinite))) return;
  throw step === 0 ? new DivergenceError(epoch - 1) : new DivergenceError(epoch, step);
}

function explainDivergence({ epoch, step }: DivergenceError, { learningRate }: Config, kept: string): UserError {
  const where = step === undefined ? "at the end of" : `in step ${step} of`;
  return new UserError(
    `The loss, the weights or their gradients became infinite or NaN ${where} epoch ${epoch}, so training stopped. ${kept} ` +
      `Try a smaller --learning-rate than ${learningRate}.`,
  );
}

function countParameters(params: HostParams): number {
  return Object.values(params).reduce((count, { data }) => count + data.length, 0);
}

function countImages({ train, validation, test }: Dataset): TrainingStart["images"] {
  return { train: train.count, validation: validation.count, test: test.count };
}

function describeData(data: Dataset): Omit<RunConfig["data"], "name"> {
  const { height, width, channels } = data;
  return { height, width, channels, ...countImages(data), sha256: digestOf(data) };
}

function describeImages({ train, validation, test, ...shape }: Omit<RunConfig["data"], "name">): string {
  return `${train} + ${validation} + ${test} images of ${describeShape(shape)}`;
}
