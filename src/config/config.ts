// The configuration of a run: settings read from texts, checked, and completed with the defaults of settings.ts.
import { UserError } from "../errors.js";
import type { NoiseName } from "../noise.js";
import { parseNoise } from "../noise.js";
import type { NumberRange, Setting, SettingName } from "./settings.js";
import { SETTINGS } from "./settings.js";

type ValueOf<S> = S extends { kind: "choice"; choices: readonly (infer Choice)[] }
  ? Choice
  : S extends { kind: "choices"; choices: readonly (infer Choice)[] }
    ? readonly Choice[]
    : S extends { kind: "integers" }
      ? readonly number[]
      : S extends { kind: "noise" }
        ? NoiseName
        : S extends { kind: "text" | "size" }
          ? string
          : S extends { kind: "texts" }
            ? readonly string[]
            : S extends { kind: "switch" }
              ? boolean
              : number;

/** All settings of a run. */
export type Config = { readonly [name in SettingName]: ValueOf<(typeof SETTINGS)[name]> };

/** Settings as a user gives them: those that differ, and a kind of noise alone for its default strength. */
export type GivenSettings = {
  readonly [name in SettingName]?: (name extends "noise" ? string : Config[name]) | undefined;
};

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/**
 * The value that a text on the command line stands for.
 *
 * @throws UserError that says what the value must be
 */
export function parseSetting<Name extends SettingName>(name: Name, text: string): Config[Name] {
  const { kind } = SETTINGS[name];
  const value =
    kind === "integers"
      ? text.split(",").map(parseNumber)
      : kind === "choices" || kind === "texts"
        ? text.split(",").map((item) => item.trim())
        : kind === "integer" || kind === "real"
          ? parseNumber(text)
          : kind === "switch"
            ? ({ true: true, false: false }[text] ?? text)
            : text;
  return checkSetting(name, value) as Config[Name];
}

/**
 * A full configuration from what was given, with defaults for the rest.
 *
 * @throws UserError that names what is unknown or out of range
 */
export function createConfig(given: { readonly [name: string]: unknown }): Config {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new UserError("Settings must be an object of names and values.");
  }
  for (const name of Object.keys(given)) {
    if (!isSettingName(name)) throw new UserError(`There is no setting "${name}".`);
  }
  const entries = (Object.keys(SETTINGS) as SettingName[]).map((name) => {
    const value = given[name] ?? SETTINGS[name].default;
    try {
      return [name, checkSetting(name, value)] as const;
    } catch (error) {
      if (error instanceof UserError) {
        throw new UserError(`The setting ${name} is ${JSON.stringify(value)}. ${error.message}`);
      }
      throw error;
    }
  });
  const config = Object.fromEntries(entries) as Config;
  if (config.learningRateMilestones.some((epoch, i, all) => i > 0 && epoch <= all[i - 1])) {
    throw new UserError("The epochs of learningRateMilestones must grow.");
  }
  return config;
}

/** The values that a setting may have, in words. */
export function describeValues(name: SettingName): string {
  const setting: Setting = SETTINGS[name];
  switch (setting.kind) {
    case "text":
      return "text";
    case "texts":
      return "a list of texts";
    case "size":
      return "own, WIDTHxHEIGHT, or one number for both, each from 1 to 4096";
    case "switch":
      return "true, false";
    case "noise":
      return "none, KIND or KIND:STRENGTH";
    case "choice":
      return setting.choices.join(", ");
    case "choices":
      return `a list of ${setting.choices.join(", ")}`;
    default: {
      const { kind, min, max, above = false } = setting;
      const range = above ? `above ${min} and at most ${max}` : `from ${min} to ${max}`;
      const noun = { integer: "a whole number", real: "a number", integers: "a list of whole numbers" }[kind];
      return `${noun} ${range}`;
    }
  }
}

function parseNumber(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}

function checkSetting(name: SettingName, value: unknown): unknown {
  const setting: Setting = SETTINGS[name];
  switch (setting.kind) {
    case "text":
      if (typeof value !== "string" || value === "") throw new UserError("It must not be empty.");
      return value;
    case "texts":
      if (!isList(value) || !value.every((item) => typeof item === "string" && item !== "")) {
        throw new UserError(`It must be ${describeValues(name)}, none of them empty.`);
      }
      if (value.length > 1 && value.includes("all")) throw new UserError('"all" stands alone.');
      return value;
    case "size":
      return parseSize(String(value), name);
    case "switch":
      if (typeof value !== "boolean") throw new UserError("It must be true or false.");
      return value;
    case "noise":
      return parseNoise(String(value));
    case "choice":
      if (!setting.choices.includes(value as string)) {
        throw new UserError(`It must be one of ${describeValues(name)}.`);
      }
      return value;
    case "choices":
      if (!isList(value) || !value.every((item) => setting.choices.includes(item as string))) {
        throw new UserError(`It must be ${describeValues(name)}.`);
      }
      return value;
    case "integers":
      if (!isList(value) || !value.every((item) => Number.isInteger(item) && isInRange(item, setting))) {
        throw new UserError(`It must be ${describeValues(name)}.`);
      }
      return value;
    default:
      if (!isInRange(value, setting) || (setting.kind === "integer" && !Number.isInteger(value))) {
        throw new UserError(`It must be ${describeValues(name)}.`);
      }
      return value;
  }
}

/** 28 and 28x28 as 28x28. */
function parseSize(text: string, name: SettingName): string {
  if (text === "own") return text;
  const [, width, height = width] = /^(\d{1,4})(?:x(\d{1,4}))?$/.exec(text) ?? [];
  if (![width, height].every((side) => Number(side) >= 1 && Number(side) <= 4096)) {
    throw new UserError(`It must be ${describeValues(name)}.`);
  }
  return `${Number(width)}x${Number(height)}`;
}

function isInRange(value: unknown, { min, max, above = false }: NumberRange): boolean {
  return typeof value === "number" && (above ? value > min : value >= min) && value <= max;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0;
}

/**
 * Checks that what a user gave is not for nothing.
 *
 * @param names of the settings that were given, not those of a preset or the defaults
 * @throws UserError that names a setting which means nothing without another
 */
export function checkNeeds(names: readonly string[], config: Config): void {
  for (const name of names.filter(isSettingName)) {
    const { needs = {} }: Setting = SETTINGS[name];
    for (const [other, value] of Object.entries(needs)) {
      if (config[other as SettingName] !== value) throw new UserError(`${name} is for ${other} ${value}.`);
    }
  }
}

/** Draws of z for each image: k of the importance-weighted bound, or L of the ELBO's reconstruction term. */
export function drawsPerImage({
  model,
  objective,
  importanceSamples,
  mcSamples,
}: Pick<Config, "model" | "objective" | "importanceSamples" | "mcSamples">): number {
  if (model === "ae") return 1;
  return objective === "iwae" ? importanceSamples : mcSamples;
}
