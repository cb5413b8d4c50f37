// The objective of the β-TC-VAE (Chen et al. 2018): the ELBO with a weight on the total correlation in its KL term.
import { real } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { UserError } from "../../errors.js";
import { logMeanExp, normalLogDensity } from "../densities.js";
import { objective, type Terms } from "../parts.js";

export const betaTc = objective({
  help: "the ELBO with a weight of the total correlation (Chen et al. 2018), for independent latent dimensions",
  settings: {
    tcWeight: real({
      default: 6,
      min: 0,
      max: 1000,
      help: "weight of the total correlation, KL(q(z) ‖ Π_j q(z_j)), in the KL term; with 1, the objective is the ELBO",
    }),
  },
  comparesImages: true,
  label: ({ tcWeight }) => `ELBO with total correlation × ${tcWeight}`,
  build: ({ tcWeight }, { dimZ }) => ({
    draws: 1,
    numbersPerPair: dimZ,
    value(terms, klWeight) {
      const cost = tf.add(terms.kl, tf.mul(totalCorrelation(terms), tcWeight - 1));
      return tf.sub(terms.reconstruction, tf.mul(cost, klWeight));
    },
  }),
});

/**
 * log q(z) − Σ_j log q(z_j) of draws z [B, 1, Z], with q(z) = 1/B Σ_i q(z|x_i) over the batch: [B] nats. The paper's
 * minibatch weights (eq. 12) differ by a constant, which does not change the gradient.
 *
 * @throws UserError if the posterior is not Gaussian
 */
export function totalCorrelation({ z, posterior: { mean, sigma } }: Pick<Terms, "z" | "posterior">): tf.Tensor {
  if (!sigma) throw new UserError("The total correlation needs a Gaussian posterior.");
  const [B, Z] = mean.shape as [number, number];
  const perPosterior = (x: tf.Tensor) => tf.reshape(x, [1, B, Z]);
  const densities = normalLogDensity(tf.reshape(z, [B, 1, Z]), perPosterior(mean), perPosterior(sigma)); // [B, B, Z]
  const joint = logMeanExp(tf.sum(densities, 2));
  const byDimension = tf.reshape(tf.transpose(densities, [2, 0, 1]), [Z * B, B]);
  const marginals = tf.sum(tf.reshape(logMeanExp(byDimension), [Z, B]), 0);
  return tf.sub(joint, marginals);
}
