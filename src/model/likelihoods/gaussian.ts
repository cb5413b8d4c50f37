// Gaussian pixels: mean = sigmoid of the decoder's output, standard deviation fixed (Kingma & Welling 2014, appendix
// C.2).
import { real } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { gaussianLogLikelihood, perDraw, perImage } from "../densities.js";
import { likelihood } from "../parts.js";
import { NO_SPECS } from "../specs.js";

export const gaussianPixels = likelihood({
  help: "normal around the decoder's output with standard deviation pixelSigma",
  settings: {
    pixelSigma: real({ min: 0.001, max: 10, default: 0.1, help: "standard deviation of a pixel; 1 = full white" }),
  },
  suffix: ({ pixelSigma }) => `, normal with deviation ${pixelSigma}`,
  greyNats: ({ pixelSigma }) => 0.125 / pixelSigma ** 2 + Math.log(pixelSigma * Math.sqrt(2 * Math.PI)),
  build: ({ pixelSigma }, { pixels }) => ({
    name: "gaussian",
    support: "real",
    inputs: pixels,
    meanActivation: "sigmoid",
    specs: NO_SPECS,
    build: (_, outputs) => ({
      mean: () => tf.sigmoid(outputs),
      logProb: (x) => gaussianLogLikelihood(perImage(x), tf.sigmoid(perDraw(outputs, x)), pixelSigma),
    }),
  }),
});
