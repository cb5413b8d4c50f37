// The posterior of a plain autoencoder: a point. It has no draws, and no KL term.
import { tf } from "../../engine/compiled/tf.js";
import { type PosteriorFamily, part } from "../parts.js";
import { NO_SPECS } from "../specs.js";

export const point = part({
  help: "plain autoencoder: z is the encoder's output, no KL term",
  isPoint: true,
  settings: {},
  build: (_, { dimZ }): PosteriorFamily => ({
    dimZ,
    inputs: dimZ,
    specs: NO_SPECS,
    build(_, mean) {
      const zeros = () => tf.zeros([mean.shape[0], 1]);
      return { mean, sample: () => tf.reshape(mean, [mean.shape[0], 1, dimZ]), logRatio: zeros, kl: zeros };
    },
  }),
});
