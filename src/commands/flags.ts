// Flags that several commands have. Light to load, since vae --help waits for it.
import { InvalidArgumentError, Option } from "commander";
import type { SettingName } from "../config.js";
import { parseSetting, SETTINGS } from "../config.js";
import { UserError } from "../errors.js";

/** The flag of a setting, with its help, its default and its check. */
export function settingOption(name: SettingName, placeholder: string): Option {
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const { help, default: value } = SETTINGS[name];
  return new Option(`--${flag} <${placeholder}>`, help)
    .default(value)
    .argParser((text) => explained(() => parseSetting(name, text)));
}

/** `--seed` of a command that shows a trained model. */
export function seedOption(): Option {
  return new Option("--seed <number>", `${SETTINGS.seed.help} (default: that of the training)`).argParser((text) =>
    explained(() => parseSetting("seed", text)),
  );
}

/** `--n`: how many of something. */
export function countOption(help: string, max: number): Option {
  return new Option("--n <count>", help).argParser((text) => {
    const count = /^\d+$/.test(text) ? Number(text) : 0;
    if (count < 1 || count > max) throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`);
    return count;
  });
}

export function runOption(help: string): Option {
  return placeOption("--run <folder>", help);
}

export function outOption(): Option {
  return placeOption("--out <file>", "where to write the picture (default: into the run's pictures/)");
}

/** A flag that names a file or a folder. */
export function placeOption(flags: string, help: string): Option {
  return new Option(flags, help).argParser((text) => {
    if (text === "") throw new InvalidArgumentError("It must not be empty.");
    return text;
  });
}

/** An example for the end of a command's help. */
export function example(...lines: string[]): string {
  return `\nExample:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

function explained<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof UserError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
