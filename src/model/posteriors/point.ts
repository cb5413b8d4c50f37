// The posterior of a plain autoencoder: a point mass, without draws or KL term.
import { tf } from "../../engine/compiled/tf.js";
import type { PosteriorFamily, Sizes } from "../parts.js";
import { NO_SPECS } from "../specs.js";

/** A point posterior with `mean` = the encoder's output, [B, Z]; KL and log ratio are 0. */
export function point({ dimZ }: Sizes): PosteriorFamily {
  return {
    dimZ,
    inputs: dimZ,
    specs: NO_SPECS,
    build(_, mean) {
      const zeros = () => tf.zeros([mean.shape[0], 1]);
      return { mean, sample: () => tf.reshape(mean, [mean.shape[0], 1, dimZ]), logRatio: zeros, kl: zeros };
    },
  };
}
