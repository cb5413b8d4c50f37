// A model's functions, which engines run: pure functions of tensors, with weights, draws and scheduled numbers as
// inputs. Shapes as in parts.ts.
import { tf } from "../engine/compiled/tf.js";
import type { TermValues } from "./bounds.js";
import { logMeanExp, weighableDraws } from "./densities.js";
import type { Likelihood, Parts, Terms } from "./parts.js";
import { type Context, createContext, type Tensors } from "./specs.js";

/** A batch of images. */
export type Batch = {
  /** [B, D] pixels, 0 to 255: the targets of reconstruction. */
  readonly images: tf.Tensor2D;
  /** [B, D] of a denoiser: the encoder's input, 0 to 1 or, with noise, beyond. By default `images`. */
  readonly corrupted?: tf.Tensor2D | undefined;
  /** [B, K] one-hot classes, of a conditional model. */
  readonly labels?: tf.Tensor2D | undefined;
};

type BatchBounds = TermValues<tf.Tensor> & { readonly maximized: tf.Tensor; readonly likelihood: Likelihood };
type Inputs = { readonly params: Tensors; readonly draws: Tensors; readonly batch: Batch };
type Labelled = { readonly params: Tensors; readonly labels?: tf.Tensor | undefined };
type ExportInputs = Labelled & { readonly x: tf.Tensor };

/** A model's functions. Engines compile those with a single record as argument, once for each set of shapes. */
export class Model {
  constructor(readonly parts: Parts) {}

  /** Whether posteriors are distributions, not points. */
  get isDrawn(): boolean {
    return Object.values(this.parts.specs.draws).some(({ phase }) => phase === "posterior");
  }

  /** K of a conditional model, 0 without labels. */
  get classes(): number {
    return this.parts.classes ?? 0;
  }

  /** L, the draws of z for each image; 1 if posteriors are points. */
  get draws(): number {
    return this.isDrawn ? this.parts.objective.draws : 1;
  }

  /** The terms of the bound: [B] nats. */
  readonly evaluate = ({ params, draws, batch }: Inputs): TermValues<tf.Tensor> => {
    const { objective, reconstruction, kl } = this.bounds(createContext(params, draws), batch);
    return { objective, reconstruction, kl };
  };

  /** The terms of the ELBO, [B] nats, and the decoder's images, [B·L, D], 0 to 1. */
  readonly reconstruct = ({ params, draws, batch }: Inputs) => {
    const { reconstruction, kl, likelihood } = this.bounds(createContext(params, draws), batch);
    return { reconstruction, kl, outputs: likelihood.mean() };
  };

  /** The posteriors' means z [B, Z] and, if Gaussian, standard deviations sigma [B, Z]. */
  readonly encode = ({ params, batch }: Omit<Inputs, "draws">) => {
    const { mean, sigma } = this.parts.encode(createContext(params), encoderInput(batch), batch.labels);
    return { z: mean, ...(sigma && { sigma }) };
  };

  /**
   * The posteriors' means z [B, Z] and, if it has a closed form, KL(q(z|x) ‖ p(z)) of each latent dimension: kl [B, Z]
   * nats.
   */
  readonly measureLatents = ({ params, draws, batch }: Inputs) => {
    const context = createContext(params, draws);
    const posterior = this.parts.encode(context, encoderInput(batch), batch.labels);
    const kl = this.isDrawn ? posterior.kl(this.parts.prior(context)) : undefined;
    return { z: posterior.mean, ...(kl?.shape[1] === this.parts.dimZ && { kl }) };
  };

  /** A draw z [B, Z] from each image's posterior and, if Gaussian, the posteriors' standard deviations sigma [B, Z]. */
  readonly sampleLatents = ({ params, draws, batch }: Inputs) => {
    const { sample, sigma } = this.parts.encode(createContext(params, draws), encoderInput(batch), batch.labels);
    return { z: flattenDraws(sample()), ...(sigma && { sigma }) };
  };

  /** The means of p(x|z), shown in pictures: z [B, Z] to outputs [B, D], 0 to 1. */
  readonly decode = ({ params, z, labels }: Labelled & { readonly z: tf.Tensor }) => ({
    outputs: this.parts.decode(createContext(params), z, labels).mean(),
  });

