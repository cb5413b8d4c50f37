// The training step: a pure function of tensors that any engine runs. What is random or scheduled comes in through `x`.
import type { Config } from "../config/config.js";
import { tf } from "../engine/compiled/tf.js";
import "../engine/compiled/gradients.js";
import type { Step } from "../engine/engine.js";
import { TERMS } from "../model/elbo.js";
import type { Batch, DropoutMasks, Params, Vae } from "../model/vae.js";
import type { AdamConfig, Moments } from "./optimizer/adam.js";
import { adam } from "./optimizer/adam.js";

/** What a step passes on to the next one. */
export type Carry = { readonly params: Params; readonly adam: Moments<tf.Tensor> };

/** What one step uses up. */
export type StepInput = Batch & {
  /** Absent where dropout keeps everything. */
  readonly masks?: DropoutMasks | undefined;
  /** From `adamStepSize`. */
  readonly stepSize: tf.Scalar;
  /** The share of the weights that is taken away. Absent without weight decay. */
  readonly decay?: tf.Scalar | undefined;
};

/** What one step reports: means over its batch, in nats per image, with dropout and noise as in training. */
export type StepMetrics = { readonly [term in (typeof TERMS)[number]]: tf.Scalar };

/** A step of maximizing the model's objective with Adam. Its loss is −objective: summed over pixels, averaged over the batch. */
export function createTrainingStep(
  vae: Vae,
  config: AdamConfig & Pick<Config, "keepProb">,
): Step<Carry, StepInput, StepMetrics> {
  return ({ params, adam: moments }, { masks, stepSize, decay, ...batch }) => {
    const dropout = masks && { masks, keepProb: config.keepProb };
    const names = Object.keys(params);
    const metrics = {} as Record<keyof StepMetrics, tf.Scalar>;
    const loss = (...values: tf.Tensor[]): tf.Scalar => {
      const terms = vae.terms(Object.fromEntries(names.map((name, i) => [name, values[i]])), batch, dropout);
      // Kept, since tfjs disposes of all that the loss makes but the loss itself; the engine disposes of what a step gives.
      for (const term of TERMS) metrics[term] = tf.keep(tf.mean(terms[term]));
      return tf.neg(tf.mean(terms.maximized));
    };
    const { grads } = tf.valueAndGrads(loss)(names.map((name) => params[name]));
    const gradients = Object.fromEntries(names.map((name, i) => [name, grads[i]]));
    const updated = adam(params, gradients, moments, stepSize, config, decay);
    return [{ params: updated.params, adam: updated.moments }, metrics];
  };
}
