// All settings of a training. Flags, their help, presets, config.json and docs/settings.md read this table.
import { availableParallelism } from "node:os";
import { ENGINE_NAMES } from "../engine/engine.js";
import { noise } from "../noise.js";
import {
  choice,
  choices,
  integer,
  integers,
  oneOf,
  optional,
  real,
  SIZE,
  TEXT,
  text,
  texts,
  toggle,
} from "./entries.js";

const ENGINE_CHOICES = ["auto", ...ENGINE_NAMES] as const;
const ACTIVATIONS = ["elu", "relu", "sigmoid", "silu", "softplus", "tanh"] as const;

export const SETTINGS = {
  dataset: text({
    default: "mnist",
    flag: "mnist|path",
    help: "mnist, a folder of IDX files under MNIST's names or of images, or one IDX or .npy file: see docs/data.md",
  }),
  inputDir: optional("none", TEXT, {
    flag: "folder",
    help: "corrupted images that the encoder sees, under the names of the clean ones in dataset",
  }),
  size: optional("own", SIZE, { flag: "width[xheight]", help: "what image files are resized to, in pixels" }),
  channels: optional("own", oneOf([1, 3]), {
    flag: "1|3",
    help: "grey or colour, of image files; own: colour if any is stored so",
  }),
  limit: integer({
    default: 0,
    min: 0,
    max: 4_294_967_295,
    flag: "count",
    help: "take so many images at most, of those to train and validate and of those that the data set has for the test; 0 for all",
  }),
  classes: texts({
    default: ["all"],
    alone: "all",
    flag: "name,...",
    help: "take images of these classes alone: labels, or names of sub-folders",
  }),
  skipBad: toggle({ flag: "", help: "leave out image files that cannot be used, and say how many" }),
  model: choice(["vae", "ae"], {
    default: "vae",
    flag: "vae|ae",
    help: "variational autoencoder, or the plain autoencoder: z is the encoder's mean, and there is no KL term",
  }),
  objective: choice(["elbo", "iwae"], {
    default: "elbo",
    flag: "elbo|iwae",
    needs: { model: "vae" },
    help: "what is maximized: the evidence lower bound, or the importance-weighted bound (Burda et al. 2016), which is tighter",
  }),
  epochs: integer({ default: 20, min: 1, max: 1_000_000, flag: "count", help: "passes over the training images" }),
  batchSize: integer({ default: 128, min: 1, max: 65_536, flag: "count", help: "images for each step" }),
  learningRate: real({ default: 1e-3, above: 0, max: 1e30, flag: "number", help: "Adam's step size" }),
  dimZ: integer({ default: 2, min: 1, max: 4096, flag: "count", help: "dimensions of the latent space" }),
  nHidden: integers({
    default: [500, 500],
    min: 1,
    max: 4096,
    flag: "units,...",
    help: "units of each hidden layer of the encoder; the decoder has them in reverse",
  }),
  keepProb: real({
    default: 0.9,
    min: 0.01,
    max: 1,
    flag: "number",
    help: "probability that dropout keeps a hidden unit in training; 1 for no dropout",
  }),
  mcSamples: integer({
    default: 1,
    min: 1,
    max: 1000,
    flag: "count",
    needs: { model: "vae", objective: "elbo" },
    help: "draws of z for each image, whose mean is the reconstruction term of the ELBO",
  }),
  importanceSamples: integer({
    default: 5,
    min: 1,
    max: 1000,
    flag: "count",
    needs: { model: "vae", objective: "iwae" },
    help: "draws of z for each image in the importance-weighted bound",
  }),
  beta: real({
    default: 1,
    min: 0,
    max: 1000,
    flag: "number",
    needs: { model: "vae" },
    help: "weight of the KL term (Higgins et al. 2017); at 1, the objective is a bound of log p(x)",
  }),
  binarize: choice(["none", "threshold", "dynamic"], {
    default: "none",
    flag: "none|threshold|dynamic",
    help: "black and white pixels from grey ones: by a threshold, or drawn anew for every batch; without, no likelihood can be given",
  }),
  noise: noise({ flag: "kind[:strength]", help: "train a denoiser: the encoder sees noise, the target is clean" }),
  checkpointSeconds: real({
    default: 10,
    min: 0,
    max: 86_400,
    help: "least seconds between two checkpoints",
  }),
  patience: integer({
    default: 0,
    min: 0,
    max: 1_000_000,
    flag: "epochs",
    help: "stop after so many epochs without a better validation; 0 to go on",
  }),
  seed: integer({
    default: 0,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    flag: "number",
    help: "number that all randomness follows from",
  }),
  engine: choice(ENGINE_CHOICES, {
    default: "auto",
    flag: ENGINE_CHOICES.join("|"),
    help: "what runs the model; auto takes the fastest that works here",
  }),
  threads: integer({
    default: Math.min(8, availableParallelism()),
    min: 1,
    max: 256,
    flag: "count",
    help: "threads of engines compiled and tensorflow; the others have one",
  }),
  encoderActivations: choices(ACTIVATIONS, {
    default: ["elu", "tanh"],
    help: "activations of the encoder's hidden layers in turn; the last one holds for the layers that remain",
  }),
  decoderActivations: choices(ACTIVATIONS, { default: ["tanh", "elu"], help: "the same for the decoder" }),
  sigma: choice(["softplus", "exp"], {
    default: "softplus",
    needs: { model: "vae" },
    help: "how the encoder's output becomes the posterior's σ: 10⁻⁶ + softplus, or exp",
  }),
  initialWeights: choice(["he", "glorot"], {
    default: "he",
    help: "first weights: normal as He et al. (2015) scale them, or uniform as Glorot & Bengio (2010) do",
  }),
  outputBias: choice(["zero", "mean"], {
    default: "zero",
    help: "first bias of the decoder's output: zero, or the logit of the mean training image, kept within 0.001 and 0.999",
  }),
  klWarmUp: real({
    default: 0,
    min: 0,
    max: 1_000_000,
    needs: { model: "vae" },
    help: "epochs over which the KL term's weight rises from 0 to beta (Sønderby et al. 2016)",
  }),
  learningRateSchedule: choice(["constant", "cosine", "steps"], {
    default: "constant",
    help: "cosine: falls to 0 at the end of the epochs, as half a wave of the cosine; steps: is multiplied by learningRateDecay after each epoch of learningRateMilestones",
  }),
  learningRateMilestones: integers({
    default: [10, 15],
    min: 1,
    max: 1_000_000,
    needs: { learningRateSchedule: "steps" },
    help: "epochs after which the learning rate falls",
  }),
  learningRateDecay: real({
    default: 0.1,
    above: 0,
    max: 1,
    needs: { learningRateSchedule: "steps" },
    help: "factor at each of learningRateMilestones",
  }),
  adamBeta1: real({ default: 0.9, min: 0, max: 0.999999, help: "decay of Adam's first moments" }),
  adamBeta2: real({ default: 0.999, min: 0, max: 0.999999, help: "decay of Adam's second moments" }),
  adamEpsilon: real({ default: 1e-8, above: 0, max: 1, help: "Adam's ε, added to √v" }),
  weightDecay: real({
    default: 0,
    min: 0,
    max: 10,
    help: "share of the weights (not of the biases) that a step takes away, times the learning rate (AdamW, Loshchilov & Hutter 2019)",
  }),
  likelihood: choice(["bernoulli", "gaussian"], {
    default: "bernoulli",
    help: "p(x|z) of a pixel: Bernoulli, or normal around the decoder's output with deviation pixelSigma",
  }),
  pixelSigma: real({
    default: 0.1,
    min: 0.001,
    max: 10,
    needs: { likelihood: "gaussian" },
    help: "deviation of a pixel, in units of full white",
  }),
};

export type SettingName = keyof typeof SETTINGS;
