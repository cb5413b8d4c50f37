// vae train
import { createConfig, type GivenSettings, isSettingName, parseSetting } from "../config/config.js";
import type { Setting } from "../config/entries.js";
import { PRESET_NAMES, PRESETS, type PresetName } from "../config/presets.js";
import { SETTINGS, type SettingName } from "../config/settings.js";
import { DATA_SETTINGS } from "../data/settings.js";
import { UserError } from "../errors.js";
import { readStream, readText, statIfThere } from "../files/read.js";
import type { Processes } from "../index.js";
import { MODEL_SETTINGS } from "../model/settings.js";
import { flagOf } from "../shell.js";
import type { Sweep } from "../training/plan.js";
import { checkValue, isRecord } from "../values/checker.js";
import { TEXT } from "../values/domains.js";
import { similar } from "../values/suggestions.js";
import { printable } from "../wording.js";
import { declare, type Tools } from "./command.js";
import { count, DISTRIBUTED, flag, JSON_RESULT, pathFlag, settingFlags, toggle, under } from "./flags.js";
import type { Io } from "./io.js";
import { flagsForName, settingForName } from "./other-names.js";

/** Limit of a preset file. */
const MAX_BYTES = 1e6;

const ESSENTIALS = ["dataset", "dimZ", "epochs"] as const;
const OUTPUT = ["tensorboard"] as const;
const OTHERS = (Object.keys(SETTINGS) as SettingName[]).filter(
  (name) => "flag" in SETTINGS[name] && ![...ESSENTIALS, ...OUTPUT].some((elsewhere) => elsewhere === name),
);
const MODEL = OTHERS.filter((name) => name in MODEL_SETTINGS);
const DATA = OTHERS.filter((name) => name in DATA_SETTINGS);
const TRAINING = OTHERS.filter((name) => !(name in MODEL_SETTINGS) && !(name in DATA_SETTINGS));

export const define = declare({
  flags: {
    ...under("Essentials:", {
      ...settingFlags(...ESSENTIALS),
      preset: {
        ...pathFlag("<name|file>", `settings to start from: ${PRESET_NAMES.join(", ")}, or a JSON file of settings`),
        choices: PRESET_NAMES,
      },
      resume: flag<string | true>(
        "[folder]",
        "resume a run or a group of runs, also with more --epochs (default: the newest in runs/)",
        TEXT,
      ),
    }),
    ...under("Model:", settingFlags(...MODEL)),
    ...under("Training:", {
      ...settingFlags(...TRAINING),
      set: flag("<name=value>", "any setting of docs/settings.md; repeatable", { parse: collectSettings }),
      sweep: flag(
        "<name=values>",
        "train a run for each of these values, separated by commas, or semicolons between lists; repeatable",
        { parse: collectSweeps },
      ),
      repeat: count("train this many runs, with seeds from --seed on", 1000),
      ...DISTRIBUTED,
    }),
    ...under("Data:", {
      ...settingFlags(...DATA),
      targetDir: pathFlag("<folder>", "clean images: the targets of those in --input-dir"),
    }),
    ...under("Output:", {
      run: pathFlag("<folder>", "new folder for the run or the group (default: runs/<dataset>-z<dim>-<date>-<time>)"),
      ...settingFlags(...OUTPUT),
      open: toggle("at the end, open progress.png, or compare.svg of a group, in the system's viewer"),
      ...JSON_RESULT,
      quiet: toggle("print only the result, and warnings on stderr"),
    }),
  },
  examples: [
    "vae train --epochs 20 --dim-z 2",
    "vae train --dim-z 20 --noise --run runs/denoiser",
    "vae train --dataset photos --size 32 --channels 3 --skip-bad",
    "vae train --preset iwae --epochs 13 --set klWarmUp=2",
    "vae train --conditional --epochs 10",
    "vae train --resume --epochs 40",
    "vae train --sweep beta=0.5,1,4 --sweep 'nHidden=500,500;300' --repeat 3",
  ],
  run: (io, { distributed, ...flags }, tools) =>
    tools.runInProcesses(io, "train", distributed, (io, processes) => start(io, flags, tools, processes)),
});

