// Fully connected networks.
import { choices, integers, real } from "../../config/entries.js";
import { ACTIVATIONS, type ActivationName, mlp } from "../layers.js";
import { network } from "../parts.js";

const ACTIVATION_NAMES = Object.keys(ACTIVATIONS) as ActivationName[];

/** Limit for each network: hundreds of layers would take minutes to compile. */
const MAX_LAYERS = 32;

// biome-ignore format: two lines per setting
const settings = {
  nHidden: integers({ default: [500, 500], min: 1, max: 4096, maxLength: MAX_LAYERS, flag: "units,...",
    help: "units of the encoder's hidden layers; the decoder has them in reverse" }),
  keepProb: real({ default: 0.9, min: 0.01, max: 1, flag: "number",
    help: "probability that dropout keeps a hidden unit; 1 = no dropout" }),
  encoderActivations: choices(ACTIVATION_NAMES, { default: ["elu", "tanh"], maxLength: MAX_LAYERS,
    help: "activations of the encoder's hidden layers in order; the last one repeats" }),
  decoderActivations: choices(ACTIVATION_NAMES, { default: ["tanh", "elu"], maxLength: MAX_LAYERS,
    help: "the same for the decoder" }),
};

export const fullyConnected = network({
  help: "fully connected layers",
  settings,
  width: "nHidden",
  build: ({ nHidden, keepProb, encoderActivations, decoderActivations }, { weight }) => ({
    encoder: (outputs) => mlp({ hidden: nHidden, activations: encoderActivations, keepProb, outputs, weight }),
    decoder: (outputs, bias) =>
      mlp({ hidden: nHidden.toReversed(), activations: decoderActivations, keepProb, outputs, weight, bias }),
  }),
});
