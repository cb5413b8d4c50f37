// The variational autoencoder as pure functions of tensors, from Kingma & Welling, "Auto-Encoding Variational Bayes"
// (2014), with the networks of hwalsuklee/tensorflow-mnist-VAE. No randomness, no state: what is random comes in.
//
// Shapes: B images in a batch, D pixels in an image, L draws of z for an image, Z latent dimensions.
import type { Config } from "../config/config.js";
import { tf } from "../engine/compiled/tf.js";
import { bernoulliLogLikelihood, gaussianKl, gaussianLogLikelihood, logMeanExp } from "./densities.js";
import type { Architecture, HiddenLayer } from "./parameters.js";
import { hiddenLayers } from "./parameters.js";

/** What a model is made of. */
export type ModelConfig = Architecture &
  Pick<
    Config,
    "objective" | "beta" | "encoderActivations" | "decoderActivations" | "sigma" | "likelihood" | "pixelSigma"
  >;

/** Weights [in, out] and biases [out] under the names of `parameterShapes`. */
export type Params = { readonly [name: string]: tf.Tensor };

/** A batch of images. */
export type Batch = {
  /** [B, D] pixels, 0 to 255: what is to be reconstructed. */
  readonly images: tf.Tensor2D;
  /** [B, D] what the encoder sees instead, in units of full white, when a denoiser is trained. */
  readonly corrupted?: tf.Tensor2D | undefined;
  /** [B, L, Z] standard normal draws, the ε of the reparameterization. Not of a plain autoencoder. */
  readonly epsilon?: tf.Tensor3D | undefined;
  /** Scalar: the KL term's weight in what is maximized, during its warm-up; β where it is absent. */
  readonly klWeight?: tf.Scalar | undefined;
};

/** Which hidden units dropout keeps: ones and zeros, [B, units] in the encoder, [B·L, units] in the decoder. */
export type DropoutMasks = { readonly [layer: string]: tf.Tensor2D };

/** Dropout in training: the masks, and the probability with which they keep a unit. */
export type Dropout = { readonly masks: DropoutMasks; readonly keepProb: number };

/** The posterior q(z|x) = N(μ, σ²), each [B, Z]. A plain autoencoder's z is μ. */
export type Posterior = { readonly mu: tf.Tensor2D; readonly sigma?: tf.Tensor2D };

/** [B] nats for each image; see `Bounds`. */
export type ElboTerms = {
  readonly objective: tf.Tensor1D;
  readonly reconstruction: tf.Tensor1D;
  readonly kl: tf.Tensor1D;
};

const ACTIVATIONS: Record<Config["encoderActivations"][number], (x: tf.Tensor2D) => tf.Tensor2D> = {
  elu: tf.elu,
  relu: tf.relu,
  sigmoid: tf.sigmoid,
  silu: (x) => tf.mul(x, tf.sigmoid(x)),
  softplus: tf.softplus,
  tanh: tf.tanh,
};

/** A model's functions. Those that take one record are run by engines, which compile each of them once. */
export class Vae {
  readonly #layers: Record<HiddenLayer["network"], readonly HiddenLayer[]>;

