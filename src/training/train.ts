// Trains a model into a run folder: prepares settings, data, model and engine, then runs the loop with its sinks.
import { createHash, randomUUID } from "node:crypto";
import path from "node:path";
import { checkOptions, func, maybe, objectWith, SIGNAL } from "../arguments.js";
import { type Config, checkNeeds, createConfig, type GivenSettings } from "../config/config.js";
import { PRESET_NAMES, PRESETS, type PresetName } from "../config/presets.js";
import { SETTINGS } from "../config/settings.js";
import { meanImage } from "../data/binarize.js";
import { checkLabels, findClasses, type ModelClass } from "../data/classes.js";
import { type DataKind, type Dataset, digestOf, loadDataset } from "../data/dataset.js";
import { type ImageShape, pixelsOf, shapeOf } from "../data/pixels.js";
import { agree, byFirst, PROCESSES, type Processes } from "../distributed/processes.js";
import { openEngine } from "../engine/index.js";
import { Divergence, UserError } from "../errors.js";
import { type BuildParts, buildModel } from "../model/build.js";
import { initialParams, needsMeanImage } from "../model/initialize.js";
import type { Model } from "../model/model.js";
import type { RunConfig } from "../run/config.js";
import { RunFolder } from "../run/folder.js";
import { bestOf } from "../run/reports.js";
import type { Checker } from "../values/checker.js";
import { oneOf, TEXT } from "../values/domains.js";
import { VERSION } from "../version.js";
import { plural } from "../wording.js";
import { stepsPerEpoch } from "./batches.js";
import { type Checkpoint, decisiveSettings, encodeCheckpoint } from "./checkpoint.js";
import type { Sink, TrainingEvent } from "./events.js";
import { fitSettings } from "./fit.js";
import { countImages, type LoopOptions, trainModel } from "./loop.js";
import { checkSameTraining, checkSharing, shareSnapshot } from "./shared-start.js";
import { SharedStop } from "./shared-stop.js";
import { writeCheckpoints, writeMetrics, writeModel, writeTest } from "./sinks/files.js";
import { EpochPictures, type PictureRow } from "./sinks/pictures.js";
import { checkSize } from "./size.js";
import { DivergenceError, firstSnapshot, type Snapshot } from "./snapshot.js";

/** Options of `train` and `resume`. */
export interface TrainingOptions {
  /** Builds the model instead of the parts that the settings choose. */
  readonly parts?: BuildParts | undefined;
  /** Called while image files are decoded. Decoded images are cached, so later trainings skip this. */
  readonly onDecoding?: ((done: number, count: number) => void) | undefined;
  /**
   * Once aborted, the training finishes the chunk of steps, writes a checkpoint, and throws the signal's reason. Before
   * the run's folder exists, nothing is written.
   */
  readonly signal?: AbortSignal | undefined;
  /** Processes that train together, from `joinProcesses`. All must make this call, with the same settings and data. */
  readonly processes?: Processes | undefined;
}

/** Options of `train`. */
export interface TrainOptions extends TrainingOptions {
  /** The folder to create. */
  readonly run?: string | undefined;
  /**
   * The name of a preset, or settings that `settings` override. By default "photos" for image files and colour images,
   * "tutorial" for others.
   */
  readonly preset?: PresetName | GivenSettings | undefined;
}

export const TRAINING_OPTIONS = {
  parts: maybe(func<BuildParts>()),
  onDecoding: maybe(func()),
  signal: maybe(SIGNAL),
  processes: maybe(PROCESSES),
};
const PRESET: Checker<PresetName | GivenSettings> = {
  check: (value) => (typeof value === "string" ? oneOf(PRESET_NAMES) : objectWith<GivenSettings>({})).check(value),
};
const TRAIN_OPTIONS = { ...TRAINING_OPTIONS, run: maybe(TEXT), preset: maybe(PRESET) };

/** Yields `start`, a `chunk` about twice a second, an `epoch` after each epoch, and `done`. */
export type Training = AsyncGenerator<TrainingEvent, void>;

/**
 * Trains a model into a new run folder.
 *
 * @param settings override the preset and the defaults
 * @throws UserError if a setting is invalid or has no effect, the data are invalid, the folder exists, or the loss
 * diverges
 */
