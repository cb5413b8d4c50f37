// vae train
import { type Command, InvalidArgumentError, Option } from "commander";
import { createConfig, type GivenSettings, isSettingName, parseSetting } from "../config/config.js";
import { PRESETS, type PresetName } from "../config/presets.js";
import { SETTINGS, type SettingName } from "../config/settings.js";
import { Interruption, UserError } from "../errors.js";
import { readText } from "../files/read.js";
import type { TrainingStart } from "../index.js";
import { example, flagOf, placeOption, runOption, settingOption } from "./flags.js";
import type { Io } from "./io.js";
import type { TrainingScreen } from "./training-screen.js";

/** Signals that save and stop a training, with their numbers. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** Of a preset file. */
const MAX_BYTES = 1e6;

type TrainFlags = GivenSettings & {
  preset?: string;
  set?: GivenSettings;
  run?: string;
  resume?: string | true;
  targetDir?: string;
  json?: true;
  quiet?: true;
};

export function define(command: Command, io: Io): void {
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    if ("flag" in SETTINGS[name]) command.addOption(settingOption(name));
    if (name === "inputDir") {
      command.addOption(placeOption("--target-dir <folder>", "clean images: the targets of those in --input-dir"));
    }
  }
  const presets = Object.keys(PRESETS).join(", ");
  command
    .addOption(placeOption("--preset <name|file>", `settings to start from: ${presets}, or a JSON file of settings`))
    .addOption(
      new Option("--set <name=value>", "any setting of docs/settings.md; repeatable").argParser(collectSettings),
    )
    .addOption(runOption("new folder for the run (default: runs/<dataset>-z<dim>-<date>-<time>)"))
    .addOption(
      placeOption(
        "--resume [folder]",
        "resume a run with its own settings, or with more --epochs (default: the newest in runs/)",
      ),
    )
    .addOption(new Option("--json", "print the result as one JSON value"))
    .addOption(new Option("--quiet", "print only the result"))
    .addHelpText(
      "after",
      example(
        "vae train --epochs 20 --dim-z 2",
        "vae train --dim-z 20 --noise --run runs/denoiser",
        "vae train --dataset photos --size 32 --channels 3 --skip-bad",
        "vae train --preset iwae --epochs 13 --set klWarmUp=2",
        "vae train --resume --epochs 40",
      ),
    )
    .action((flags) => run(io, flags));
}

async function run(
  io: Io,
  { preset: place, set, run: folder, resume: resumed, targetDir, json, quiet, ...given }: TrainFlags,
): Promise<void> {
  const flags = { ...given, ...pairOf(targetDir, given) };
  const twice = Object.keys(set ?? {}).find((name) => name in flags);
  if (twice) throw new UserError(`${twice} is given twice, by --set and by ${flagOf(twice as SettingName)}.`);
  if (resumed !== undefined && folder !== undefined) {
    throw new UserError("--run names a new run and --resume an existing one: give one of them.");
  }
  const preset = place === undefined ? {} : await readPreset(place);
  const settings = { ...set, ...flags };
  const [{ resume, train }, view, { decodingBar, print }] = await Promise.all([
    import("../index.js"),
    import("./training-screen.js"),
    import("./output.js"),
  ]);
  let started: TrainingStart | undefined;
  let screen: TrainingScreen | undefined;
  const decoding = decodingBar(io);
  const stop = stopOnSignals();
  const options = { signal: stop.signal, ...(!quiet && { onDecoding: decoding.onProgress }) };
  const events =
    resumed === undefined
      ? train(settings, { run: folder, preset, ...options })
      : resume(resumed === true ? undefined : resumed, { ...preset, ...settings }, options);
  try {
    for await (const event of events) {
      if (event.type === "start") {
        started = event;
        if (!quiet) screen = new view.TrainingScreen(io, event);
      } else if (event.type === "chunk") screen?.showProgress(event);
      else if (event.type === "epoch") screen?.showEpoch(event);
      else print(io, json ? view.encodeResult(event) : view.describeResult(event, (started as TrainingStart).config));
    }
    screen?.suggest(folder ?? (resumed === undefined ? undefined : started?.run));
  } catch (error) {
    throw started ? withResumeHint(error, view.resumeCommand(io, started.run)) : error;
  } finally {
    stop.end();
    decoding.stop();
    screen?.stop();
  }
}

/** The data set of image pairs is the folder of the clean images. */
function pairOf(targetDir: string | undefined, { dataset, inputDir }: TrainFlags): Pick<GivenSettings, "dataset"> {
  if (targetDir === undefined && inputDir === undefined) return {};
  if (targetDir === undefined || inputDir === undefined || dataset !== undefined) {
    throw new UserError("--input-dir and --target-dir go together and replace --dataset.");
  }
  return { dataset: targetDir };
}

/** Aborts the training at Ctrl-C, kill or a closed terminal. A second signal ends the process. */
function stopOnSignals(): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const handlers = Object.entries(SIGNALS).map(([name, number]) => {
    const stop = () => {
      if (controller.signal.aborted) process.exit(128 + number);
      controller.abort(new Interruption(`Stopped by ${name}.`, 128 + number));
    };
    return [name, stop] as const;
  });
  const end = () => {
    for (const [name, stop] of handlers) process.off(name, stop);
  };
  for (const [name, stop] of handlers) process.on(name, stop);
  return { signal: controller.signal, end };
}

/** Adds to the error how to resume the run. */
function withResumeHint(error: unknown, command: string): unknown {
  if (error instanceof Interruption) {
    return new Interruption(`${error.message.replace(/\.$/, ", and saved.")} Resume: ${command}`, error.exitCode);
  }
  if (error instanceof Error && "syscall" in error) {
    error.message += `. The last checkpoint is intact. Resume later: ${command}`;
  }
  return error;
}

/**
 * Reads a preset by name or from a JSON file: an object of settings, or the config.json of a run, whose engine and threads are left out,
 * since they depend on the machine.
 */
async function readPreset(place: string): Promise<GivenSettings> {
  if (Object.hasOwn(PRESETS, place)) return PRESETS[place as PresetName].settings;
  let text: string;
  try {
    text = await readText(place, MAX_BYTES, "a JSON file of settings");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EISDIR" && code !== "ENOTDIR") throw error;
    throw new UserError(
      `--preset ${place}: there is neither a preset nor a file of this name. Presets are ${Object.keys(PRESETS).join(", ")}.`,
    );
  }
  try {
    const content = JSON.parse(text);
    const { engine, threads, ...ofRun } = content?.settings ?? {};
    const settings = content?.settings ? ofRun : content;
    createConfig(settings);
    return settings;
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${place}: ${error.message}`);
    throw new UserError(`${place} is not a JSON file of settings.`);
  }
}

function collectSettings(text: string, before: GivenSettings = {}): GivenSettings {
  const [name, ...value] = text.split("=");
  if (value.length === 0) throw new InvalidArgumentError("It must be NAME=VALUE.");
  if (!isSettingName(name)) throw new InvalidArgumentError(`There is no setting "${name}". See docs/settings.md.`);
  if (name in before) throw new InvalidArgumentError(`${name} is given twice.`);
  try {
    return { ...before, [name]: parseSetting(name, value.join("=")) };
  } catch (error) {
    if (error instanceof UserError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