interface Flags extends GivenSettings {
  readonly targetDir: string | undefined;
  readonly preset: string | undefined;
  readonly set: GivenSettings | undefined;
  readonly sweep: Sweep | undefined;
  readonly repeat: number | undefined;
  readonly run: string | undefined;
  readonly resume: string | true | undefined;
  readonly open: boolean | undefined;
  readonly json: boolean | undefined;
  readonly quiet: boolean | undefined;
}

async function start(io: Io, flags: Flags, tools: Tools, processes: Processes | undefined): Promise<void> {
  const { preset: place, set, sweep, repeat, run, resume, targetDir, open, json, quiet, ...given } = flags;
  const isGroup = sweep !== undefined || repeat !== undefined;
  const { preset, settings } = await tools.agree(processes, async () => {
    const ofFlags = { ...given, ...pairOf(targetDir, given) };
    checkOnce(set, ofFlags, sweep, repeat);
    if (resume !== undefined && run !== undefined) {
      throw new UserError("--run names a new run and --resume an existing one: give one of them.");
    }
    if (resume !== undefined && isGroup) {
      throw new UserError("--resume finishes a group as it was planned: leave out --sweep and --repeat.");
    }
    if (processes && isGroup) refuseGroup();
    return { preset: place === undefined ? undefined : await readPreset(place), settings: { ...set, ...ofFlags } };
  });
  const stop = tools.stopOnSignals(io);
  const bar = tools.progressBar(io, "decoding images");
  const training = { signal: stop.signal, ...(!quiet && { onDecoding: bar.show }) };
  const options = {
    training,
    stop,
    quiet: quiet === true,
    json: json === true,
    open: open === true && !processes?.rank,
  };
  const changes = { ...(typeof preset === "string" ? PRESETS[preset].settings : preset), ...settings };
  try {
    const resumed = await tools.byFirst(processes, async () => {
      const folder = resume === true ? await tools.findGroupOrRun() : resume;
      if (processes && folder !== undefined && tools.isGroup(folder)) refuseGroup();
      return folder ?? null;
    });
    if (isGroup) {
      const planned = await tools.planRuns(settings, { preset, ...training }, sweep ?? {}, repeat);
      await tools.trainGroup(io, planned, run, options);
    } else if (resumed !== null && !processes && tools.isGroup(resumed)) {
      await tools.resumeGroup(io, resumed, changes, options);
    } else {
      const events =
        resumed === null
          ? tools.train(settings, { run, preset, processes, ...training })
          : tools.resume(resumed, changes, { processes, ...training });
      await tools.trainOne(io, events, run !== undefined || resumed !== null, options);
    }
  } finally {
    stop.end();
    bar.stop();
  }
}

function refuseGroup(): never {
  throw new UserError("The runs of a group train one after the other in one process. Leave out mpirun.");
}

/** @throws UserError if a setting is given twice */
function checkOnce(set: GivenSettings = {}, flags: GivenSettings, sweep: Sweep = {}, repeat: number | undefined): void {
  const refuse = (name: string | undefined, one: string, other: string) => {
    if (name !== undefined) throw new UserError(`${name} is given twice, by ${one} and by ${other}.`);
  };
  const inFlags = (name: string) => flags[name as SettingName] !== undefined;
  const bySet = Object.keys(set).find(inFlags);
  refuse(bySet, "--set", flagOf(bySet ?? ""));
  const bySweep = Object.keys(sweep).find(inFlags);
  refuse(bySweep, "--sweep", flagOf(bySweep ?? ""));
  refuse(
    Object.keys(sweep).find((name) => name in set),
    "--sweep",
    "--set",
  );
  if (repeat !== undefined && "seed" in sweep) refuse("seed", "--sweep", "--repeat");
}

