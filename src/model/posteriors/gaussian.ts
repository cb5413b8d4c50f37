// The Gaussian posterior q(z|x) = N(μ, σ²) with a diagonal covariance (Kingma & Welling 2014, appendix C.2).
import { choice } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { gaussianKl, normalLogDensity, stopGradient } from "../densities.js";
import { type PosteriorFamily, part } from "../parts.js";
import { STANDARD_NORMAL } from "../priors/standard-normal.js";

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

export const sigma = choice(["softplus", "exp"], {
  default: "softplus",
  help: "the posterior's σ from the encoder's output: 10⁻⁶ + softplus, or exp",
});

/** σ from the encoder's output ρ, elementwise. */
export function toSigma(rho: tf.Tensor, activation: "softplus" | "exp"): tf.Tensor {
  return activation === "exp" ? tf.exp(rho) : tf.add(tf.softplus(rho), 1e-6);
}

export const gaussian = part({
  help: "Gaussian",
  settings: { sigma },
  build: ({ sigma }, { dimZ }): PosteriorFamily => ({
    dimZ,
    hasPath: true,
    inputs: 2 * dimZ,
    specs: { params: {}, draws: { epsilon: { shape: [dimZ], per: "sample", phase: "posterior", kind: "normal" } } },
    build(context, outputs) {
      const [mu, rho] = tf.split(outputs, 2, 1);
      const deviation = toSigma(rho, sigma);
      const epsilon = () => {
        const draws = context.draw("epsilon");
        return tf.reshape(draws, [mu.shape[0], draws.shape[0] / mu.shape[0], dimZ]);
      };
      return {
        mean: mu,
        sigma: deviation,
        sample: () => reparameterize(mu, deviation, epsilon()),
        logRatio(z, prior, isPath) {
          if (isPath) return tf.sub(prior.logProb(z), pathLogDensity(z, mu, deviation));
          const logSigma = tf.sum(tf.log(deviation), 1, true);
          // Σ_j −½z_j² + ½ε_j² + log σ_j: the terms ½ log 2π cancel.
          if (prior.family === STANDARD_NORMAL) {
            return tf.add(tf.sum(tf.mul(tf.sub(tf.square(epsilon()), tf.square(z)), 0.5), 2), logSigma);
          }
          const logPosterior = tf.sub(tf.sum(tf.sub(tf.mul(tf.square(epsilon()), -0.5), HALF_LOG_2PI), 2), logSigma);
          return tf.sub(prior.logProb(z), logPosterior);
        },
        kl: (prior) => (prior.family === STANDARD_NORMAL ? gaussianKl(mu, deviation) : undefined),
      };
    },
  }),
});

/** log N(z; μ, σ²) of z [B, L, Z], μ and σ [B, Z], without gradient to μ and σ: [B, L] nats. */
function pathLogDensity(z: tf.Tensor, mu: tf.Tensor, sigma: tf.Tensor): tf.Tensor {
  const [B, Z] = mu.shape;
  const stopped = (x: tf.Tensor) => tf.reshape(stopGradient(x), [B, 1, Z]);
  return tf.sum(normalLogDensity(z, stopped(mu), stopped(sigma)), 2);
}

/**
 * The reparameterization trick: z = μ + σ⊙ε, for μ and σ [B, Z] and ε [B, L, Z]: [B, L, Z] (Kingma & Welling 2014,
 * section 2.4).
 */
function reparameterize(mu: tf.Tensor, sigma: tf.Tensor, epsilon: tf.Tensor): tf.Tensor {
  const [B, Z] = mu.shape;
  const perImage = (x: tf.Tensor) => tf.reshape(x, [B, 1, Z]);
  return tf.add(perImage(mu), tf.mul(perImage(sigma), epsilon));
}
