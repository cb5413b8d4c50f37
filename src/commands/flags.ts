// Flags shared by several commands. Imports little, since vae --help waits for it.
import { InvalidArgumentError, Option } from "commander";
import { parseSetting } from "../config/config.js";
import type { Setting } from "../config/entries.js";
import { SETTINGS, type SettingName } from "../config/settings.js";
import { UserError } from "../errors.js";
import { NOISES } from "../noise.js";

/** The flag of a setting, with help, default and check. Its value stays undefined unless given, so that a preset can set it. */
export function settingOption(name: SettingName): Option {
  const { flag, help }: Setting<unknown> = SETTINGS[name];
  if (name === "noise") return noiseOption(help);
  if (flag === "") return new Option(flagOf(name), help);
  return new Option(`${flagOf(name)} <${flag}>`, `${help} (default: ${formatDefault(name)})`).argParser((text) =>
    parseFlag(name, text),
  );
}

/** `--noise`, with an optional value. */
export function noiseOption(help: string): Option {
  const kinds = Object.entries(NOISES).map(([kind, noise]) => `${kind}:${noise.default}`);
  const text = `${help}; kinds with their usual strengths: ${kinds.join(", ")} (alone: salt-pepper; default: none)`;
  return new Option("--noise [kind[:strength]]", text)
    .preset("salt-pepper")
    .argParser((value) => parseFlag("noise", value));
}

/** The value of a setting's flag. null stays the given text, "none" or "own", since commander replaces null. */
function parseFlag(name: SettingName, text: string): unknown {
  try {
    return parseSetting(name, text) ?? text;
  } catch (error) {
    if (error instanceof UserError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** The default, as the command line takes it. */
export function formatDefault(name: SettingName): string {
  const setting: Setting<unknown> = SETTINGS[name];
  return String(setting.encode(setting.default));
}

/** --dim-z of dimZ */
export function flagOf(name: SettingName): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `--seed` of a command that shows a trained model. */
export function seedOption(help: string = SETTINGS.seed.help): Option {
  return new Option("--seed <number>", `${help} (default: that of the run)`).argParser((text) =>
    parseFlag("seed", text),
  );
}

/** `--split`: a part of a data set. */
export function splitOption(help: string): Option {
  return new Option("--split <test|validation|train>", help).choices(["test", "validation", "train"]).default("test");
}

/** `--n`: a count. */
export function countOption(help: string, max: number): Option {
  return wholeNumberOption("--n <count>", help, 1, max);
}

export function wholeNumberOption(flags: string, help: string, min: number, max: number): Option {
  return new Option(flags, help).argParser((text) => wholeNumber(text, min, max));
}

/** @throws InvalidArgumentError unless the text is a whole number from `min` to `max` */
export function wholeNumber(text: string, min: number, max: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= min && number <= max)) {
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  }
  return number;
}

export function runOption(help: string): Option {
  return placeOption("--run <folder>", help);
}

export function outOption(type = "png", what = "the picture", place = "in pictures/ of the run"): Option {
  return placeOption("--out <file>", `file for ${what}, a .${type} (default: ${place})`);
}

/** A flag whose value is a path. */
export function placeOption(flags: string, help: string): Option {
  return new Option(flags, help).argParser((text) => {
    if (text === "") throw new InvalidArgumentError("It must not be empty.");
    return text;
  });
}

/** The example at the end of a command's help. */
export function example(...lines: string[]): string {
  return `\nExample:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
