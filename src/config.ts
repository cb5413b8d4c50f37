// Every setting of a training run: its default, what it may be and what it means. Flags, their help, presets, config.json and
// docs/settings.md are all read from this one table.
import { availableParallelism } from "node:os";
import { ENGINE_NAMES } from "./engine/engine.js";
import { UserError } from "./errors.js";
import { type NoiseName, parseNoise } from "./noise.js";

interface Described {
  readonly help: string;
  /** Values of other settings without which this one means nothing. */
  readonly needs?: { readonly [name: string]: string };
  /** What its flag of `vae train` takes; without it, the setting is given by --set or a preset. */
  readonly flag?: string;
}

interface NumberRange {
  readonly min: number;
  /** Whether `min` itself is left out. */
  readonly above?: boolean;
  readonly max: number;
}

interface NumberSetting extends Described, NumberRange {
  readonly kind: "integer" | "real";
  readonly default: number;
}

interface IntegersSetting extends Described, NumberRange {
  readonly kind: "integers";
  readonly default: readonly number[];
}

interface ChoiceSetting extends Described {
  readonly kind: "choice";
  readonly choices: readonly string[];
  readonly default: string;
}

interface ChoicesSetting extends Described {
  readonly kind: "choices";
  readonly choices: readonly string[];
  readonly default: readonly string[];
}

interface TextSetting extends Described {
  readonly kind: "text" | "noise";
  readonly default: string;
}

export type Setting = NumberSetting | IntegersSetting | ChoiceSetting | ChoicesSetting | TextSetting;

export const ENGINE_CHOICES = ["auto", ...ENGINE_NAMES] as const;
export const ACTIVATIONS = ["elu", "relu", "sigmoid", "silu", "softplus", "tanh"] as const;

