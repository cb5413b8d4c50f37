// Resumes a run from its last checkpoint.
import { checkOptions, maybe } from "../arguments.js";
import { type Config, createConfig, encodeConfig, type GivenSettings } from "../config/config.js";
import type { Dataset } from "../data/dataset.js";
import { describeShape, type ImageShape, shapeOf } from "../data/pixels.js";
import { agree, byFirst } from "../distributed/processes.js";
import { openEngine } from "../engine/index.js";
import { UserError } from "../errors.js";
import { buildModel } from "../model/build.js";
import { checkOwnParts, encodeRunConfig, parseRunConfig, type RunConfig } from "../run/config.js";
import { loadOwnData } from "../run/data.js";
import { RunFolder } from "../run/folder.js";
import { isDone } from "../run/reports.js";
import { checkValue } from "../values/checker.js";
import { TEXT } from "../values/domains.js";
import { printable } from "../wording.js";
import { type Checkpoint, decodeCheckpoint, differingSetting } from "./checkpoint.js";
import { checkSameTraining, checkSharing, shareSnapshot } from "./shared-start.js";
import { checkSize } from "./size.js";
import type { TrainingState } from "./snapshot.js";
import {
  classesOf,
  describeData,
  resolvePaths,
  startSnapshot,
  TRAINING_OPTIONS,
  type Training,
  type TrainingOptions,
  threadsOf,
  trainInto,
} from "./train.js";

/**
 * Resumes a run from its last checkpoint, with the same results as without the interruption. A finished run repeats its
 * `done` event.
 *
 * @param run its folder; by default the newest in `runs/`
 * @param settings may raise epochs, and change checkpointSeconds, tensorboard, threads, device, dataset and inputDir
 * @throws UserError if the run does not exist, another process trains it, its checkpoint is damaged, other settings or
 * the data have changed, or the loss diverges
 */
export async function* resume(run?: string, settings: GivenSettings = {}, options: TrainingOptions = {}): Training {
  const started = performance.now();
  checkValue("The run", maybe(TEXT), run);
  const { onDecoding, parts, signal, processes } = checkOptions(TRAINING_OPTIONS, options);
  await agree(processes, () => signal?.throwIfAborted());
  let folder: RunFolder | undefined;
  let saved: Saved | undefined;
  try {
    // Only the first process reads the folder: other hosts may not have it.
    const { dir, text } = await byFirst(processes, async () => {
      folder = await RunFolder.resume(run);
      saved = await folder.readCheckpoint();
      return { dir: folder.dir, text: encodeRunConfig(folder.config) };
    });
    const about = { dir, config: folder?.config ?? parseRunConfig(text, dir) };
    const { settings: before, data: ranOn } = about.config;
    const kept = await agree(processes, () => changeSettings(before, settings));
    const config = processes && settings.threads === undefined ? { ...kept, threads: threadsOf(processes) } : kept;
    const { classes } = ranOn;
    const input = { ...shapeOf(ranOn), ...(classes && { classes: classes.length }) };
    const load = async () => {
      checkOwnParts(about, parts, "resume");
      const model = buildModel(config, input, parts);
      const onShape = (shape: ImageShape) => {
        checkShape(about, shape, config);
        checkSize(model, shape, config);
      };
      const data = await loadOwnData(config, { onShape, onProgress: onDecoding, signal });
      checkData(about, data, config);
      if (processes) checkSharing(model, config, processes);
      return { model, data };
    };
    const { model, data } = await (processes ? processes.byHost(load) : load());
    if (processes) checkSameTraining(config, ranOn.sha256, model, processes);
    const start = startSnapshot(model, data, config);
    const own = await agree(processes, () => (saved ? decodeSaved(saved, start.state, before, config) : undefined));
    const { rows, ...snapshot } = { rows: [], ...(own ?? start) };
    const checkpoint = { ...(processes ? shareSnapshot(snapshot, processes) : snapshot), rows };
    const { engine } = await agree(processes, () => openEngine(config.engine, config.threads, config.device));
    try {
      await agree(processes, async () => {
        signal?.throwIfAborted();
        if (folder && JSON.stringify(kept) !== JSON.stringify(before)) folder = await folder.withSettings(kept);
      });
      yield* trainInto(
        folder,
        { engine, model, config, data, classes, signal, started, processes, run: dir },
        checkpoint,
      );
    } finally {
      await engine.close();
    }
  } finally {
    await folder?.close();
  }
}

type Saved = Awaited<ReturnType<RunFolder["readCheckpoint"]>>;

/** @throws UserError if the checkpoint does not fit, or more epochs are given to a run that stopped early */
function decodeSaved({ file, content }: Saved, start: TrainingState, before: Config, config: Config): Checkpoint {
  const checkpoint = decodeCheckpoint(content, start, config, file);
  if (config.epochs > before.epochs && isDone(checkpoint.reports, config)) {
    throw new UserError(
      `This run stopped early after ${checkpoint.reports.length} epochs and cannot be extended. Leave out \`epochs\`.`,
    );
  }
  return checkpoint;
}

/** Applies given settings to the run's. @throws UserError if a setting must not change */
export function changeSettings(own: Config, given: GivenSettings): Config {
  const requested = createConfig(given, own);
  const engine = requested.engine === "auto" ? own.engine : requested.engine;
  const config = { ...requested, engine, ...resolvePaths(requested) };
  const changed = differingSetting(encodeConfig(own), config);
  if (changed === "epochs") {
    throw new UserError(
      `The learning rate of this run falls to zero at epoch ${own.epochs} (\`learningRateSchedule: cosine\`), so ` +
        "`epochs` cannot change. Leave out `epochs`.",
    );
  }
  if (changed) {
    const [kept, given] = [own, config].map((one) => printable(String(encodeConfig(one)[changed])));
    throw new UserError(
      `A resumed run keeps its settings: \`${changed}: ${kept}\`, not ${given}. Leave out \`${changed}\`, or start ` +
        "a new run.",
    );
  }
  if (config.epochs < own.epochs) {
    throw new UserError(
      `\`epochs: ${config.epochs}\` is less than the run's ${own.epochs}. Give more, or leave it out.`,
    );
  }
  return config;
}

/** @throws UserError if the images' size differs from the run's */
function checkShape(
  { config: { data: before }, dir }: Pick<RunFolder, "config" | "dir">,
  shape: ImageShape,
  { dataset }: Config,
): void {
  if (describeShape(shape) === describeShape(before)) return;
  throw new UserError(
    `${dataset} is not the data set that ${dir} was trained on: it has images of ${describeShape(shape)}, ` +
      `not ${describeShape(before)}.`,
  );
}

/** @throws UserError if the data differ from the run's */
function checkData({ config, dir }: Pick<RunFolder, "config" | "dir">, data: Dataset, { dataset }: Config): void {
  const classes = config.data.classes && classesOf(data, dataset);
  const [now, before] = [describeData(data, classes), config.data];
  const isSame = (key: keyof typeof now) => JSON.stringify(now[key]) === JSON.stringify(before[key]);
  if ((Object.keys(now) as (keyof typeof now)[]).every(isSame)) return;
  const [found, expected] = [describeImages(now), describeImages(before)];
  throw new UserError(
    `${dataset} is not the data set that ${dir} was trained on: it has ${found}, ` +
      `${found === expected ? "but with other content" : `not ${expected}`}.`,
  );
}

function describeImages({ train, validation, test, ...shape }: Omit<RunConfig["data"], "name">): string {
  return `${train} + ${validation} + ${test} images of ${describeShape(shape)}`;
}
