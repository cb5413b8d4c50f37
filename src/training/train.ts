// Trains a model into a run folder, or goes on with one: settings, data and engine are made ready, then come the epochs.
import path from "node:path";
import type { Config, GivenSettings } from "../config/config.js";
import { checkNeeds, createConfig, encodeConfig } from "../config/config.js";
import { meanImage } from "../data/binarize.js";
import type { Dataset } from "../data/dataset.js";
import { describeShape, digestOf, loadDataset } from "../data/dataset.js";
import { pixelsOf } from "../data/pixels.js";
import { openEngine } from "../engine/index.js";
import { UserError } from "../errors.js";
import { initialParameters, parameterShapes } from "../model/parameters.js";
import type { RunConfig } from "../run/config.js";
import { loadOwnData } from "../run/data.js";
import { RunFolder } from "../run/folder.js";
import { isDone } from "../run/reports.js";
import { sizeOf } from "../tree.js";
import { VERSION } from "../version.js";
import { stepsPerEpoch } from "./batches.js";
import { decodeCheckpoint, differingSetting, encodeCheckpoint } from "./checkpoint.js";
import type { Training, TrainingHooks } from "./epochs.js";
import { countImages, trainFrom } from "./epochs.js";
import type { TrainingState } from "./loop.js";
import { initialState, startOf } from "./loop.js";

export interface TrainOptions extends TrainingHooks {
  /** The folder to make for the run. */
  readonly run?: string | undefined;
  /** Settings that `settings` override. */
  readonly preset?: GivenSettings | undefined;
}

/**
 * Trains a model into a new run folder, epoch by epoch.
 *
 * @param settings those that differ from the preset and the defaults
 * @throws UserError if a setting is invalid or has no effect, the data are invalid, the folder exists, or the loss diverges
 */
export async function* train(settings: GivenSettings, { run, preset, ...hooks }: TrainOptions = {}): Training {
  const started = performance.now();
  const requested = createConfig(settings, preset);
  checkNeeds(settings, requested);
  if (requested.inputDir !== null && requested.noise !== null) {
    throw new UserError("The images of inputDir are corrupted already. Leave out noise.");
  }
  const data = await loadDataset(requested.dataset, {
    ...requested,
    onProgress: hooks.onDecoding,
    signal: hooks.signal,
  });
  if (stepsPerEpoch(data.train, requested.batchSize) === 0) {
    throw new UserError(
      `A batch of ${requested.batchSize} is more than the ${data.train.count} training images. Give a smaller batchSize.`,
    );
  }
  const state = firstState(data, requested);
  const { engine, shortfall } = await openEngine(requested.engine, requested.threads);
  try {
    const config: Config = {
      ...requested,
      ...resolvePlaces(requested),
      channels: data.channels === 3 ? 3 : 1,
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
        `This run stopped early after ${checkpoint.reports.length} epochs and cannot be extended. Leave out epochs.`,
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

/** A checkpoint holds four numbers for each, beside a few images, and a file that is read at once at most 2 GiB. */
const MOST_PARAMETERS = 120_000_000;

/** The state of step 0. */
function firstState(data: Dataset, config: Config): TrainingState {
  const architecture = { pixels: pixelsOf(data), ...config };
  const parameters = Object.values(parameterShapes(architecture)).reduce((sum, shape) => sum + sizeOf(shape), 0);
  if (parameters > MOST_PARAMETERS) {
    throw new UserError(
      `For images of ${describeShape(data)} this model has ${parameters.toLocaleString("en")} parameters, more than ${MOST_PARAMETERS.toLocaleString("en")}. Give a smaller size or nHidden.`,
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
  const changed = differingSetting(encodeConfig(own), config);
  if (changed === "epochs") {
    throw new UserError(
      `The run's learning rate falls to zero over its ${own.epochs} epochs (learningRateSchedule cosine), so they cannot be changed.`,
    );
  }
  if (changed) {
    throw new UserError(
      `A run goes on with its own settings, in which ${changed} is ${encodeConfig(own)[changed]}, not ${encodeConfig(config)[changed]}. Leave it out, or begin a new run.`,
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
    inputDir: inputDir && path.resolve(inputDir),
  };
}

function describeData(data: Dataset): Omit<RunConfig["data"], "name"> {
  const { height, width, channels } = data;
  return { height, width, channels, ...countImages(data), sha256: digestOf(data) };
}

function describeImages({ train, validation, test, ...shape }: Omit<RunConfig["data"], "name">): string {
  return `${train} + ${validation} + ${test} images of ${describeShape(shape)}`;
}
