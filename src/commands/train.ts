// vae train
import path from "node:path";
import { createConfig, type GivenSettings, isSettingName, parseSetting } from "../config/config.js";
import { TEXT } from "../config/entries.js";
import { PRESET_NAMES, PRESETS, type PresetName } from "../config/presets.js";
import { SETTINGS, type SettingName } from "../config/settings.js";
import { Interruption, isSystemError, UserError } from "../errors.js";
import { isGone, readStream, readText, statIfThere } from "../files/read.js";
import type { TrainingStart } from "../index.js";
import { printable } from "../wording.js";
import { declare } from "./command.js";
import { flag, JSON_RESULT, place, settingFlags, toggle } from "./flags.js";
import { flagOf, type Io } from "./io.js";
import type { TrainingScreen } from "./training-screen.js";

/** Signals that save and stop a training. */
const SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const;

/** How long the preparation of a training may take to end after a signal. */
const MAX_ABORT_MILLISECONDS = 2000;

/** Of a preset file. */
const MAX_BYTES = 1e6;

const WITH_FLAG = (Object.keys(SETTINGS) as SettingName[]).filter((name) => "flag" in SETTINGS[name]);

export const define = declare({
  flags: {
    ...settingFlags(...WITH_FLAG),
    targetDir: place("<folder>", "clean images: the targets of those in --input-dir"),
    preset: place("<name|file>", `settings to start from: ${PRESET_NAMES.join(", ")}, or a JSON file of settings`),
    set: flag("<name=value>", "any setting of docs/settings.md; repeatable", { parse: collectSettings }),
    run: place("<folder>", "new folder for the run (default: runs/<dataset>-z<dim>-<date>-<time>)"),
    resume: flag<string | true>(
      "[folder]",
      "resume a run, even with more --epochs (default: the newest in runs/)",
      TEXT,
    ),
    ...JSON_RESULT,
    quiet: toggle("print only the result, and on stderr what is wrong"),
  },
  examples: [
    "vae train --epochs 20 --dim-z 2",
    "vae train --dim-z 20 --noise --run runs/denoiser",
    "vae train --dataset photos --size 32 --channels 3 --skip-bad",
    "vae train --preset iwae --epochs 13 --set klWarmUp=2",
    "vae train --resume --epochs 40",
  ],
  async run(io, { preset: presetPlace, set, run, resume: resumed, targetDir, json, quiet, ...given }, tools) {
    const flags = { ...given, ...pairOf(targetDir, given) };
    const twice = Object.keys(set ?? {}).find((name) => name in flags);
    if (twice) throw new UserError(`${twice} is given twice, by --set and by ${flagOf(twice)}.`);
    if (resumed !== undefined && run !== undefined) {
      throw new UserError("--run names a new run and --resume an existing one: give one of them.");
    }
    const preset = presetPlace === undefined ? undefined : await readPreset(presetPlace);
    const settings = { ...set, ...flags };
    let started: TrainingStart | undefined;
    let screen: TrainingScreen | undefined;
    const bar = tools.progressBar(io, "decoding images");
    const stop = stopOnSignals(io, () => started !== undefined);
    const options = { signal: stop.signal, ...(!quiet && { onDecoding: bar.show }) };
    const events =
      resumed === undefined
        ? tools.train(settings, { run, preset, ...options })
        : tools.resume(
            resumed === true ? undefined : resumed,
            { ...(typeof preset === "string" ? PRESETS[preset].settings : preset), ...settings },
            options,
          );
    try {
      for await (const event of events) {
        if (event.type === "start") {
          started = event;
          if (quiet) tools.noteData(io, event);
          else screen = tools.openScreen(io, event);
        } else if (event.type === "chunk") screen?.showProgress(event);
        else if (event.type === "epoch") {
          screen?.showEpoch(event);
          tools.noteDivergence(io, started as TrainingStart, event);
        } else {
          const { type, ...result } = event;
          const { config } = started as TrainingStart;
          tools.print(io, ...(json ? [JSON.stringify(result)] : tools.describeResult(event, config)));
        }
      }
      if (screen) tools.suggest(io, run ?? (resumed === undefined ? undefined : started?.run));
    } catch (error) {
      throw started ? withResumeHint(error, started.run, tools.resumeCommand(io, started.run)) : error;
    } finally {
      stop.end();
      bar.stop();
      screen?.stop();
    }
  },
});

/** The data set of image pairs is the folder of the clean images. */
function pairOf(targetDir: string | undefined, { dataset, inputDir }: GivenSettings): Pick<GivenSettings, "dataset"> {
  if (targetDir === undefined && inputDir === undefined) return {};
  if (targetDir === undefined || inputDir === undefined || dataset !== undefined) {
    throw new UserError("--input-dir and --target-dir go together and replace --dataset.");
  }
  return { dataset: targetDir };
}

/**
 * Aborts the training at Ctrl-C, kill or a closed terminal. A second signal ends the process. So does the first one if
 * the training has not started, and what prepares it does not end soon: a file of a dead network may block for ever.
 */
function stopOnSignals(io: Io, hasStarted: () => boolean): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stop = (name: string, number: number) => {
    const exit = () => process.exit(128 + number);
    if (controller.signal.aborted) exit();
    controller.abort(new Interruption(`Stopped by ${name}.`, 128 + number));
    timer = setTimeout(() => {
      if (hasStarted()) return;
      io.stderr.write(`Stopped by ${name}.\n`);
      exit();
    }, MAX_ABORT_MILLISECONDS);
  };
  for (const name of SIGNALS) process.on(name, stop);
  const end = () => {
    clearTimeout(timer);
    for (const name of SIGNALS) process.off(name, stop);
  };
  return { signal: controller.signal, end };
}

/** Adds to the error how to resume the run, if its folder still exists. */
function withResumeHint(error: unknown, run: string, command: string): unknown {
  if (error instanceof Interruption) {
    return new Interruption(`${error.message.replace(/\.$/, ", and saved.")} Resume: ${command}`, error.exitCode);
  }
  if (isSystemError(error)) {
    error.message += isGone(path.join(run, "config.json"))
      ? `. ${run} was moved or deleted.`
      : `. The last checkpoint is intact. Resume later: ${command}`;
  }
  return error;
}

/** Reads a preset by name or from a JSON file: settings, or the config.json of a run without its engine and threads. */
async function readPreset(place: string): Promise<PresetName | GivenSettings> {
  const name = PRESET_NAMES.find((name) => name === place);
  if (name) return name;
  const found = statIfThere(place);
  if (!found || found.isDirectory()) {
    const problem = `--preset ${place}: there is neither a preset nor a file of this name.`;
    throw new UserError(`${problem} Presets are ${PRESET_NAMES.join(", ")}.`);
  }
  const text = await readText(place, MAX_BYTES, "a JSON file of settings", readStream);
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
  if (value.length === 0) throw new UserError("It must be NAME=VALUE.");
  if (!isSettingName(name)) throw new UserError(`There is no setting "${printable(name)}". See docs/settings.md.`);
  if (name in before) throw new UserError(`${name} is given twice.`);
  return { ...before, [name]: parseSetting(name, value.join("=")) };
}
