// The ELBO with free bits (Kingma et al. 2016, eq. 15): the KL term of a latent dimension, averaged over a batch, costs
// at least λ, so that no dimension collapses. Evaluation uses batches of up to 500 images.
import { real } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { objective } from "../parts.js";
import { mcSamples } from "./elbo.js";

export const freeBits = objective({
  help: "the ELBO with free bits (Kingma et al. 2016), against unused latent dimensions",
  settings: {
    mcSamples,
    freeBits: real({
      default: 0.25,
      min: 0,
      max: 1000,
      help: "λ of free bits: the KL term of a latent dimension costs at least this many nats",
    }),
  },
  label: () => "free-bits ELBO",
  build: ({ mcSamples, freeBits }, { dimZ }) => ({
    draws: mcSamples,
    averagesImages: true,
    value({ reconstruction, klGroups }, klWeight) {
      const min = (freeBits * dimZ) / (klGroups.shape[1] as number); // λ of a group of dimensions
      const kl = tf.mean(klGroups, 0); // the expectation over the minibatch
      const cost = tf.sum(tf.add(tf.relu(tf.sub(kl, min)), min)); // Σ max(λ, KL)
      return tf.sub(reconstruction, tf.mul(cost, klWeight));
    },
  }),
});
