// The evidence lower bound (Kingma & Welling 2014, eq. 7), with a weight on the KL term (Higgins et al. 2017).
import { choice, integer } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { objective } from "../parts.js";

/** The setting L of objectives with a reconstruction term. */
export const mcSamples = integer({
  min: 1,
  max: 1000,
  default: 1,
  flag: "count",
  help: "draws of z per image for the reconstruction term",
});

/** The setting of objectives that estimate their KL term from draws. */
export const gradient = choice(["total", "path"], {
  default: "total",
  help:
    "path = without the score of q(z|x), with less variance near the optimum (Roeder et al. 2017); of iwae, doubly " +
    "reparameterized (Tucker et al. 2019)",
});

export const elbo = objective({
  help: "evidence lower bound",
  settings: { mcSamples, gradient },
  label: () => "ELBO",
  build: ({ mcSamples, gradient }) => ({
    draws: mcSamples,
    isPath: gradient === "path",
    value({ reconstruction, kl, logRatio }, klWeight, { training }) {
      const cost = gradient === "path" && training ? tf.neg(tf.mean(logRatio(), 1)) : kl;
      return tf.sub(reconstruction, tf.mul(cost, klWeight));
    },
  }),
});
