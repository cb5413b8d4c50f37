// The training step: a pure function of tensors that any engine runs. What is random or scheduled comes in through `x`.
import * as tf from "@tensorflow/tfjs";
import type { Step } from "../engine/engine.js";
import type { Batch, DropoutMasks, Params } from "../model/vae.js";
import { reconstruct } from "../model/vae.js";
import type { Moments } from "./adam.js";
import { adam } from "./adam.js";

/** What a step passes on to the next one. */
export type Carry = { readonly params: Params; readonly adam: Moments<tf.Tensor> };

/** What one step uses up. */
export type StepInput = Batch & {
  /** Absent where dropout keeps everything. */
  readonly masks?: DropoutMasks | undefined;
  /** From `adamStepSize`. */
  readonly stepSize: tf.Scalar;
};

/** What one step reports: means over its batch, in nats per image, with dropout and noise as in training. */
export type StepMetrics = { readonly reconstruction: tf.Scalar; readonly kl: tf.Scalar };

/** A step of maximizing the ELBO with Adam. Its loss is −ELBO: summed over pixels, averaged over the batch. */
export function createTrainingStep(keepProb: number): Step<Carry, StepInput, StepMetrics> {
  return ({ params, adam: moments }, { masks, stepSize, ...batch }) => {
    const dropout = masks && { masks, keepProb };
    const names = Object.keys(params);
    const metrics = {} as { -readonly [name in keyof StepMetrics]: StepMetrics[name] };
    const negativeElbo = (...values: tf.Tensor[]): tf.Scalar => {
      const terms = reconstruct(Object.fromEntries(names.map((name, i) => [name, values[i]])), batch, dropout);
      // Kept, since tfjs disposes of all that the loss makes but the loss itself; the engine disposes of what a step gives.
      metrics.reconstruction = tf.keep(tf.mean(terms.reconstruction));
      metrics.kl = tf.keep(tf.mean(terms.kl));
      return tf.sub(metrics.kl, metrics.reconstruction);
    };
    const { grads } = tf.valueAndGrads(negativeElbo)(names.map((name) => params[name]));
    const gradients = Object.fromEntries(names.map((name, i) => [name, grads[i]]));
    const updated = adam(params, gradients, moments, stepSize);
    return [{ params: updated.params, adam: updated.moments }, metrics];
  };
}
