// All settings of a training: the source of flags, help, presets, config.json and docs/settings.md.
import { availableParallelism } from "node:os";
import { DATA_SETTINGS } from "../data/settings.js";
import { DEVICES, ENGINE_NAMES } from "../engine/engine.js";
import { BOUND, MODEL_SETTINGS } from "../model/settings.js";
import { noise } from "../noise.js";
import { choice, integer, integers, real, toggle } from "./entries.js";

const ENGINE_CHOICES = ["auto", ...ENGINE_NAMES] as const;

// biome-ignore format: compact settings
export const SETTINGS = {
  ...DATA_SETTINGS,
  ...MODEL_SETTINGS,
  epochs: integer({ default: 20, min: 1, max: 1e6, flag: "count", help: "passes over the training images" }),
  batchSize: integer({ default: 128, min: 1, max: 65_536, flag: "count", help: "images per step",
    details: "an epoch leaves out the images that do not fill a batch, other ones each time" }),
  learningRate: real({ default: 1e-3, above: 0, max: 1e30, flag: "number", help: "Adam's step size" }),
  binarize: choice(["none", "threshold", "dynamic"], { default: "none", flag: "none|threshold|dynamic",
    help: "make pixels black and white, as a Bernoulli likelihood needs",
    details: "by a threshold, or by new draws for every batch" }),
  noise: noise({ flag: "kind[:strength]", help: "train a denoiser: the encoder sees noise, the target is clean" }),
  checkpointSeconds: real({ default: 10, min: 0, max: 86_400, help: "minimum seconds between checkpoints" }),
  tensorboard: toggle({ flag: "",
    help: "also write event files for TensorBoard, into tensorboard/ of the run" }),
  patience: integer({ default: 0, min: 0, max: 1e6, flag: "epochs",
    help: "stop after this many epochs without improvement on the validation images; 0 = never" }),
  seed: integer({ default: 0, min: 0, max: Number.MAX_SAFE_INTEGER, flag: "number",
    help: "seed of all random numbers" }),
  engine: choice(ENGINE_CHOICES, { default: "auto", flag: ENGINE_CHOICES.join("|"),
    help: "library that runs the model; auto = the fastest available" }),
  threads: integer({ default: Math.min(8, availableParallelism()), min: 1, max: 256, flag: "count",
    help: "threads of engines compiled and tensorflow; others use one" }),
  device: choice(DEVICES, { default: "cpu", flag: DEVICES.join("|"),
    help: "where engine compiled computes; gpu = by Vulkan, Metal or Direct3D 12" }),
  syncEvery: integer({ default: 1, min: 1, max: 1e6, flag: "steps",
    help: "steps of each process before all average their weights",
    details: "local SGD (Stich 2019), for slow networks; 1 = average gradients at every step, as one process does" }),
  klWarmUp: real({ default: 0, min: 0, max: 1e6, needs: BOUND,
    help: "epochs in which the weight of the KL term rises from 0 to beta (Sønderby et al. 2016)" }),
  learningRateSchedule: choice(["constant", "cosine", "steps"], { default: "constant",
    help: "cosine: half a cosine wave down to 0; steps: times learningRateDecay at each of learningRateMilestones" }),
  learningRateMilestones: integers({ default: [10, 15], min: 1, max: 1e6, maxLength: 100,
    needs: { learningRateSchedule: ["steps"] },
    help: "epochs after which the learning rate falls", details: "increasing numbers" }),
  learningRateDecay: real({ default: 0.1, above: 0, max: 1, needs: { learningRateSchedule: ["steps"] },
    help: "factor of the learning rate at each of learningRateMilestones" }),
  adamBeta1: real({ default: 0.9, min: 0, max: 0.999999, help: "decay of Adam's first moments" }),
  adamBeta2: real({ default: 0.999, min: 0, max: 0.999999, help: "decay of Adam's second moments" }),
  adamEpsilon: real({ default: 1e-8, above: 0, max: 1, help: "Adam's ε, added to √v" }),
  weightDecay: real({ default: 0, min: 0, max: 10,
    help: "decay of the weights (not biases) per step, times the learning rate (AdamW, Loshchilov & Hutter 2019)" }),
};

export type SettingName = keyof typeof SETTINGS;
