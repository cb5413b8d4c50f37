// The ELBO minus the maximum mean discrepancy between q(z) and the prior (InfoVAE, Zhao et al. 2019). With β = 0: the
// objective of a Wasserstein autoencoder (Tolstikhin et al. 2018).
import { real } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { objective } from "../parts.js";

/** Kernel scales, relative to the expected squared distance of two draws from the prior. */
const SCALES = [0.1, 0.2, 0.5, 1, 2, 5, 10];

export const mmd = objective({
  help: "the ELBO less the maximum mean discrepancy of q(z) and N(0, 1) (Zhao et al. 2019)",
  settings: {
    mmdWeight: real({
      default: 100,
      min: 0,
      max: 1e6,
      help: "λ, the weight of the discrepancy; with beta 0, the model is a Wasserstein autoencoder",
    }),
  },
  comparesImages: true,
  label: ({ mmdWeight }) => `ELBO less ${mmdWeight} MMD`,
  build: ({ mmdWeight }, { dimZ }) => ({
    draws: 1,
    numbersPerPair: 3 * SCALES.length,
    specs: { params: {}, draws: { prior: { shape: [dimZ], per: "image", phase: "posterior", kind: "normal" } } },
    value({ reconstruction, kl, z }, klWeight, context) {
      const bound = tf.sub(reconstruction, tf.mul(kl, klWeight));
      if (z.shape[0] < 2) return bound; // MMD needs two images
      const discrepancy = meanDiscrepancy(tf.reshape(z, [z.shape[0], dimZ]), context.draw("prior"));
      return tf.sub(bound, tf.mul(discrepancy, mmdWeight));
    },
  }),
});

/**
 * The unbiased estimate of MMD² between samples [B, Z], B ≥ 2 (Gretton et al. 2012, eq. 3), with the sum of kernels
 * c / (c + ‖a − b‖²), c = 2 Z · scale (Tolstikhin et al. 2018, section 4): a scalar.
 */
export function meanDiscrepancy(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const [B] = a.shape;
  const within = tf.sub(tf.add(sumOfKernels(a, a), sumOfKernels(b, b)), 2 * B * SCALES.length); // omits i = j
  return tf.sub(tf.div(within, B * (B - 1)), tf.mul(sumOfKernels(a, b), 2 / B ** 2));
}

/** Σ_ij k(a_i, b_j) */
function sumOfKernels(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const [B, Z] = a.shape;
  const squares = (x: tf.Tensor) => tf.sum(tf.square(x), 1);
  const products = tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, false, true);
  const norms = tf.add(tf.reshape(squares(a), [B, 1]), tf.reshape(squares(b), [1, B]));
  const distances = tf.relu(tf.sub(norms, tf.mul(products, 2)));
  const kernels = SCALES.map((scale) => tf.sum(tf.div(2 * Z * scale, tf.add(distances, 2 * Z * scale))));
  return kernels.reduce((sum, kernel) => tf.add(sum, kernel));
}
