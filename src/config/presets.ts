// Named groups of settings.
import type { GivenSettings } from "./config.js";

export const PRESETS = {
  tutorial: {
    help: "the defaults: the model and schedule of hwalsuklee/tensorflow-mnist-VAE",
    settings: {},
  },
  photos: {
    help:
      "convolutions, the default for image files and colour; batch size and epochs depend on the number of images: " +
      "20 steps or more an epoch, 3,000 or more in all, 20 to 200 epochs",
    settings: {
      network: "conv",
      dimZ: 32,
      convActivation: "silu",
      initialWeights: "glorot",
      likelihood: "gaussian",
      pixelSigma: 0.2,
      prior: "mixture",
      priorComponents: 20,
    },
  },
  // Section 5.1 of the paper: stages of 3^i epochs, i = 0 … 7, with learning rate 0.001·10^(−i/7). The output bias is
  // from the authors' code, yburda/iwae.
  iwae: {
    help: "network, binarization and schedule of Burda et al. (2016), with k = 50; 3,280 epochs, or the number you set",
    settings: {
      objective: "iwae",
      importanceSamples: 50,
      epochs: 3280,
      batchSize: 20,
      dimZ: 50,
      nHidden: [200, 200],
      keepProb: 1,
      binarize: "dynamic",
      encoderActivations: ["tanh"],
      decoderActivations: ["tanh"],
      sigma: "exp",
      initialWeights: "glorot",
      outputBias: "mean",
      learningRateSchedule: "steps",
      learningRateMilestones: [1, 4, 13, 40, 121, 364, 1093],
      learningRateDecay: 10 ** (-1 / 7),
      adamEpsilon: 1e-4,
    },
  },
  best: {
    help:
      "the lowest −log p(x) found in ten minutes on two slow cores: five importance samples, " +
      "weight decay, a cosine schedule; more epochs are better",
    settings: {
      objective: "iwae",
      importanceSamples: 5,
      epochs: 64,
      learningRate: 2e-3,
      dimZ: 50,
      nHidden: [300, 300],
      keepProb: 1,
      binarize: "dynamic",
      encoderActivations: ["silu"],
      decoderActivations: ["silu"],
      outputBias: "mean",
      learningRateSchedule: "cosine",
      weightDecay: 0.07,
    },
  },
} as const satisfies Record<string, { help: string; settings: GivenSettings }>;

export type PresetName = keyof typeof PRESETS;

export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[];
