// Bernoulli pixels, with the decoder's outputs as logits (Kingma & Welling 2014, appendix C.1).
import { tf } from "../../engine/compiled/tf.js";
import { bernoulliLogLikelihood, perDraw, perImage } from "../densities.js";
import { likelihood } from "../parts.js";
import { NO_SPECS } from "../specs.js";

export const bernoulli = likelihood({
  help: "black or white with a probability",
  settings: {},
  suffix: () => "",
  greyNats: () => Math.log(2),
  build: (_, { pixels }) => ({
    name: "bernoulli",
    support: "binary",
    inputs: pixels,
    meanActivation: "sigmoid",
    specs: NO_SPECS,
    build: (_, logits) => ({
      mean: () => tf.sigmoid(logits),
      logProb: (x) => bernoulliLogLikelihood(perImage(x), perDraw(logits, x)),
    }),
  }),
});