/** The data set of image pairs: the folder of the clean images. */
function pairOf(targetDir: string | undefined, { dataset, inputDir }: GivenSettings): Pick<GivenSettings, "dataset"> {
  if (targetDir === undefined && inputDir === undefined) return {};
  if (targetDir === undefined || inputDir === undefined || dataset !== undefined) {
    throw new UserError("--input-dir and --target-dir replace --dataset. Give both, without --dataset.");
  }
  return { dataset: targetDir };
}

/** Reads a preset by name or from a JSON file: settings, or the config.json of a run without the machine-dependent ones. */
async function readPreset(place: string): Promise<PresetName | GivenSettings> {
  const name = PRESET_NAMES.find((name) => name === place);
  if (name) return name;
  const found = statIfThere(place);
  if (!found || found.isDirectory()) {
    const problem = `--preset ${place} is neither a preset nor a file.`;
    const like = similar(place, PRESET_NAMES);
    throw new UserError(`${problem} Presets are ${PRESET_NAMES.join(", ")}.${like ? ` Did you mean ${like}?` : ""}`);
  }
  const text = await readText(place, MAX_BYTES, "a JSON file of settings", readStream);
  const content = parseJson(text, place);
  const given = isRecord(content) && isRecord(content.settings) ? ofRun(content.settings) : content;
  try {
    if (!isRecord(given)) throw new UserError("Settings must be an object of names and values.");
    const { $schema, ...settings } = given;
    createConfig(settings);
    return settings;
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${place}: ${error.message}`) : error;
  }
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`${place} is not a JSON file of settings.`);
  }
}

/** Settings of a config.json, except the machine-dependent ones. */
function ofRun({
  engine,
  threads,
  device,
  ...settings
}: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return settings;
}

function collectSettings(text: string, before: GivenSettings = {}): GivenSettings {
  const [name, value] = splitSetting(text, before, "NAME=VALUE");
  return { ...before, [name]: parseSetting(name, value) };
}

/** Values that are lists or contain commas are separated by semicolons. */
function collectSweeps(text: string, before: Sweep = {}): Sweep {
  const [name, list] = splitSetting(text, before, "NAME=VALUE,VALUE,…");
  const setting: Setting<unknown> = SETTINGS[name];
  const separator = list.includes(";") || Array.isArray(setting.default) ? ";" : ",";
  const items = list.split(separator).map((item) => item.trim());
  if (items.length < 2)
    throw new UserError(`It must be two values or more, separated by "${separator}". --set takes one.`);
  const values = items.map((item) =>
    checkValue(`The value of ${name}`, { check: () => parseSetting(name, item) }, item),
  );
  const encoded = values.map((value) => JSON.stringify(setting.encode(value)));
  const twice = items.find((_, i) => encoded.indexOf(encoded[i]) < i);
  if (twice !== undefined) throw new UserError(`${name} has the value ${printable(twice)} twice.`);
  return { ...before, [name]: values };
}

/** @throws UserError unless the text is NAME=… of a setting that is not in `before` */
function splitSetting(text: string, before: object, form: string): [name: SettingName, value: string] {
  const [name, ...value] = text.split("=");
  if (value.length === 0) throw new UserError(`It must be ${form}.`);
  if (!isSettingName(name)) {
    const like = settingFromOtherName(name) ?? similar(name, Object.keys(SETTINGS));
    throw new UserError(
      `Unknown setting "${printable(name)}". ${like ? `Did you mean ${like}?` : "See docs/settings.md."}`,
    );
  }
  if (name in before) throw new UserError(`${name} is given twice.`);
  return [name, value.join("=")];
}

/** The setting that other programs call `name`. */
function settingFromOtherName(name: string): string | undefined {
  const flags = flagsForName(name);
  return settingForName(name) ?? (Object.keys(SETTINGS) as SettingName[]).find((name) => flags.includes(flagOf(name)));
}
