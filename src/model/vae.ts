// The variational autoencoder as pure functions of tensors, from Kingma & Welling, "Auto-Encoding Variational Bayes"
// (2014), with the networks of hwalsuklee/tensorflow-mnist-VAE. No randomness, no state: what is random comes in.
//
// Shapes: B images in a batch, D pixels in an image, H hidden units, Z latent dimensions.
import * as tf from "@tensorflow/tfjs";

/** Weights [in, out] and biases [out] under the names of `parameterShapes`. */
export type Params = { readonly [name: string]: tf.Tensor };

/** A batch of images. */
export type Batch = {
  /** [B, D] pixels, 0 to 255: what is to be reconstructed. */
  readonly images: tf.Tensor2D;
  /** [B, D] what the encoder sees instead, in units of full white, when a denoiser is trained. */
  readonly corrupted?: tf.Tensor2D | undefined;
  /** [B, Z] standard normal draws, the ε of the reparameterization. */
  readonly epsilon: tf.Tensor2D;
};

/** Which hidden units dropout keeps: [B, H] of ones and zeros for each hidden layer. */
export type DropoutMasks = { readonly [layer: string]: tf.Tensor2D };

/** Hidden layers that dropout follows, in training. */
export const DROPOUT_LAYERS = ["encoder.0", "encoder.1", "decoder.0", "decoder.1"] as const;

/** Dropout in training: the masks, and the probability with which they keep a unit. */
export type Dropout = { readonly masks: DropoutMasks; readonly keepProb: number };

/** Terms of the evidence lower bound: ELBO = reconstruction − KL, in nats for each image. */
export type ElboTerms = {
  /** [B] log p(x|z), one draw of z. */
  readonly reconstruction: tf.Tensor1D;
  /** [B] KL(q(z|x) ‖ p(z)). */
  readonly kl: tf.Tensor1D;
};

/**
 * The Gaussian MLP encoder, q(z|x): D → H elu → H tanh → 2Z.
 *
 * @param x [B, D], 0 to 1
 * @returns mu [B, Z], and sigma [B, Z], which is positive
 */
export function encode(params: Params, x: tf.Tensor2D, dropout?: Dropout): { mu: tf.Tensor2D; sigma: tf.Tensor2D } {
  let h = hiddenLayer(params, "encoder.0", x, tf.elu, dropout);
  h = hiddenLayer(params, "encoder.1", h, tf.tanh, dropout);
  const [mu, rho] = tf.split(linear(params, "encoder.2", h), 2, 1) as tf.Tensor2D[];
  return { mu, sigma: tf.add(tf.softplus(rho), 1e-6) };
}

/** z = μ + σ⊙ε (Kingma & Welling 2014, section 2.4): a draw of q(z|x) through which gradients flow. All [B, Z]. */
export function reparameterize(mu: tf.Tensor2D, sigma: tf.Tensor2D, epsilon: tf.Tensor2D): tf.Tensor2D {
  return tf.add(mu, tf.mul(sigma, epsilon));
}

/**
 * The Bernoulli MLP decoder, p(x|z): Z → H tanh → H elu → D.
 *
 * @param z [B, Z]
 * @returns [B, D] logits; their sigmoid is the probability of white
 */
export function decode(params: Params, z: tf.Tensor2D, dropout?: Dropout): tf.Tensor2D {
  let h = hiddenLayer(params, "decoder.0", z, tf.tanh, dropout);
  h = hiddenLayer(params, "decoder.1", h, tf.elu, dropout);
  return linear(params, "decoder.2", h);
}

/** The mean of p(x|z), which is what pictures show: [B, D] logits to [B, D] probabilities of white. */
export function pixelProbabilities(logits: tf.Tensor2D): tf.Tensor2D {
  return tf.sigmoid(logits);
}

/**
 * log p(x|z) = Σ_d x_d log y_d + (1 − x_d) log(1 − y_d) with y = sigmoid(logits) (Kingma & Welling 2014, appendix C.1),
 * which is Σ_d x_d·logit_d − softplus(logit_d): finite for any finite logits.
 *
 * @param x [B, D], 0 to 1
 * @param logits [B, D]
 * @returns [B] nats
 */
export function bernoulliLogLikelihood(x: tf.Tensor2D, logits: tf.Tensor2D): tf.Tensor1D {
  return tf.sum(tf.sub(tf.mul(x, logits), tf.softplus(logits)), 1);
}

/**
 * KL(N(μ, σ²) ‖ N(0, 1)) = ½ Σ_j μ_j² + σ_j² − log σ_j² − 1 (Kingma & Welling 2014, appendix B).
 *
 * @param mu [B, Z]
 * @param sigma [B, Z]
 * @returns [B] nats
 */
export function gaussianKl(mu: tf.Tensor2D, sigma: tf.Tensor2D): tf.Tensor1D {
  const variance = tf.square(sigma);
  const terms = tf.sub(tf.sub(tf.add(tf.square(mu), variance), tf.log(tf.add(variance, 1e-8))), 1);
  return tf.mul(tf.sum(terms, 1), 0.5);
}

/** The way through the whole model: encode, draw z, decode. */
export function reconstruct(params: Params, batch: Batch, dropout?: Dropout): ElboTerms & { logits: tf.Tensor2D } {
  const x = tf.mul(batch.images, 1 / 255) as tf.Tensor2D;
  const { mu, sigma } = encode(params, batch.corrupted ?? x, dropout);
  const z = reparameterize(mu, sigma, batch.epsilon);
  const logits = decode(params, z, dropout);
  return { logits, reconstruction: bernoulliLogLikelihood(x, logits), kl: gaussianKl(mu, sigma) };
}

function hiddenLayer(
  params: Params,
  layer: (typeof DROPOUT_LAYERS)[number],
  x: tf.Tensor2D,
  activation: (x: tf.Tensor2D) => tf.Tensor2D,
  dropout?: Dropout,
): tf.Tensor2D {
  const h = activation(linear(params, layer, x));
  // What is kept is scaled up, so that the next layer sees the same mean with dropout as without.
  return dropout ? tf.mul(h, tf.mul(dropout.masks[layer], 1 / dropout.keepProb)) : h;
}

function linear(params: Params, layer: string, x: tf.Tensor2D): tf.Tensor2D {
  return tf.add(tf.matMul(x, params[`${layer}.weight`] as tf.Tensor2D), params[`${layer}.bias`]);
}
