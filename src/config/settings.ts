// All settings of a training. Flags, their help, presets, config.json and docs/settings.md read this table.
import { availableParallelism } from "node:os";
import { ENGINE_NAMES } from "../engine/engine.js";
import { MODEL_SETTINGS } from "../model/settings.js";
import { noise } from "../noise.js";
import { choice, integer, integers, oneOf, optional, real, SIZE, TEXT, text, texts, toggle } from "./entries.js";

const ENGINE_CHOICES = ["auto", ...ENGINE_NAMES] as const;

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
  ...MODEL_SETTINGS,
  epochs: integer({ default: 20, min: 1, max: 1_000_000, flag: "count", help: "passes over the training images" }),
  batchSize: integer({ default: 128, min: 1, max: 65_536, flag: "count", help: "images for each step" }),
  learningRate: real({ default: 1e-3, above: 0, max: 1e30, flag: "number", help: "Adam's step size" }),
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
  klWarmUp: real({
    default: 0,
    min: 0,
    max: 1_000_000,
    needs: { model: ["vae"] },
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
    needs: { learningRateSchedule: ["steps"] },
    help: "epochs after which the learning rate falls",
  }),
  learningRateDecay: real({
    default: 0.1,
    above: 0,
    max: 1,
    needs: { learningRateSchedule: ["steps"] },
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
};

export type SettingName = keyof typeof SETTINGS;
