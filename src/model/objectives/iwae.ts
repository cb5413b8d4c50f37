// The importance-weighted bound L_k (Burda et al. 2016, eq. 8).
import { integer } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { logMeanExp } from "../densities.js";
import { objective } from "../parts.js";
import { gradient } from "./elbo.js";

export const iwae = objective({
  help: "importance-weighted bound (Burda et al. 2016), which is tighter",
  settings: {
    importanceSamples: integer({
      min: 1,
      max: 1000,
      default: 5,
      flag: "count",
      help: "draws of z per image for the importance-weighted bound",
    }),
    gradient,
  },
  label: ({ importanceSamples }) => `L${importanceSamples}`,
  build: ({ importanceSamples, gradient }) => ({
    draws: importanceSamples,
    isPath: gradient === "path",
    value({ logLikelihood, logRatio, weighDraws }, klWeight) {
      const logWeights = tf.add(logLikelihood, tf.mul(logRatio(), klWeight));
      const bound = logMeanExp(logWeights);
      if (gradient === "path") {
        // The gradient of draws has squared shares (Tucker et al. 2019, eq. 8): one factor comes from the bound itself,
        // the other from weighDraws. With a KL weight β, only the part β of the score is omitted.
        const sums = tf.reshape(tf.add(bound, Math.log(importanceSamples)), [-1, 1]);
        const shares = tf.exp(tf.sub(logWeights, sums));
        weighDraws(tf.add(tf.mul(shares, klWeight), tf.sub(1, klWeight)));
      }
      return bound;
    },
  }),
});
