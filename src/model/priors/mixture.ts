// A mixture prior: K learned Gaussians with diagonal covariances (Tomczak & Welling 2018, section 2).
import { integer } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { logMeanExp } from "../densities.js";
import { type Prior, type PriorFamily, part } from "../parts.js";
import type { Context, Specs } from "../specs.js";

export const mixture = part({
  help: "mixture of learned Gaussians",
  settings: {
    priorComponents: integer({ default: 10, min: 1, max: 1000, help: "Gaussians of a mixture prior" }),
  },
  build: ({ priorComponents: K }, { dimZ }): PriorFamily => ({
    dimZ,
    numbersPerDraw: K * dimZ,
    specs: {
      // Initially close to N(0, 1), with different means so that components can separate.
      params: {
        logits: { shape: [K], init: "zeros" },
        means: { shape: [K, dimZ], init: { normal: 0.5 } },
        logSigmas: { shape: [K, dimZ], init: "zeros" },
      },
      draws: mixtureDraws(dimZ),
    },
    build(context) {
      const [means, logSigmas] = [context.param("means"), context.param("logSigmas")];
      const logits = tf.reshape(context.param("logits"), [1, K]);
      return gaussianMixture("mixture", context, means, logSigmas, tf.sub(logits, logSumExp(logits, K)));
    },
  }),
});

/** The draws of `gaussianMixture`. */
export function mixtureDraws(dimZ: number): Specs["draws"] {
  return {
    component: { shape: [1], per: "sample", phase: "prior", kind: "uniform" },
    epsilon: { shape: [dimZ], per: "sample", phase: "prior", kind: "normal" },
  };
}

/**
 * The mixture Σ_k π_k N(z; m_k, s_k²).
 *
 * @param family its name, `Prior.family`
 * @param means m [K, Z]
 * @param logSigmas log s [K, Z]
 * @param logShares log π [1, K]
 */
export function gaussianMixture(
  family: string,
  context: Context,
  means: tf.Tensor,
  logSigmas: tf.Tensor,
  logShares: tf.Tensor,
): Prior {
  const [K, Z] = means.shape as [number, number];
  return {
    family,
    logProb(z) {
      const [B, L] = z.shape;
      const differences = tf.sub(tf.reshape(z, [B * L, 1, Z]), means);
      const distances = tf.mul(differences, tf.exp(tf.neg(logSigmas))); // [B·L, K, Z]
      const densities = tf.sub(tf.mul(tf.square(distances), -0.5), tf.add(logSigmas, 0.5 * Math.log(2 * Math.PI)));
      return tf.reshape(logSumExp(tf.add(tf.sum(densities, 2), logShares), K), [B, L]);
    },
    sample() {
      const starts = tf.cumsum(tf.exp(logShares), 1, true); // each component owns an interval of [0, 1)
      const isPast = tf.sub(1, tf.step(tf.sub(starts, context.draw("component")))); // [N, K]
      const component = tf.sub(tf.sum(isPast, 1, true), 1); // [N, 1]
      const distance = tf.abs(tf.sub(component, tf.tensor2d([...Array(K).keys()], [1, K])));
      const chosen = tf.step(tf.sub(0.5, distance)) as tf.Tensor2D; // [N, K], one-hot
      const of = (values: tf.Tensor) => tf.matMul(chosen, values as tf.Tensor2D);
      return tf.add(of(means), tf.mul(tf.exp(of(logSigmas)), context.draw("epsilon")));
    },
  };
}

/** log Σ_k e^x_k, [N, K] to [N, 1]. */
function logSumExp(x: tf.Tensor, K: number): tf.Tensor {
  return tf.reshape(tf.add(logMeanExp(x), Math.log(K)), [x.shape[0], 1]);
}