export async function* train(settings: GivenSettings, options: TrainOptions = {}): Training {
  const started = performance.now();
  const { onDecoding, parts, preset, run, signal, processes } = checkOptions(TRAIN_OPTIONS, options);
  const ofPreset: GivenSettings = typeof preset === "object" ? preset : {};
  const hasThreads = settings?.threads !== undefined || ofPreset.threads !== undefined;
  const given = processes && !hasThreads ? { ...settings, threads: threadsOf(processes) } : settings;
  if (!processes && (settings?.syncEvery ?? ofPreset.syncEvery ?? 1) > 1) {
    throw new UserError(
      "`syncEvery` needs several processes, started by mpirun or srun. In one process, give `syncEvery: 1`.",
    );
  }
  const load = () => prepare(given, { onDecoding, parts, preset, signal });
  const prepared = await (processes ? processes.byHost(load) : load());
  const { requested, preset: chosen, model, data, classes } = prepared;
  const { engine, fallbackReason } = await agree(processes, () => {
    if (processes) checkSharing(model, requested, processes);
    return openEngine(requested.engine, requested.threads, requested.device);
  });
  try {
    const channels = data.channels === 3 ? 3 : 1;
    const paths = resolvePaths(requested);
    const { background } = data;
    const { name: engineName, threads } = engine;
    const config: Config = { ...requested, ...paths, channels, background, engine: engineName, threads };
    const digested = { name: data.name, ...describeData(data, classes) };
    const about: RunConfig = {
      id: createId(config, digested.sha256, parts !== undefined, processes),
      version: VERSION,
      created: new Date().toISOString(),
      settings: config,
      data: digested,
      ...(parts && { parts: "own" }),
    };
    if (processes) checkSameTraining(config, digested.sha256, model, processes);
    const first = startSnapshot(model, data, config);
    const start = { ...(processes ? shareSnapshot(first, processes) : first), rows: [] };
    let folder: RunFolder | undefined;
    try {
      const dir = await byFirst(processes, async () => {
        signal?.throwIfAborted();
        folder = await RunFolder.create(about, encodeCheckpoint(start, config), run);
        return folder.dir;
      });
      const circumstances = { preset: chosen, fallbackReason, signal, started, processes, run: dir };
      yield* trainInto(folder, { engine, model, config, data, classes, ...circumstances }, start);
    } finally {
      await folder?.close();
    }
  } finally {
    await engine.close();
  }
}

type PrepareOptions = Omit<TrainOptions, "run"> & { readonly load?: typeof loadDataset };

interface Prepared {
  readonly requested: Config;
  /** The preset, if chosen by the data. */
  readonly preset?: "photos" | undefined;
  readonly data: Dataset;
  /** Of a conditional model. */
  readonly classes?: readonly ModelClass[] | undefined;
  readonly model: Model;
}

/** Checks settings, loads the data, and fits the settings to them. @throws UserError if the training cannot start */
async function prepare(settings: GivenSettings, options: PrepareOptions): Promise<Prepared> {
  const { onDecoding, parts, preset, signal, load = loadDataset } = options;
  const requested = createConfig(settings, typeof preset === "string" ? PRESETS[preset].settings : preset);
  if (requested.inputDir !== null && requested.noise !== null) {
    throw new UserError("The images of `inputDir` are already corrupted. Leave out `noise`.");
  }
  signal?.throwIfAborted();
  const fitTo = (shape: ImageShape, kind: DataKind, count: number, classes: number) => {
    const { config, ...chosen } = fitSettings(settings, preset, { kind, channels: shape.channels, count });
    checkNeeds(settings, config);
    const model = buildModel(config, { ...shape, ...(classes > 0 && { classes }) }, parts);
    checkSize(model, shape, config);
    return { requested: config, ...chosen, model };
  };
  // Checks before images are decoded. The numbers of images and classes are still unknown: at least one.
  const onShape = (shape: ImageShape, kind: DataKind) => void fitTo(shape, kind, 1, requested.conditional ? 1 : 0);
  const data = await load(requested.dataset, { ...requested, onShape, onProgress: onDecoding, signal });
  const classes = requested.conditional ? classesOf(data, requested.dataset) : undefined;
  const fitted = fitTo(shapeOf(data), data.kind, data.train.count, classes?.length ?? 0);
  const { batchSize } = fitted.requested;
  if (stepsPerEpoch(data.train, batchSize) === 0) {
    const { train, validation, test } = data;
    throw new UserError(
      `A batch of ${batchSize} is larger than the training set: ${plural(train.count, "image")}, after ` +
        `${validation.count} for validation and ${test.count} for testing. Give a smaller \`batchSize\`.`,
    );
  }
  if (batchSize < 2 && fitted.model.parts.objective.numbersPerPair !== undefined) {
    throw new UserError("This objective compares the images of a batch. Give a `batchSize` of 2 or more.");
  }
  return { ...fitted, data, classes };
}

/** The settings of a training, fitted to its data. @throws UserError if the training cannot start */
export async function configOf(settings: GivenSettings, options: Omit<PrepareOptions, "parts">): Promise<Config> {
  return (await prepare(settings, options)).requested;
}

/**
 * Checks that a training can start: its settings, data and engine.
 *
 * @returns the name of the data set
 * @throws UserError if not
 */
export async function checkTraining(config: Config, options: Omit<PrepareOptions, "preset">): Promise<string> {
  const { data } = await prepare({}, { ...options, preset: config });
  const { engine } = await openEngine(config.engine, config.threads, config.device);
  await engine.close();
  return data.name;
}

/** The default threads of each process: its part of the host's processors. */
export function threadsOf(processes: Processes): number {
  return Math.min(SETTINGS.threads.default, processes.threads);
}

/**
 * Resets the run's files to a checkpoint, and trains from there.
 *
 * @param folder undefined in all processes but the first
 * @throws Divergence if the loss, the weights or their gradients are NaN or infinite
 */
