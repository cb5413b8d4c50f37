// The ELBO with free bits: a KL term below λ costs as much as λ (Kingma et al. 2016, eq. 15), so that no latent
// dimension collapses. The KL term is the mean over a batch; evaluation takes batches of up to 500 images.
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
      const least = (freeBits * dimZ) / (klGroups.shape[1] as number); // of a group of dimensions
      const kl = tf.mean(klGroups, 0); // the expectation over the minibatch
      const cost = tf.sum(tf.add(tf.relu(tf.sub(kl, least)), least)); // Σ max(λ, KL)
      return tf.sub(reconstruction, tf.mul(cost, klWeight));
    },
  }),
});
