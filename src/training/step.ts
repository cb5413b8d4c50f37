// The training step: a pure function of tensors, with random draws and scheduled numbers as inputs.
import type { Config } from "../config/config.js";
import { tf } from "../engine/compiled/tf.js";
import "../engine/compiled/gradients.js";
import type { Step } from "../engine/engine.js";
import { UserError } from "../errors.js";
import { TERMS, type TermValues } from "../model/bounds.js";
import type { Batch, Model } from "../model/model.js";
import { createContext, type Tensors } from "../model/specs.js";
import { adam, type Moments } from "./optimizer/adam.js";

/** The state that a step updates. */
export type Carry = { readonly params: Tensors; readonly adam: Moments<tf.Tensor> };

/** The inputs of one step. */
export type StepInput = Batch & {
  /** Draws of the phases `training` and `posterior`. */
  readonly draws: Tensors;
  /** The KL term's weight, by default β. */
  readonly klWeight?: tf.Scalar | undefined;
  /** From `adamStepSize`. */
  readonly stepSize: tf.Scalar;
  /** The share of each decaying weight that is subtracted. Absent without weight decay. */
  readonly decay?: tf.Scalar | undefined;
};

/**
 * Creates a training step: a step of Adam on the loss −objective, summed over pixels and averaged over the batch. The
 * step returns the batch's mean terms, in nats per image, and throws a UserError if the objective does not depend on a
 * weight, which happens with own parts.
 */
export function createTrainingStep(model: Model, config: Config): Step<Carry, StepInput, TermValues<tf.Scalar>> {
  const { specs } = model.parts;
  return ({ params, adam: moments }, input) => {
    const { gradients, metrics } = differentiate(model, params, input);
    const updated = adam(params, gradients, moments, input.stepSize, config, specs.params, input.decay);
    return [{ params: updated.params, adam: updated.moments }, metrics];
  };
}

export type ShareInputs = { readonly params: Tensors; readonly input: StepInput };
export type ShareResults = { readonly gradients: Tensors; readonly metrics: TermValues<tf.Scalar> };

/**
 * Creates the function that computes the gradients and terms of a part of a batch. The sum over all parts is the result
 * for the batch.
 *
 * @param share the part's fraction of the batch's images
 */
export function createShareGradients(model: Model, share: number): (inputs: ShareInputs) => ShareResults {
  return ({ params, input }) => differentiate(model, params, input, share);
}

/** The gradients of the loss, by name, and the mean terms, both multiplied by `share`. */
function differentiate(
  model: Model,
  params: Tensors,
  { draws, klWeight, stepSize, decay, ...batch }: StepInput,
  share?: number,
): ShareResults {
  const names = Object.keys(params);
  const weights = names.map((name) => params[name]);
  const metrics = {} as Record<(typeof TERMS)[number], tf.Scalar>;
  const meanOf = (values: tf.Tensor): tf.Scalar =>
    share === undefined ? tf.mean(values) : tf.mul(tf.mean(values), share);
  const loss = (...values: tf.Tensor[]): tf.Scalar => {
    const byName = Object.fromEntries(names.map((name, i) => [name, values[i]]));
    const bounds = model.bounds(createContext(byName, draws, true), batch, klWeight);
    // tfjs disposes of a loss' tensors unless they are kept. The engine disposes of a step's results.
    for (const term of TERMS) metrics[term] = tf.keep(meanOf(bounds[term]));
    return tf.neg(meanOf(bounds.maximized));
  };
  // Unlike tf.valueAndGrads, this identifies weights without a gradient.
  const { grads } = tf.engine().gradients(() => loss(...weights), weights, undefined, true);
  const unused = names.find((_, i) => !grads[i]);
  if (unused !== undefined) {
    throw new UserError(`The objective does not depend on the weight ${unused}. Use it, or drop it from its specs.`);
  }
  const gradients = Object.fromEntries(names.map((name, i) => [name, grads[i]]));
  return { gradients, metrics };
}
