// Every setting of a training run: its default, what it may be and what it means. Flags, their help and config.json are
// all read from this one table.
import { availableParallelism } from "node:os";
import { ENGINE_NAMES } from "./engine/engine.js";
import { UserError } from "./errors.js";

interface NumberSetting {
  readonly kind: "integer" | "real";
  readonly min: number;
  /** Whether `min` itself is left out. */
  readonly above?: boolean;
  readonly max: number;
  readonly default: number;
  readonly help: string;
}

interface ChoiceSetting {
  readonly kind: "choice";
  readonly choices: readonly string[];
  readonly default: string;
  readonly help: string;
}

interface TextSetting {
  readonly kind: "text";
  readonly default: string;
  readonly help: string;
}

type Setting = NumberSetting | ChoiceSetting | TextSetting;

export const ENGINE_CHOICES = ["auto", ...ENGINE_NAMES] as const;
export const NOISES = ["none", "salt-pepper"] as const;

export const SETTINGS = {
  dataset: { kind: "text", default: "mnist", help: "mnist, or a folder of IDX files under MNIST's names" },
  epochs: { kind: "integer", min: 1, max: 1_000_000, default: 20, help: "passes over the training images" },
  batchSize: { kind: "integer", min: 1, max: 65_536, default: 128, help: "images for each step" },
  learningRate: { kind: "real", min: 0, above: true, max: 1e30, default: 1e-3, help: "Adam's step size" },
  dimZ: { kind: "integer", min: 1, max: 4096, default: 2, help: "dimensions of the latent space" },
  nHidden: { kind: "integer", min: 1, max: 4096, default: 500, help: "units of each hidden layer" },
  keepProb: {
    kind: "real",
    min: 0.01,
    max: 1,
    default: 0.9,
    help: "probability that dropout keeps a hidden unit in training; 1 for no dropout",
  },
  noise: { kind: "choice", choices: NOISES, default: "none", help: "corruption of the encoder's input" },
  seed: {
    kind: "integer",
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    default: 0,
    help: "number that all randomness follows from",
  },
  engine: {
    kind: "choice",
    choices: ENGINE_CHOICES,
    default: "auto",
    help: "what runs the model; auto takes the fastest that works here",
  },
  threads: {
    kind: "integer",
    min: 1,
    max: 256,
    default: Math.min(8, availableParallelism()),
    help: "threads of the compiled engine",
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** All settings of a run. */
export type Config = {
  readonly [name in SettingName]: (typeof SETTINGS)[name] extends { kind: "choice"; choices: readonly (infer Choice)[] }
    ? Choice
    : (typeof SETTINGS)[name] extends { kind: "text" }
      ? string
      : number;
};

/**
 * The value that a text on the command line stands for.
 *
 * @throws UserError that says what the value must be
 */
export function parseSetting(name: SettingName, text: string): string | number {
  const isNumber = SETTINGS[name].kind === "integer" || SETTINGS[name].kind === "real";
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  return checkSetting(name, isNumber ? number : text);
}

/**
 * A full configuration from what was given, with defaults for the rest.
 *
 * @throws UserError that names what is unknown or out of range
 */
export function createConfig(given: { readonly [name: string]: unknown }): Config {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(SETTINGS, name)) throw new UserError(`There is no setting "${name}".`);
  }
  const entries = (Object.keys(SETTINGS) as SettingName[]).map((name) => {
    const value = given[name] ?? SETTINGS[name].default;
    try {
      return [name, checkSetting(name, value)] as const;
    } catch (error) {
      if (error instanceof UserError) throw new UserError(`The setting ${name} is ${value}. ${error.message}`);
      throw error;
    }
  });
  return Object.fromEntries(entries) as Config;
}

function checkSetting(name: SettingName, value: unknown): string | number {
  const setting: Setting = SETTINGS[name];
  switch (setting.kind) {
    case "text":
      if (typeof value !== "string" || value === "") throw new UserError("It must not be empty.");
      return value;
    case "choice":
      if (typeof value !== "string" || !setting.choices.includes(value)) {
        throw new UserError(`It must be one of ${setting.choices.join(", ")}.`);
      }
      return value;
    default: {
      const { kind, min, max, above = false } = setting;
      const isInRange = typeof value === "number" && (above ? value > min : value >= min) && value <= max;
      if (!isInRange || (kind === "integer" && !Number.isInteger(value))) {
        const range = above ? `above ${min} and at most ${max}` : `from ${min} to ${max}`;
        throw new UserError(`It must be a ${kind === "integer" ? "whole number" : "number"} ${range}.`);
      }
      return value;
    }
  }
}
