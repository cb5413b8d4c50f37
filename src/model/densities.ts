// Log densities and divergences, in nats: pure functions of tensors. Shapes as in parts.ts.
import { tf } from "../engine/compiled/tf.js";

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

/**
 * log p(x|z) = Σ_d x_d log y_d + (1 − x_d) log(1 − y_d) with y = sigmoid(logits) (Kingma & Welling 2014, appendix C.1),
 * computed as Σ_d x_d·logit_d − softplus(logit_d), where softplus(a) = max(a, 0) + log(1 + e^−|a|). Logarithms are
 * slow: one is computed for a product of up to 112 factors 1 + e^−|a|, which cannot overflow, as each is at most 2. The
 * gradient with respect to the logits is x − y.
 *
 * @param x [B, 1, D], 0 to 1; no gradient flows to it
 * @param logits [B, L, D]
 * @returns [B, L] nats
 */
export function bernoulliLogLikelihood(x: tf.Tensor3D, logits: tf.Tensor3D): tf.Tensor2D {
  const [B, L, D] = logits.shape;
  const factors = largestDivisor(D, 112);
  const density = tf.customGrad((...inputs) => {
    const [a, save] = inputs as [tf.Tensor3D, tf.GradSaveFunc];
    save([x, a]);
    const grouped = tf.reshape(tf.add(tf.exp(tf.neg(tf.abs(a))), 1), [B, L, D / factors, factors]);
    const logarithms = tf.sum(tf.log(tf.prod(grouped, 3)), 2);
    return {
      value: tf.sub<tf.Tensor2D>(tf.sum(tf.sub(tf.mul(x, a), tf.relu(a)), 2), logarithms),
      gradFunc: (dy: tf.Tensor2D, [pixels, saved]: tf.Tensor[]) =>
        tf.mul(tf.reshape(dy, [B, L, 1]), tf.sub(pixels, tf.sigmoid(saved))),
    };
  });
  return density(logits);
}

/** log N(x; y, s²) = −½ Σ_d ((x_d − y_d) / s)² − D log(s √2π), for x [B, 1, D] and means y [B, L, D]: [B, L] nats. */
export function gaussianLogLikelihood(x: tf.Tensor3D, mean: tf.Tensor3D, deviation: number): tf.Tensor2D {
  const squares = tf.square(tf.mul(tf.sub(x, mean), 1 / deviation));
  const normalization = mean.shape[2] * Math.log(deviation * Math.sqrt(2 * Math.PI));
  return tf.sub<tf.Tensor2D>(tf.mul(tf.sum(squares, 2), -0.5), normalization);
}

/** Elementwise log N(x; μ, σ²), in nats. Shapes broadcast. */
export function normalLogDensity(x: tf.Tensor, mu: tf.Tensor, sigma: tf.Tensor): tf.Tensor {
  const squares = tf.square(tf.div(tf.sub(x, mu), sigma));
  return tf.sub(tf.mul(squares, -0.5), tf.add(tf.log(sigma), HALF_LOG_2PI));
}

/** Σ_j log N(z_j; 0, 1), for z [N, Z]: [N] nats. */
export function standardNormalLogDensity(z: tf.Tensor): tf.Tensor {
  return tf.sum(tf.sub(tf.mul(tf.square(z), -0.5), HALF_LOG_2PI), 1);
}

/** The identity, with a zero gradient. */
export function stopGradient(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((...inputs) => {
    const [value] = inputs as [tf.Tensor];
    return { value: tf.clone(value), gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy) };
  })(x);
}

/**
 * The draws z [B, L, Z], with a gradient that can be weighted: `weigh` sets shares [B, L] to multiply it by. Shares may
 * depend on z, because the gradient is computed later. For training steps only: the gradient disposes of the shares.
 */
export function weighableDraws(z: tf.Tensor): { readonly z: tf.Tensor; weigh(shares: tf.Tensor): void } {
  let shares: tf.Tensor | undefined;
  const identity = tf.customGrad((...inputs) => {
    const [value] = inputs as [tf.Tensor];
    const [B, L] = value.shape as [number, number];
    const gradFunc = (dy: tf.Tensor) => {
      const weighed = shares ? tf.mul(dy, tf.reshape(shares, [B, L, 1])) : dy;
      shares?.dispose();
      return weighed;
    };
    return { value: tf.clone(value), gradFunc };
  });
  const weigh = (given: tf.Tensor) => {
    shares?.dispose();
    shares = tf.keep(given);
  };
  return { z: identity(z), weigh };
}

/**
 * KL(N(μ_j, σ_j²) ‖ N(0, 1)) = ½ (μ_j² + σ_j² − log(10⁻⁸ + σ_j²) − 1): [B, Z] nats (Kingma & Welling 2014, appendix B).
 * The 10⁻⁸, as in the TensorFlow tutorial, lowers the term by less than 0.005 nats if σ > 0.001.
 */
export function gaussianKl(mu: tf.Tensor, sigma: tf.Tensor): tf.Tensor {
  const variance = tf.square(sigma);
  const terms = tf.sub(tf.sub(tf.add(tf.square(mu), variance), tf.log(tf.add(variance, 1e-8))), 1);
  return tf.mul(terms, 0.5);
}

/** Reshapes images [B, D] to [B, 1, D], to broadcast over draws. */
export function perImage(x: tf.Tensor): tf.Tensor3D {
  return tf.reshape(x, [x.shape[0], 1, x.shape[1] as number]);
}

/** Reshapes decoder outputs [B·L, D] to [B, L, D]. @param x the images, [B, D] */
export function perDraw(outputs: tf.Tensor, x: tf.Tensor): tf.Tensor3D {
  const [B] = x.shape;
  return tf.reshape(outputs, [B, outputs.shape[0] / B, outputs.shape[1] as number]);
}

/** log 1/L Σ_l e^x_l, [B, L] to [B]. Subtracts the largest x_l first, against overflow. */
export function logMeanExp(x: tf.Tensor): tf.Tensor {
  const [B, L] = x.shape as [number, number];
  if (L === 1) return tf.reshape(x, [B]);
  const logMean = tf.customGrad((...inputs) => {
    const [values, save] = inputs as [tf.Tensor2D, tf.GradSaveFunc];
    const largest = tf.max(values, 1, true);
    const powers = tf.exp(tf.sub(values, largest));
    const sums = tf.sum(powers, 1, true);
    save([tf.div(powers, sums)]);
    return {
      value: tf.reshape<tf.Rank>(tf.add(largest, tf.log(tf.mul(sums, 1 / L))), [B]),
      gradFunc: (dy: tf.Tensor, [shares]: tf.Tensor[]) => tf.mul(tf.reshape(dy, [B, 1]), shares),
    };
  });
  return logMean(x);
}

function largestDivisor(n: number, max: number): number {
  for (let divisor = Math.min(n, max); ; divisor--) if (n % divisor === 0) return divisor;
}
