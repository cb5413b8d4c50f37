// What several commands say and check alike. Light to load: `vae --help` passes through here.
import { stat } from "node:fs/promises";
import path from "node:path";
import chalk from "chalk";
import { InvalidArgumentError, Option } from "commander";
import type { SettingName } from "../config.js";
import { parseSetting, SETTINGS } from "../config.js";
import { UserError } from "../errors.js";
import type { Model, Picture } from "../index.js";
import { writeFileAtomically } from "../run/write-file.js";

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
  return new Option("--n <count>", help).default(100).argParser((text) => {
    const count = /^\d+$/.test(text) ? Number(text) : 0;
    if (count < 1 || count > max) throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`);
    return count;
  });
}

export function runOption(help: string): Option {
  return new Option("--run <folder>", help);
}

export function outOption(): Option {
  return new Option("--out <file>", "where to write the picture (default: into the run's pictures/)");
}

/** An example for the end of a command's help. */
export function example(...lines: string[]): string {
  return `\nExample:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/** Numbers of the bound, with their signs and their unit. */
export function formatElbo({ elbo, reconstruction, kl }: { elbo: number; reconstruction: number; kl: number }): string {
  return `−ELBO ${formatNats(-elbo)} nats per image (reconstruction ${formatNats(reconstruction)}, KL ${formatNats(kl)})`;
}

export function formatNats(nats: number, digits = 2): string {
  return nats.toFixed(digits).replace("-", "−");
}

/** Progress and notes go to stderr, so that stdout holds results alone. */
export function note(text: string): void {
  process.stderr.write(`${chalk.dim(text)}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** @throws UserError if a picture cannot be written there: found out before any work is done */
export async function checkOut(out: string | undefined): Promise<void> {
  if (out === undefined) return;
  if (await isFolder(out)) throw new UserError(`--out ${out} is a folder. Give the name of a file.`);
  const folder = path.dirname(out);
  if (!(await isFolder(folder))) throw new UserError(`--out ${out}: there is no folder ${folder}. Make it first.`);
}

/** Writes a picture to `out`, or into the run's folder under a name, and says where. */
export async function savePicture(
  model: Model,
  picture: Picture,
  name: string,
  out: string | undefined,
): Promise<void> {
  const { encodePng } = await import("../index.js");
  const png = encodePng(picture);
  if (out === undefined) {
    print(await model.folder.writePicture(name, png));
  } else {
    await writeFileAtomically(out, png);
    print(out);
  }
}

async function isFolder(place: string): Promise<boolean> {
  try {
    return (await stat(place)).isDirectory();
  } catch {
    return false;
  }
}

function explained<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof UserError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