export const SETTINGS = {
  dataset: {
    kind: "text",
    default: "mnist",
    flag: "mnist|folder",
    help: "mnist, or a folder of IDX files under MNIST's names",
  },
  model: {
    kind: "choice",
    choices: ["vae", "ae"],
    default: "vae",
    flag: "vae|ae",
    help: "variational autoencoder, or the plain autoencoder: z is the encoder's mean, and there is no KL term",
  },
  objective: {
    kind: "choice",
    choices: ["elbo", "iwae"],
    default: "elbo",
    flag: "elbo|iwae",
    needs: { model: "vae" },
    help: "what is maximized: the evidence lower bound, or the importance-weighted bound (Burda et al. 2016), which is tighter",
  },
  epochs: {
    kind: "integer",
    min: 1,
    max: 1_000_000,
    default: 20,
    flag: "count",
    help: "passes over the training images",
  },
  batchSize: { kind: "integer", min: 1, max: 65_536, default: 128, flag: "count", help: "images for each step" },
  learningRate: {
    kind: "real",
    min: 0,
    above: true,
    max: 1e30,
    default: 1e-3,
    flag: "number",
    help: "Adam's step size",
  },
  dimZ: { kind: "integer", min: 1, max: 4096, default: 2, flag: "count", help: "dimensions of the latent space" },
  nHidden: {
    kind: "integers",
    min: 1,
    max: 4096,
    default: [500, 500],
    flag: "units,...",
    help: "units of each hidden layer of the encoder; the decoder has them in reverse",
  },
  keepProb: {
    kind: "real",
    min: 0.01,
    max: 1,
    default: 0.9,
    flag: "number",
    help: "probability that dropout keeps a hidden unit in training; 1 for no dropout",
  },
  mcSamples: {
    kind: "integer",
    min: 1,
    max: 1000,
    default: 1,
    flag: "count",
    needs: { model: "vae", objective: "elbo" },
    help: "draws of z for each image, whose mean is the reconstruction term of the ELBO",
  },
  importanceSamples: {
    kind: "integer",
    min: 1,
    max: 1000,
    default: 5,
    flag: "count",
    needs: { model: "vae", objective: "iwae" },
    help: "draws of z for each image in the importance-weighted bound",
  },
  beta: {
    kind: "real",
    min: 0,
    max: 1000,
    default: 1,
    flag: "number",
    needs: { model: "vae" },
    help: "weight of the KL term (Higgins et al. 2017); at 1, the objective is a bound of log p(x)",
  },
  binarize: {
    kind: "choice",
    choices: ["none", "threshold", "dynamic"],
    default: "none",
    flag: "none|threshold|dynamic",
    help: "black and white pixels from grey ones: by a threshold, or drawn anew for every batch; without, no likelihood can be given",
  },
  noise: {
    kind: "noise",
    default: "none",
    help: "corruption of the encoder's input, KIND or KIND:STRENGTH",
  },
  patience: {
    kind: "integer",
    min: 0,
    max: 1_000_000,
    default: 0,
    flag: "epochs",
    help: "stop after so many epochs without a better validation; 0 to go on",
  },
  seed: {
    kind: "integer",
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    default: 0,
    flag: "number",
    help: "number that all randomness follows from",
  },
  engine: {
    kind: "choice",
    choices: ENGINE_CHOICES,
    default: "auto",
    flag: ENGINE_CHOICES.join("|"),
    help: "what runs the model; auto takes the fastest that works here",
  },
  threads: {
    kind: "integer",
    min: 1,
    max: 256,
    default: Math.min(8, availableParallelism()),
    flag: "count",
    help: "threads of the compiled engine",
  },
  encoderActivations: {
    kind: "choices",
    choices: ACTIVATIONS,
    default: ["elu", "tanh"],
    help: "activations of the encoder's hidden layers in turn; the last one holds for the layers that remain",
  },
  decoderActivations: {
    kind: "choices",
    choices: ACTIVATIONS,
    default: ["tanh", "elu"],
    help: "the same for the decoder",
  },
  sigma: {
    kind: "choice",
    choices: ["softplus", "exp"],
    default: "softplus",
    needs: { model: "vae" },
    help: "how the encoder's output becomes the posterior's σ: 10⁻⁶ + softplus, or exp",
  },
  initialWeights: {
    kind: "choice",
    choices: ["he", "glorot"],
    default: "he",
    help: "first weights: normal as He et al. (2015) scale them, or uniform as Glorot & Bengio (2010) do",
  },
  outputBias: {
    kind: "choice",
    choices: ["zero", "mean"],
    default: "zero",
    help: "first bias of the decoder's output: zero, or the logit of the mean training image, kept within 0.001 and 0.999",
  },
  klWarmUp: {
    kind: "real",
    min: 0,
    max: 1_000_000,
    default: 0,
    needs: { model: "vae" },
    help: "epochs over which the KL term's weight rises from 0 to beta (Sønderby et al. 2016)",
  },
  learningRateSchedule: {
    kind: "choice",
    choices: ["constant", "cosine", "steps"],
    default: "constant",
    help: "cosine: falls to 0 at the end of the epochs, as half a wave of the cosine; steps: is multiplied by learningRateDecay after each epoch of learningRateMilestones",
  },
  learningRateMilestones: {
    kind: "integers",
    min: 1,
    max: 1_000_000,
    default: [10, 15],
    needs: { learningRateSchedule: "steps" },
    help: "epochs after which the learning rate falls",
  },
  learningRateDecay: {
    kind: "real",
    min: 0,
    above: true,
    max: 1,
    default: 0.1,
    needs: { learningRateSchedule: "steps" },
    help: "factor at each of learningRateMilestones",
  },
  adamBeta1: { kind: "real", min: 0, max: 0.999999, default: 0.9, help: "decay of Adam's first moments" },
  adamBeta2: { kind: "real", min: 0, max: 0.999999, default: 0.999, help: "decay of Adam's second moments" },
  adamEpsilon: { kind: "real", min: 0, above: true, max: 1, default: 1e-8, help: "Adam's ε, added to √v" },
  weightDecay: {
    kind: "real",
    min: 0,
    max: 10,
    default: 0,
    help: "share of the weights (not of the biases) that a step takes away, times the learning rate (AdamW, Loshchilov & Hutter 2019)",
  },
  likelihood: {
    kind: "choice",
    choices: ["bernoulli", "gaussian"],
    default: "bernoulli",
    help: "p(x|z) of a pixel: Bernoulli, or normal around the decoder's output with deviation pixelSigma",
  },
  pixelSigma: {
    kind: "real",
    min: 0.001,
    max: 10,
    default: 0.1,
    needs: { likelihood: "gaussian" },
    help: "deviation of a pixel, in units of full white",
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

type ValueOf<S> = S extends { kind: "choice"; choices: readonly (infer Choice)[] }
  ? Choice
  : S extends { kind: "choices"; choices: readonly (infer Choice)[] }
    ? readonly Choice[]
    : S extends { kind: "integers" }
      ? readonly number[]
      : S extends { kind: "noise" }
        ? NoiseName
        : S extends { kind: "text" }
          ? string
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
      : kind === "choices"
        ? text.split(",")
        : kind === "integer" || kind === "real"
          ? parseNumber(text)
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
