// The evidence lower bound (Kingma & Welling 2014, eq. 7), with a weight of the KL term (Higgins et al. 2017).
import { integer } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { objective } from "../parts.js";

/** L of objectives with a reconstruction term. */
export const mcSamples = integer({
  min: 1,
  max: 1000,
  default: 1,
  flag: "count",
  help: "draws of z per image for the reconstruction term",
});

export const elbo = objective({
  help: "evidence lower bound",
  settings: { mcSamples },
  label: () => "ELBO",
  build: ({ mcSamples }) => ({
    draws: mcSamples,
    value: ({ reconstruction, kl }, klWeight) => tf.sub(reconstruction, tf.mul(kl, klWeight)),
  }),
});