export async function* trainInto(
  folder: RunFolder | undefined,
  options: Omit<LoopOptions, "size" | "start" | "sinks" | "stop" | "needsState"> & Pick<TrainingOptions, "processes">,
  checkpoint: Checkpoint,
): Training {
  const { config, data, processes, run } = options;
  const stop = processes && new SharedStop(processes, options.signal);
  const signal = stop?.signal ?? options.signal;
  const size = shapeOf(data);
  let last: Snapshot = checkpoint;
  const track: Sink = (_, snapshot) => {
    last = snapshot;
  };
  let endsTogether = false;
  try {
    const { sinks, isDue: needsState } = folder
      ? await openSinks(folder, { ...options, size, signal }, checkpoint.rows)
      : { sinks: [], isDue: () => false };
    yield* trainModel({ ...options, size, signal, stop, needsState, sinks: [...sinks, track], start: checkpoint });
    endsTogether = true;
  } catch (error) {
    const explained = error instanceof DivergenceError ? explainDivergence(error, config, run, last) : error;
    endsTogether = error instanceof DivergenceError || processes?.isAgreed(error) === true;
    throw endsTogether && explained instanceof Error ? (processes?.asAgreed(explained) ?? explained) : explained;
  } finally {
    if (!endsTogether) processes?.leave(); // an error of this process only, or a `break` in the caller's loop
  }
}

/** The checkpoint comes after all files of its epoch, which a resumed training does not write again. */
async function openSinks(
  folder: RunFolder,
  { engine, model, size, config, classes, data, signal }: Omit<LoopOptions, "start" | "sinks">,
  rows: readonly PictureRow[],
): Promise<{ sinks: Sink[]; isDue(): boolean }> {
  const init = { engine, model, size, config, classes };
  const pictures = new EpochPictures(folder, data, init, rows);
  const checkpoints = writeCheckpoints(folder, config, data.train, () => pictures.rows, signal);
  const events = config.tensorboard
    ? [(await import("./sinks/tensorboard.js")).writeEvents(folder, data, init)] // loads protobuf
    : [];
  return {
    sinks: [writeModel(folder), writeMetrics(folder), pictures.sink, ...events, checkpoints.sink, writeTest(folder)],
    isDue: checkpoints.isDue,
  };
}

const ID_DIGITS = 32;

/** The snapshot before the first step. */
export function startSnapshot(model: Model, data: Dataset, { binarize, seed }: Config): Snapshot {
  const { specs } = model.parts;
  const mean = needsMeanImage(specs) ? meanImage(data.train, pixelsOf(data), binarize) : undefined;
  return firstSnapshot(initialParams(specs, seed, mean));
}

/**
 * Creates `RunConfig.id`, a digest of all that determines the weights. Own parts are code, which has no digest, so a
 * random number is added. Local steps depend on the number of processes.
 */
function createId(config: Config, dataDigest: string, hasOwnParts: boolean, processes?: Processes): string {
  const local = processes && config.syncEvery > 1 ? [processes.size] : [];
  const decisive = [VERSION, decisiveSettings(config), dataDigest, ...local, ...(hasOwnParts ? [randomUUID()] : [])];
  return createHash("sha256").update(JSON.stringify(decisive)).digest("hex").slice(0, ID_DIGITS);
}

/** Makes the paths of the data absolute. */
export function resolvePaths({ dataset, inputDir }: Config): Pick<Config, "dataset" | "inputDir"> {
  return {
    dataset: dataset === "mnist" ? dataset : path.resolve(dataset),
    inputDir: inputDir && path.resolve(inputDir),
  };
}

/**
 * The classes of a conditional model: those of the training images.
 *
 * @throws UserError if an image has no label, or a label that no training image has
 */
export function classesOf({ train, validation, test }: Dataset, dataset: string): ModelClass[] {
  const classes = findClasses(train, dataset);
  checkLabels(validation, classes, "The validation images");
  checkLabels(test, classes, "The test images");
  return classes;
}

/** The run's record of its data: sizes, classes and digest. */
export function describeData(data: Dataset, classes?: readonly ModelClass[]): Omit<RunConfig["data"], "name"> {
  const { height, width, channels, scales } = data;
  return {
    height,
    width,
    channels,
    ...countImages(data),
    ...(Object.keys(scales).length > 0 && { scales }),
    ...(classes && { classes }),
    sha256: digestOf(data, classes !== undefined),
  };
}

function explainDivergence(error: DivergenceError, config: Config, run: string, { reports }: Snapshot): Divergence {
  const { epoch, step } = error;
  const where = step === undefined ? "at the end of" : `in step ${step} of`;
  const best = bestOf(reports);
  const kept = best
    ? `The weights of epoch ${best.epoch} are kept in ${run}.`
    : `No epoch was finished: ${run} holds a checkpoint, but no model.`;
  return new Divergence(
    `The loss, the weights or their gradients became infinite or NaN ${where} epoch ${epoch}, ` +
      `so training stopped. ${kept} ` +
      `Try a smaller \`learningRate\` than ${config.learningRate}.`,
  );
}
