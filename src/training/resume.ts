// Resumes a run from its last checkpoint.
import { checkOptions, maybe } from "../arguments.js";
import { type Config, createConfig, encodeConfig, type GivenSettings } from "../config/config.js";
import { checkValue, TEXT } from "../config/entries.js";
import type { Dataset } from "../data/dataset.js";
import { describeShape, type ImageShape, shapeOf } from "../data/pixels.js";
import { openEngine } from "../engine/index.js";
import { UserError } from "../errors.js";
import { buildModel } from "../model/build.js";
import type { RunConfig } from "../run/config.js";
import { loadOwnData } from "../run/data.js";
import { checkOwnParts, RunFolder } from "../run/folder.js";
import { isDone } from "../run/reports.js";
import { printable } from "../wording.js";
import { decodeCheckpoint, differingSetting } from "./checkpoint.js";
import { checkSize } from "./size.js";
import {
  classesOf,
  describeData,
  firstState,
  resolvePlaces,
  TRAINING_OPTIONS,
  type Training,
  type TrainingOptions,
  trainInto,
} from "./train.js";

/**
 * Resumes a run from its last checkpoint, as if it had never stopped. A finished run repeats its `done` event.
 *
 * @param run its folder; by default the newest in `runs/`
 * @param settings may change epochs (upwards), checkpointSeconds, threads, dataset and inputDir
 * @throws UserError if there is no such run, another process trains it, its checkpoint is damaged, other settings or
 * the data have changed, or the loss diverges
 */
export async function* resume(run?: string, settings: GivenSettings = {}, options: TrainingOptions = {}): Training {
  const started = performance.now();
  checkValue("The run", maybe(TEXT), run);
  const { onDecoding, parts, signal } = checkOptions(TRAINING_OPTIONS, options);
  signal?.throwIfAborted();
  let folder = await RunFolder.resume(run);
  try {
    const { config: ran } = folder;
    const config = changeSettings(ran.settings, settings);
    const { file, content } = await folder.readCheckpoint();
    checkOwnParts(folder, parts, "resume");
    const { classes } = ran.data;
    const input = { ...shapeOf(ran.data), ...(classes && { classes: classes.length }) };
    const model = buildModel(config, input, parts);
    const onShape = (shape: ImageShape) => {
      checkShape(folder, shape, config);
      checkSize(model, shape, config);
    };
    const data = await loadOwnData(config, { onShape, onProgress: onDecoding, signal });
    checkData(folder, data, config);
    const checkpoint = decodeCheckpoint(content, firstState(model, data, config).state, config, file);
    if (config.epochs > ran.settings.epochs && isDone(checkpoint.reports, config)) {
      throw new UserError(
        `This run stopped early after ${checkpoint.reports.length} epochs and cannot be extended. ` +
          "Leave out `epochs`.",
      );
    }
    const { engine } = await openEngine(config.engine, config.threads);
    try {
      signal?.throwIfAborted();
      if (JSON.stringify(config) !== JSON.stringify(ran.settings)) folder = await folder.withSettings(config);
      yield* trainInto(folder, { engine, model, config, data, classes, signal, started }, checkpoint);
    } finally {
      await engine.close();
    }
  } finally {
    await folder.close();
  }
}

/** Applies changes of the run's settings. @throws UserError if a setting must not change */
export function changeSettings(own: Config, given: GivenSettings): Config {
  const wanted = createConfig(given, own);
  const engine = wanted.engine === "auto" ? own.engine : wanted.engine;
  const config = { ...wanted, engine, ...resolvePlaces(wanted) };
  const changed = differingSetting(encodeConfig(own), config);
  if (changed === "epochs") {
    throw new UserError(
      `The run's learning rate falls to zero over its ${own.epochs} epochs (learningRateSchedule ` +
        "cosine), so they cannot be changed.",
    );
  }
  if (changed) {
    const [kept, given] = [own, config].map((one) => printable(String(encodeConfig(one)[changed])));
    throw new UserError(
      `A resumed run keeps its settings, in which ${changed} is ${kept}, not ${given}. Leave it out, or begin a new run.`,
    );
  }
  if (config.epochs < own.epochs) {
    throw new UserError(`The run is one of ${own.epochs} epochs. They can be raised, not lowered to ${config.epochs}.`);
  }
  return config;
}

/** @throws UserError if images have another size than those of the run */
function checkShape({ config: { data: before }, dir }: RunFolder, shape: ImageShape, { dataset }: Config): void {
  if (describeShape(shape) === describeShape(before)) return;
  throw new UserError(
    `The data set ${dataset} is not what ${dir} was trained on: it has images of ${describeShape(shape)}, and had ` +
      `${describeShape(before)}.`,
  );
}

/** @throws UserError if the data are not those of the run */
function checkData({ config, dir }: RunFolder, data: Dataset, { dataset }: Config): void {
  const classes = config.data.classes && classesOf(data, dataset);
  const [now, before] = [describeData(data, classes), config.data];
  const isSame = (key: keyof typeof now) => JSON.stringify(now[key]) === JSON.stringify(before[key]);
  if ((Object.keys(now) as (keyof typeof now)[]).every(isSame)) return;
  const [found, had] = [describeImages(now), describeImages(before)];
  throw new UserError(
    `The data set ${dataset} is not what ${dir} was trained on: it has ${found}, and had ` +
      `${had}${found === had ? ", but others" : ""}.`,
  );
}

function describeImages({ train, validation, test, ...shape }: Omit<RunConfig["data"], "name">): string {
  return `${train} + ${validation} + ${test} images of ${describeShape(shape)}`;
}