  /** Draws z from the prior and decodes it: outputs [N, D], 0 to 1. */
  readonly sample = ({ params, draws, labels }: Labelled & Pick<Inputs, "draws">) => {
    const context = createContext(params, draws);
    return { outputs: this.parts.decode(context, this.parts.prior(context).sample(), labels).mean() };
  };

  /** Draws z [N, Z] from the prior. */
  readonly samplePrior = ({ params, draws }: Pick<Inputs, "params" | "draws">) => ({
    z: this.parts.prior(createContext(params, draws)).sample(),
  });

  /** log 1/L Σ_l p(x, z_l) / q(z_l|x) of each image (Burda et al. 2016, eq. 8): logMeanWeight [B] nats. */
  readonly logMeanImportanceWeight = ({ params, draws, batch }: Inputs) => {
    const { logLikelihood, logRatio } = this.#terms(createContext(params, draws), batch);
    return { logMeanWeight: logMeanExp(tf.add(logLikelihood, logRatio())) };
  };

  /** The encoder of exported files: pixels x [B, D], 0 to 1, to mean [B, Z] and, if Gaussian, sigma [B, Z]. */
  readonly exportedEncoder = ({ params, x, labels }: ExportInputs): Tensors => {
    const { mean, sigma } = this.parts.encode(createContext(params), x, labels);
    return { mean, ...(sigma && { sigma }) };
  };

  /** The decoder of exported files: latents x [B, Z] to pixels [B, D], 0 to 1. */
  readonly exportedDecoder = ({ params, x, labels }: ExportInputs): Tensors => ({
    pixels: this.parts.decode(createContext(params), x, labels).mean(),
  });

  /**
   * Computes the bounds of a batch, [B] nats each. Training steps maximize `maximized`, in which the KL term has the
   * weight `klWeight` instead of β, if given.
   */
  bounds(context: Context, batch: Batch, klWeight?: tf.Scalar): BatchBounds {
    const { objective: chosen, beta } = this.parts;
    const { likelihood, ...terms } = this.#terms(context, batch);
    const { reconstruction, kl } = terms;
    const scoped = context.at("objective");
    const objective = chosen.value(terms, beta, scoped);
    const maximized = klWeight ? chosen.value(terms, klWeight, scoped) : objective;
    return { objective, maximized, reconstruction, kl, likelihood };
  }

  /** The forward pass: encode, draw z, decode, compare with the images. */
  #terms(context: Context, batch: Batch): Terms & { readonly likelihood: Likelihood } {
    const { parts } = this;
    const { labels } = batch;
    const x = toFloat(batch.images);
    const posterior = parts.encode(context, batch.corrupted ?? x, labels);
    const { isPath = false } = parts.objective;
    const draws = posterior.sample();
    const { z, weigh } = isPath && context.training ? weighableDraws(draws) : { z: draws, weigh: () => {} };
    const likelihood = parts.decode(context, flattenDraws(z), labels && repeatRows(labels, z.shape[1] as number));
    const logLikelihood = likelihood.logProb(x);
    const prior = parts.prior(context);
    const logRatio = () => posterior.logRatio(z, prior, isPath);
    const klGroups = posterior.kl(prior) ?? tf.neg(tf.mean(logRatio(), 1, true));
    const [reconstruction, kl] = [tf.mean(logLikelihood, 1), tf.sum(klGroups, 1)];
    return {
      logLikelihood,
      reconstruction,
      kl,
      klGroups,
      logRatio,
      z,
      posterior,
      prior,
      weighDraws: weigh,
      likelihood,
    };
  }
}

function encoderInput({ images, corrupted }: Batch): tf.Tensor {
  return corrupted ?? toFloat(images);
}

/** Bytes to 0–1. */
function toFloat(images: tf.Tensor): tf.Tensor {
  return tf.mul(images, 1 / 255);
}

/** Repeats each row of [B, K] L times: [B·L, K]. */
function repeatRows(labels: tf.Tensor, L: number): tf.Tensor {
  const [B, K] = labels.shape;
  return tf.reshape(tf.tile(tf.reshape(labels, [B, 1, K]), [1, L, 1]), [B * L, K]);
}

/** Flattens [B, L, Z] to [B·L, Z]. */
function flattenDraws(z: tf.Tensor): tf.Tensor {
  const [B, L, Z] = z.shape;
  return tf.reshape(z, [B * L, Z]);
}
