// Discretized logistic pixels, for 256 values: a logistic distribution with mean = sigmoid of the decoder's output,
// divided into bins of 1/255 (Kingma et al. 2016, appendix C; Salimans et al. 2017, section 2.1).
import { tf } from "../../engine/compiled/tf.js";
import { perDraw, perImage } from "../densities.js";
import { likelihood } from "../parts.js";

const HALF_BIN = 1 / 510;
const INITIAL_SCALE = 0.1;

export const logistic = likelihood({
  help: "one of 256 values: a logistic distribution in bins, with a learned scale for each channel",
  settings: {},
  suffix: () => ", discretized logistic",
  greyNats: () => Math.log(256),
  build: (_, { pixels, channels }) => ({
    name: "logistic",
    support: "bytes",
    inputs: pixels,
    meanActivation: "sigmoid",
    specs: { params: { logScales: { shape: [channels], init: "zeros" } }, draws: {} },
    build(context, outputs) {
      const scales = tf.mul(tf.exp(context.param("logScales")), INITIAL_SCALE);
      const pixelScales = tf.reshape(tf.tile(tf.reshape(scales, [1, channels]), [pixels / channels, 1]), [
        1,
        1,
        pixels,
      ]);
      return {
        mean: () => tf.sigmoid(outputs),
        logProb: (x) => logisticLogLikelihood(perImage(x), tf.sigmoid(perDraw(outputs, x)), pixelScales),
      };
    },
  }),
});

/**
 * Σ_d log(σ(a_d) − σ(b_d)), where σ is the sigmoid, and a_d and b_d are the scaled ends of the bin of x_d:
 * (x_d ± 1/510 − y_d) / s_d. The first and last bin extend to −∞ and ∞. The difference is computed as
 * σ(a) σ(−b) (1 − e^(b − a)), whose logarithm has no cancellation.
 *
 * @param x [B, 1, D], multiples of 1/255 @param y means [B, L, D] @param s scales [1, 1, D]
 * @returns [B, L] nats
 */
function logisticLogLikelihood(x: tf.Tensor, y: tf.Tensor, s: tf.Tensor): tf.Tensor {
  const distance = tf.sub(x, y);
  const above = tf.softplus(tf.neg(tf.div(tf.add(distance, HALF_BIN), s))); // −log σ(a)
  const below = tf.softplus(tf.div(tf.sub(distance, HALF_BIN), s)); // −log σ(−b)
  const isBelowWhite = tf.step(tf.sub(1 - HALF_BIN, x));
  const isAboveBlack = tf.step(tf.sub(x, HALF_BIN));
  const width = tf.div(2 * HALF_BIN, s);
  // log(1 − e^−width), accurate for small widths too
  const share = tf.add(tf.log(tf.tanh(tf.mul(width, 0.5))), tf.softplus(tf.neg(width)));
  const ends = tf.add(tf.mul(isBelowWhite, above), tf.mul(isAboveBlack, below));
  return tf.sum(tf.sub(tf.mul(tf.mul(isBelowWhite, isAboveBlack), share), ends), 2);
}