  constructor(readonly config: ModelConfig) {
    const layers = hiddenLayers(config);
    this.#layers = {
      encoder: layers.filter(({ network }) => network === "encoder"),
      decoder: layers.filter(({ network }) => network === "decoder"),
    };
  }

  /** The terms of the bound for each image. */
  readonly evaluate = ({ params, batch }: { params: Params; batch: Batch }): ElboTerms => {
    const { objective, reconstruction, kl } = this.terms(params, batch);
    return { objective, reconstruction, kl };
  };

  /** Those of the ELBO, and what the decoder gives back: [B·L, D], 0 to 1. */
  readonly reconstruct = ({ params, batch }: { params: Params; batch: Batch }) => {
    const { logits, reconstruction, kl } = this.terms(params, batch);
    return { reconstruction, kl, outputs: tf.sigmoid(logits) };
  };

  /** The means of p(x|z), which are what pictures show: [B, Z] to [B, D], 0 to 1. */
  readonly generate = ({ params, z }: { params: Params; z: tf.Tensor2D }) => {
    return { outputs: tf.sigmoid(this.decode(params, z)) };
  };

  /** The posterior of images. */
  readonly infer = ({
    params,
    images,
    corrupted,
  }: { params: Params } & Pick<Batch, "images" | "corrupted">): Posterior =>
    this.encode(params, corrupted ?? unitPixels(images));

  /**
   * log 1/L Σ_l p(x, z_l) / q(z_l|x) for one image (Burda et al. 2016, eq. 8): a part of its importance-weighted likelihood.
   *
   * @returns a vector of one number, nats
   */
  readonly importanceWeigh = ({
    params,
    image,
    mu,
    sigma,
    epsilon,
  }: {
    params: Params;
    /** [1, D] pixels, 0 to 255 */
    image: tf.Tensor2D;
    /** [1, Z] each: the image's posterior */
    mu: tf.Tensor2D;
    sigma: tf.Tensor2D;
    /** [1, L, Z] */
    epsilon: tf.Tensor3D;
  }) => {
    const z = reparameterize(mu, sigma, epsilon);
    const logLikelihood = this.#logLikelihood(unitPixels(image), this.decode(params, inRows(z)));
    return { logMeanWeight: logMeanExp(tf.add(logLikelihood, logPriorToPosterior(z, sigma, epsilon))) };
  };

  /**
   * The way through the whole model: encode, draw z, decode, compare.
   *
   * @returns beside the terms the decoder's logits [B·L, D], and what a training step maximizes [B]
   */
  terms(params: Params, batch: Batch, dropout?: Dropout): ElboTerms & { logits: tf.Tensor2D; maximized: tf.Tensor1D } {
    const x = unitPixels(batch.images);
    const { mu, sigma } = this.encode(params, batch.corrupted ?? x, dropout);
    if (!sigma) {
      const logits = this.decode(params, mu, dropout);
      const reconstruction = tf.mean<tf.Tensor1D>(this.#logLikelihood(x, logits), 1);
      const objective = reconstruction.clone(); // each output is a tensor of its own, which its user may dispose of
      return { logits, maximized: objective, objective, reconstruction, kl: tf.zeros([x.shape[0]]) };
    }
    const epsilon = batch.epsilon as tf.Tensor3D;
    const z = reparameterize(mu, sigma, epsilon);
    const logits = this.decode(params, inRows(z), dropout);
    const logLikelihood = this.#logLikelihood(x, logits);
    const reconstruction = tf.mean<tf.Tensor1D>(logLikelihood, 1);
    const kl = gaussianKl(mu, sigma);
    const bound = (klWeight: number | tf.Scalar) =>
      this.config.objective === "iwae"
        ? logMeanExp(tf.add(logLikelihood, tf.mul(logPriorToPosterior(z, sigma, epsilon), klWeight)))
        : tf.sub<tf.Tensor1D>(reconstruction, tf.mul(kl, klWeight));
    const objective = bound(this.config.beta);
    return { logits, maximized: batch.klWeight ? bound(batch.klWeight) : objective, objective, reconstruction, kl };
  }

  /**
   * The Gaussian MLP encoder, q(z|x).
   *
   * @param x [B, D], 0 to 1
   * @returns mu, and sigma, which is positive
   */
  encode(params: Params, x: tf.Tensor2D, dropout?: Dropout): Posterior {
    const h = this.#hidden(params, "encoder", x, dropout);
    const heads = linear(params, `encoder.${this.#layers.encoder.length}`, h);
    if (this.config.model === "ae") return { mu: heads };
    const [mu, rho] = tf.split<tf.Tensor2D>(heads, 2, 1);
    return { mu, sigma: this.config.sigma === "exp" ? tf.exp(rho) : tf.add(tf.softplus(rho), 1e-6) };
  }

  /**
   * The MLP decoder, p(x|z).
   *
   * @param z [B, Z]
   * @returns [B, D] logits; their sigmoid is the mean of a pixel: a Bernoulli one's probability of white
   */
  decode(params: Params, z: tf.Tensor2D, dropout?: Dropout): tf.Tensor2D {
    const h = this.#hidden(params, "decoder", z, dropout);
    return linear(params, `decoder.${this.#layers.decoder.length}`, h);
  }

  #hidden(params: Params, network: HiddenLayer["network"], x: tf.Tensor2D, dropout?: Dropout): tf.Tensor2D {
    const { encoderActivations, decoderActivations } = this.config;
    const activations = network === "encoder" ? encoderActivations : decoderActivations;
    return this.#layers[network].reduce((input, { name }, i) => {
      const h = ACTIVATIONS[activations[Math.min(i, activations.length - 1)]](linear(params, name, input));
      // What is kept is scaled up, so that the next layer sees the same mean with dropout as without.
      return dropout ? tf.mul(h, tf.mul(dropout.masks[name], 1 / dropout.keepProb)) : h;
    }, x);
  }

  /** log p(x|z): x [B, D] and logits [B·L, D] to [B, L] nats. */
  #logLikelihood(x: tf.Tensor2D, logits: tf.Tensor2D): tf.Tensor2D {
    const [B, D] = x.shape;
    const pixels = tf.reshape<tf.Rank.R3>(x, [B, 1, D]);
    const perDraw = tf.reshape<tf.Rank.R3>(logits, [B, logits.shape[0] / B, D]);
    const { likelihood, pixelSigma } = this.config;
    return likelihood === "gaussian"
      ? gaussianLogLikelihood(pixels, tf.sigmoid(perDraw), pixelSigma)
      : bernoulliLogLikelihood(pixels, perDraw);
  }
}

