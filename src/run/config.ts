// The configuration of a run: config.json.
import path from "node:path";
import { type Config, createConfig, encodeConfig } from "../config/config.js";
import { areClasses, type ModelClass } from "../data/classes.js";
import { type ImageShape, pixelsOf } from "../data/pixels.js";
import type { Scales } from "../data/scale.js";
import { UserError } from "../errors.js";
import { ifPresent, readText } from "../files/read.js";
import { writeFileAtomically } from "../files/write.js";
import { isGroup } from "./group.js";

export const CONFIG = "config.json";
/** About 500 times the usual size. */
const MAX_BYTES = 1e6;

/** Everything needed to rebuild the model, except its weights. */
export interface RunConfig {
  /**
   * Identifies the run in its checkpoints and weights. A digest of everything that affects the weights after a number
   * of steps, so that a repeated run, or one with more epochs, writes the same bytes. Runs of older versions have none.
   */
  readonly id?: string;
  /** The version of vae. */
  readonly version: string;
  /** ISO 8601. */
  readonly created: string;
  /** With the engine and the number of threads that were used. */
  readonly settings: Config;
  readonly data: RunData;
  /** Present if the run was trained with the user's own parts, which `settings` do not describe. */
  readonly parts?: "own";
}

export interface RunData extends ImageShape {
  readonly name: string;
  /** The numbers of images. */
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  /** The conversions to bytes, for types other than plain bytes. Absent if there are none. */
  readonly scales?: Scales;
  /** The classes of a conditional model, in the order of its labels. */
  readonly classes?: readonly ModelClass[];
  /** The SHA-256 of the training, validation and test images, and of the labels if the model is conditional. */
  readonly sha256: string;
}

/** Reads a run's configuration. @throws UserError if config.json is missing or not valid */
export async function readRunConfig(dir: string): Promise<RunConfig> {
  const file = path.join(dir, CONFIG);
  const text = await ifPresent(readText(file, MAX_BYTES, "the configuration of a run"));
  if (text === undefined) {
    const remedy = isGroup(dir) ? " It is a group of runs: give the folder of one of them." : "";
    throw new UserError(`${dir} is not the folder of a run: it has no ${CONFIG}.${remedy}`);
  }
  return parseRunConfig(text, file);
}

export async function writeRunConfig(dir: string, config: RunConfig): Promise<void> {
  await writeFileAtomically(path.join(dir, CONFIG), encodeRunConfig(config));
}

/** Encodes a configuration for `parseRunConfig`. */
export function encodeRunConfig(config: RunConfig): string {
  return `${JSON.stringify({ ...config, settings: encodeConfig(config.settings) }, null, 2)}\n`;
}

/** @throws UserError if the text is not a valid config.json */
export function parseRunConfig(text: string, file: string): RunConfig {
  let config: RunConfig;
  try {
    config = JSON.parse(text);
  } catch {
    throw new UserError(`${file} is not valid JSON.`);
  }
  const { id = "", version, created, settings, data } = config ?? {};
  const scales = Object.values(data?.scales ?? {});
  const texts = [version, created, data?.name, id];
  const sizes = [data?.height, data?.width, data?.channels, data?.train, data?.validation, data?.test];
  if (
    !texts.every((text) => typeof text === "string") ||
    !sizes.every((size) => Number.isSafeInteger(size) && size > 0) ||
    !Number.isSafeInteger(pixelsOf(data)) ||
    !scales.every((scale) => Number.isFinite(scale?.black) && Number(scale?.step) > 0) ||
    !settings ||
    (settings.conditional === true) !== areClasses(data.classes)
  ) {
    throw new UserError(
      `${file} is not the configuration of a run: version, created, settings or data is missing or invalid.`,
    );
  }
  try {
    return { ...config, settings: createConfig({ ...settings }) };
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${file}: ${error.message}`) : error;
  }
}

/** @throws UserError if a run was trained with the user's own parts and none are given, or the other way round */
export function checkOwnParts(
  { dir, config }: { readonly dir: string; readonly config: RunConfig },
  parts: unknown,
  caller: string,
): void {
  if (config.parts === "own" && !parts) {
    throw new UserError(`${dir} was trained with the user's own parts: give them to the library's ${caller}.`);
  }
  if (config.parts !== "own" && parts) {
    throw new UserError(`${dir} was trained with the parts that its settings choose: leave out \`parts\`.`);
  }
}

/** Returns `<dataset>-z<dimensions>-<date>-<time>`, in local time. */
export function defaultName({ created, data, settings }: RunConfig): string {
  return `${data.name}-z${[settings.dimZ].flat().join("-")}-${timestamp(new Date(created))}`;
}

/** Returns `<date>-<time>`, in local time. */
export function timestamp(time: Date): string {
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local
    .toISOString()
    .replace(/[-:]|\..*/g, "")
    .replace("T", "-");
}
