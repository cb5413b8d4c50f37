// Adam (Kingma & Ba 2015) as TensorFlow 1 computes it: two pure functions, one of tensors, one of the step's number.
import type { Config } from "../../config/config.js";
import { tf } from "../../engine/compiled/tf.js";
import type { Specs, Tensors } from "../../model/specs.js";

/** First and second moments for each parameter, of its shape. */
export type Moments<T> = { readonly m: { readonly [name: string]: T }; readonly v: { readonly [name: string]: T } };

/**
 * The step size of step t = 1, 2, …: α √(1 − β₂ᵗ) / (1 − β₁ᵗ) (Kingma & Ba 2015, end of section 2), with the scale of
 * the unscaled moments folded in. Computed in float64, outside the graph.
 */
export function adamStepSize(learningRate: number, t: number, { adamBeta1, adamBeta2 }: Config): number {
  const correction = Math.sqrt(1 - adamBeta2 ** t) / (1 - adamBeta1 ** t);
  return (learningRate * correction * (1 - adamBeta1)) / Math.sqrt(1 - adamBeta2);
}

/**
 * Updates every parameter. The moments are unscaled, m ← β₁m + g and v ← β₂v + g², which saves three passes over the
 * weights.
 *
 * @param stepSize from `adamStepSize`
 * @param specs say which parameters decay
 * @param decay the share of these that is subtracted (AdamW, Loshchilov & Hutter 2019)
 */
export function adam(
  params: Tensors,
  gradients: Tensors,
  moments: Moments<tf.Tensor>,
  stepSize: tf.Scalar,
  { adamBeta1, adamBeta2, adamEpsilon }: Config,
  specs: Specs["params"],
  decay?: tf.Scalar,
): { readonly params: Tensors; readonly moments: Moments<tf.Tensor> } {
  const updated: Record<"params" | "m" | "v", Record<string, tf.Tensor>> = { params: {}, m: {}, v: {} };
  for (const [name, gradient] of Object.entries(gradients)) {
    const m = tf.add(tf.mul(moments.m[name], adamBeta1), gradient);
    const v = tf.add(tf.mul(moments.v[name], adamBeta2), tf.square(gradient));
    const denominator = tf.add(tf.sqrt(v), adamEpsilon / Math.sqrt(1 - adamBeta2));
    const kept = decay && specs[name].decays ? tf.mul(params[name], tf.sub(1, decay)) : params[name];
    updated.params[name] = tf.sub(kept, tf.div(tf.mul(m, stepSize), denominator));
    updated.m[name] = m;
    updated.v[name] = v;
  }
  return { params: updated.params, moments: { m: updated.m, v: updated.v } };
}
