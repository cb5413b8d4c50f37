// A model's functions: what engines run. Pure functions of tensors; weights, draws and scheduled numbers come in as
// inputs. Shapes as in parts.ts.
import { tf } from "../engine/compiled/tf.js";
import type { TermValues } from "./bounds.js";
import { logMeanExp } from "./densities.js";
import type { Likelihood, Parts, Terms } from "./parts.js";
import { type Context, createContext, type Tensors } from "./specs.js";

/** A batch of images. */
export type Batch = {
  /** [B, D] pixels, 0 to 255: the targets of reconstruction. */
  readonly images: tf.Tensor2D;
  /** [B, D] what the encoder sees instead, 0 to 1 or beyond, when a denoiser is trained. */
  readonly corrupted?: tf.Tensor2D | undefined;
};

type BatchBounds = TermValues<tf.Tensor> & { readonly maximized: tf.Tensor; readonly likelihood: Likelihood };
type Inputs = { readonly params: Tensors; readonly draws: Tensors; readonly batch: Batch };
type ExportInputs = { readonly params: Tensors; readonly x: tf.Tensor };

/** A model's functions. Engines compile each function that takes one record once for each set of shapes. */
export class Model {
  constructor(readonly parts: Parts) {}

  /** Whether posteriors are distributions, not points. */
  get isDrawn(): boolean {
    return Object.values(this.parts.specs.draws).some(({ phase }) => phase === "posterior");
  }

  /** L, the draws of z for each image: one of a point. */
  get draws(): number {
    return this.isDrawn ? this.parts.objective.draws : 1;
  }

  /** The terms of the bound: [B] nats. */
  readonly evaluate = ({ params, draws, batch }: Inputs): TermValues<tf.Tensor> => {
    const { objective, reconstruction, kl } = this.bounds(createContext(params, draws), batch);
    return { objective, reconstruction, kl };
  };

  /** The terms of the ELBO, and the decoder's images: [B·L, D], 0 to 1. */
  readonly reconstruct = ({ params, draws, batch }: Inputs) => {
    const { reconstruction, kl, likelihood } = this.bounds(createContext(params, draws), batch);
    return { reconstruction, kl, outputs: likelihood.mean() };
  };

  /** The means z [B, Z] of posteriors and, unless they are points, their standard deviations. */
  readonly encode = ({ params, batch }: Omit<Inputs, "draws">) => {
    const { mean, sigma } = this.parts.encode(createContext(params), encoderInput(batch));
    return { z: mean, ...(sigma && { sigma }) };
  };

  /** A draw of z from the posterior of each image: [B, Z], and its standard deviations. */
  readonly sampleLatents = ({ params, draws, batch }: Inputs) => {
    const { sample, sigma } = this.parts.encode(createContext(params, draws), encoderInput(batch));
    return { z: inRows(sample()), ...(sigma && { sigma }) };
  };

  /** The means of p(x|z), which pictures show: [B, Z] to [B, D], 0 to 1. */
  readonly decode = ({ params, z }: { readonly params: Tensors; readonly z: tf.Tensor }) => ({
    outputs: this.parts.decode(createContext(params), z).mean(),
  });

  /** Decoded draws from the prior: [N, D], 0 to 1. */
  readonly sample = ({ params, draws }: Omit<Inputs, "batch">) => {
    const context = createContext(params, draws);
    return { outputs: this.parts.decode(context, this.parts.prior(context).sample()).mean() };
  };

  /** log 1/L Σ_l p(x, z_l) / q(z_l|x) of each image (Burda et al. 2016, eq. 8): [B] nats. */
  readonly logMeanImportanceWeight = ({ params, draws, batch }: Inputs) => {
    const { logLikelihood, logRatio } = this.#terms(createContext(params, draws), batch);
    return { logMeanWeight: logMeanExp(tf.add(logLikelihood, logRatio())) };
  };

  /** The encoder as other programs use it: pixels x [B, D], 0 to 1, to mean and sigma [B, Z]. */
  readonly exportedEncoder = ({ params, x }: ExportInputs): Tensors => {
    const { mean, sigma } = this.parts.encode(createContext(params), x);
    return { mean, ...(sigma && { sigma }) };
  };

  /** The decoder as other programs use it: z [B, Z] to pixels [B, D], 0 to 1. */
  readonly exportedDecoder = ({ params, x }: ExportInputs): Tensors => ({
    pixels: this.parts.decode(createContext(params), x).mean(),
  });

  /**
   * Computes the bounds of a batch: [B] nats each. In `maximized`, which a training step maximizes, the KL term has the
   * weight `klWeight` instead of β, if given.
   */
  bounds(context: Context, batch: Batch, klWeight?: tf.Scalar): BatchBounds {
    const { objective: of, beta } = this.parts;
    const { likelihood, ...terms } = this.#terms(context, batch);
    const { reconstruction, kl } = terms;
    const objective = of.value(terms, beta);
    return { objective, maximized: klWeight ? of.value(terms, klWeight) : objective, reconstruction, kl, likelihood };
  }

  /** The only path through the model: encode, draw z, decode, compare. */
  #terms(context: Context, batch: Batch): Terms & { readonly likelihood: Likelihood } {
    const { parts } = this;
    const x = toUnits(batch.images);
    const posterior = parts.encode(context, batch.corrupted ?? x);
    const z = posterior.sample();
    const likelihood = parts.decode(context, inRows(z));
    const logLikelihood = likelihood.logProb(x);
    const prior = parts.prior(context);
    const logRatio = () => posterior.logRatio(z, prior);
    const klGroups = posterior.kl(prior) ?? tf.neg(tf.mean(logRatio(), 1, true));
    const [reconstruction, kl] = [tf.mean(logLikelihood, 1), tf.sum(klGroups, 1)];
    return { logLikelihood, reconstruction, kl, klGroups, logRatio, likelihood };
  }
}

function encoderInput({ images, corrupted }: Batch): tf.Tensor {
  return corrupted ?? toUnits(images);
}

/** Bytes to units of full white. */
function toUnits(images: tf.Tensor): tf.Tensor {
  return tf.mul(images, 1 / 255);
}

/** [B, L, Z] to [B·L, Z]. */
function inRows(z: tf.Tensor): tf.Tensor {
  const [B, L, Z] = z.shape;
  return tf.reshape(z, [B * L, Z]);
}
