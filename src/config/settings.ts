// Every setting of a training run in one table: its default, what it may be and what it means. Flags, their help, presets,
// config.json and docs/settings.md are all read from it. What is done with it is in config.ts.
import { availableParallelism } from "node:os";
import { ENGINE_NAMES } from "../engine/engine.js";

interface Described {
  readonly help: string;
  /** Values of other settings without which this one means nothing. */
  readonly needs?: { readonly [name: string]: string };
  /** What its flag of `vae train` takes; without it, the setting is given by --set or a preset. */
  readonly flag?: string;
}

export interface NumberRange {
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
  readonly kind: "text" | "noise" | "size";
  readonly default: string;
}

interface TextsSetting extends Described {
  readonly kind: "texts";
  readonly default: readonly string[];
}

interface SwitchSetting extends Described {
  readonly kind: "switch";
  readonly default: false;
}

export type Setting =
  | NumberSetting
  | IntegersSetting
  | ChoiceSetting
  | ChoicesSetting
  | TextSetting
  | TextsSetting
  | SwitchSetting;

export const ENGINE_CHOICES = ["auto", ...ENGINE_NAMES] as const;
export const ACTIVATIONS = ["elu", "relu", "sigmoid", "silu", "softplus", "tanh"] as const;

export const SETTINGS = {
  dataset: {
    kind: "text",
    default: "mnist",
    flag: "mnist|path",
    help: "mnist, a folder of IDX files under MNIST's names or of images, or one IDX or .npy file: see docs/data.md",
  },
  inputDir: {
    kind: "text",
    default: "none",
    flag: "folder",
    help: "corrupted images that the encoder sees, under the names of the clean ones in --target-dir, or else in dataset",
  },
  size: {
    kind: "size",
    default: "own",
    flag: "width[xheight]",
    help: "what image files are resized to, in pixels",
  },
  channels: {
    kind: "choice",
    choices: ["own", "1", "3"],
    default: "own",
    flag: "1|3",
    help: "grey or colour, of image files; own: colour if any is stored so",
  },
  limit: {
    kind: "integer",
    min: 0,
    max: 4_294_967_295,
    default: 0,
    flag: "count",
    help: "take so many images at most, of those to train and validate and of those that the data set has for the test; 0 for all",
  },
  classes: {
    kind: "texts",
    default: ["all"],
    flag: "name,...",
    help: "take images of these classes alone: labels, or names of sub-folders",
  },
  skipBad: {
    kind: "switch",
    default: false,
    flag: "",
    help: "leave out image files that cannot be used, and say how many",
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
    flag: "kind[:strength]",
    help: "train a denoiser: the encoder sees noise, the target is clean",
  },
  checkpointSeconds: {
    kind: "real",
    min: 0,
    max: 86_400,
    default: 10,
    help: "the least time between two checkpoints, which vae train --resume goes on from",
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
    help: "threads of engines compiled and tensorflow; the others have one",
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