/**
 * z = μ + σ⊙ε (Kingma & Welling 2014, section 2.4): draws of q(z|x) through which gradients flow.
 *
 * @param mu [B, Z]
 * @param sigma [B, Z]
 * @param epsilon [B, L, Z]
 * @returns [B, L, Z]
 */
export function reparameterize(mu: tf.Tensor2D, sigma: tf.Tensor2D, epsilon: tf.Tensor3D): tf.Tensor3D {
  const [B, Z] = mu.shape;
  const perImage = (x: tf.Tensor2D) => tf.reshape<tf.Rank.R3>(x, [B, 1, Z]);
  return tf.add(perImage(mu), tf.mul(perImage(sigma), epsilon));
}

/** log p(z) − log q(z|x) = Σ_j −½z_j² + ½ε_j² + log σ_j: [B, L] nats for z and ε of [B, L, Z] and σ of [B, Z]. */
function logPriorToPosterior(z: tf.Tensor3D, sigma: tf.Tensor2D, epsilon: tf.Tensor3D): tf.Tensor2D {
  const quadratic = tf.mul(tf.sub(tf.square(epsilon), tf.square(z)), 0.5);
  return tf.add<tf.Tensor2D>(tf.sum(quadratic, 2), tf.sum(tf.log(sigma), 1, true));
}

/** Bytes to units of full white. */
function unitPixels(images: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(images, 1 / 255);
}

/** [B, L, N] to [B·L, N]. */
function inRows(x: tf.Tensor3D): tf.Tensor2D {
  const [B, L, N] = x.shape;
  return tf.reshape(x, [B * L, N]);
}

function linear(params: Params, layer: string, x: tf.Tensor2D): tf.Tensor2D {
  return tf.add(tf.matMul(x, params[`${layer}.weight`] as tf.Tensor2D), params[`${layer}.bias`]);
}
