// Flags of commands. Imports little, to keep --help fast.
import path from "node:path";
import type { GivenSettings } from "../config/config.js";
import type { Setting } from "../config/entries.js";
import { EVALUATION } from "../config/evaluation.js";
import { SETTINGS, type SettingName } from "../config/settings.js";
import { UserError } from "../errors.js";
import { isFolder, statIfThere } from "../files/read.js";
import { NOISES } from "../noise.js";
import { oneOf, TEXT, wholeNumber } from "../values/domains.js";

/** The value of `--noise` without an argument. */
export const DEFAULT_NOISE = "salt-pepper";

/** A flag, named by its key in a command's table: dimZ is --dim-z. */
export interface Flag<Value> extends Details<Value> {
  /** The argument in the help, such as <file>; empty for a toggle. */
  readonly argument: string;
  readonly help: string;
  /** Values for shell completion. */
  readonly choices?: readonly (string | number)[] | undefined;
  /** Heading on the help page, by default "Options:". */
  readonly heading?: string;
  /** @param before the value of an earlier occurrence of the flag. @throws UserError that says what is valid */
  parse?(text: string, before?: Value): Value;
  /** Validates a given value before the command runs. @throws UserError */
  check?(value: Value): void;
}

interface Details<Default> {
  readonly default?: Default;
  /** The text parsed if the optional argument is omitted. */
  readonly preset?: string;
  readonly conflicts?: string[];
  readonly isRequired?: boolean;
}

/** Puts flags under a heading of the help page. */
export function under<Flags extends object>(heading: string, flags: Flags): Flags {
  return Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, { ...flag, heading }])) as Flags;
}

export function flag<Value, const Default extends Value | undefined = undefined>(
  argument: string,
  help: string,
  { parse }: { parse(text: string, before?: Value | Default): Value },
  details: Details<Default> = {},
): Flag<Value | Default> {
  return { argument, help, parse, ...details };
}

export function toggle(help: string): Flag<boolean | undefined> {
  return { argument: "", help };
}

/** Help text for the default `own` of data settings. */
const CHOSEN = "chosen from the data";

/** Flags of settings. Commander gets no defaults, so that a preset can set them. */
export function settingFlags<Name extends SettingName>(...names: Name[]) {
  const entries = names.map((name) => [name, settingFlag(name)]);
  return Object.fromEntries(entries) as { [name in Name]: Flag<GivenSettings[name]> };
}

function settingFlag(name: SettingName): Flag<unknown> {
  const { flag: argument, help, parse, words: choices }: Setting<unknown> = SETTINGS[name];
  if (name === "noise") return noiseFlag(help);
  if (argument === "") return toggle(help);
  const usual = formatDefault(name);
  return { ...flag(`<${argument}>`, `${help} (default: ${usual === "own" ? CHOSEN : usual})`, { parse }), choices };
}

/** `--noise`. @param alone the help text for `--noise` without an argument */
export function noiseFlag(help: string, alone = DEFAULT_NOISE): Flag<GivenSettings["noise"]> {
  const text = `${help}; kinds: ${Object.keys(NOISES).join(", ")} (default: none; without a kind: ${alone})`;
  const { words: choices } = SETTINGS.noise;
  return { ...flag("[kind[:strength]]", text, SETTINGS.noise, { preset: DEFAULT_NOISE }), choices };
}

/** The default in command-line syntax. */
export function formatDefault(name: SettingName): string {
  const setting: Setting<unknown> = SETTINGS[name];
  return String(setting.encode(setting.default));
}

export function choiceFlag<const Choice extends string>(
  choices: readonly Choice[],
  help: string,
  usual: NoInfer<Choice>,
): Flag<Choice> {
  return { ...flag(`<${choices.join("|")}>`, help, oneOf(choices), { default: usual }), choices };
}

export function count(help: string, max = 1e9): Flag<number | undefined> {
  return flag("<count>", help, wholeNumber({ min: 1, max }));
}

/** A path of a file or a folder. */
export function pathFlag(argument: string, help: string, details?: Details<undefined>): Flag<string | undefined> {
  return flag(argument, help, TEXT, details);
}

/** `--format` of an output file. */
export function formatFlag<const Format extends string>(formats: readonly Format[]): Flag<Format | undefined> {
  const help = `format (default: by the file's extension; ${formats[0]} for standard output)`;
  return { ...flag(`<${formats.join("|")}>`, help, oneOf(formats)), choices: formats };
}

/** `--out`, or another flag, of a picture file. */
export function pictureFlag(
  type: "png" | "svg",
  usual = "in pictures/ of the run",
  what = "the picture",
  name = "--out",
): Flag<string | undefined> {
  const check = (file: string) => {
    if (path.extname(file).toLowerCase() !== `.${type}`) {
      throw new UserError(`${name} ${file}: this picture is a .${type}. Give a name that ends in .${type}.`);
    }
    checkOutputFile(file, name);
  };
  return { ...pathFlag("<file>", `file for ${what}, a .${type} (default: ${usual})`), check };
}

/** @throws UserError if `file` is not a file, or its folder does not exist */
export function checkOutputFile(file: string, name = "--out"): void {
  const present = statIfThere(file);
  if (present && !present.isFile()) throw new UserError(`${name} ${file} is not a file. Give the name of a file.`);
  const folder = path.dirname(file);
  if (!isFolder(folder)) throw new UserError(`${name} ${file}: there is no folder ${folder}. Make it first.`);
}

/** `--class` of a conditional model. */
export function classFlag(help: string, details?: Details<undefined>): Flag<string | undefined> {
  return flag("<name>", `conditional models only: ${help}`, TEXT, details);
}

/** For commands that several processes run together. */
export const DISTRIBUTED = {
  distributed: choiceFlag(
    ["auto", "off"],
    "off: run the whole command in each process that mpirun or srun started",
    "auto",
  ),
};
export const RUN = { run: pathFlag("<folder>", "folder of the run (default: the newest in runs/ that has a model)") };
/** A run's model, for commands that compute with it. */
export const MODEL = { ...RUN, ...settingFlags("device") };
export const OPEN = { open: toggle("open the picture in the system's viewer") };
export const JSON_RESULT = { json: toggle("print the result as one JSON value") };
export const SEED = { seed: flag("<number>", `${SETTINGS.seed.help} (default: the run's seed)`, SETTINGS.seed) };
export const DRAWS = { draws: toggle("draw from each posterior instead of taking its mean"), ...SEED };

/** Selects images of a data set. */
export const IMAGES = {
  split: choiceFlag(EVALUATION.split.choices, EVALUATION.split.help, EVALUATION.split.default),
  dataset: pathFlag("<mnist|path>", "other data than the model was trained on"),
  n: count("use only the first <count> images (default: all)"),
};
