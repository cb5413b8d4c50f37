// The importance-weighted bound L_k (Burda et al. 2016, eq. 8).
import { integer } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { logMeanExp } from "../densities.js";
import { objective } from "../parts.js";

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
  },
  label: ({ importanceSamples }) => `L${importanceSamples}`,
  build: ({ importanceSamples }) => ({
    draws: importanceSamples,
    value: ({ logLikelihood, logRatio }, klWeight) => logMeanExp(tf.add(logLikelihood, tf.mul(logRatio(), klWeight))),
  }),
});
