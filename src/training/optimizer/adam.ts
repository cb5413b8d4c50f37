// Adam (Kingma & Ba 2015), in TensorFlow 1's formulation: a pure function of the step's number, and one of tensors.
import type { Config } from "../../config/config.js";
import { tf } from "../../engine/compiled/tf.js";
import type { Specs, Tensors } from "../../model/specs.js";

/** First and second moments for each parameter, of its shape. */
export type Moments<T> = { readonly m: { readonly [name: string]: T }; readonly v: { readonly [name: string]: T } };

/**
 * The step size at step t = 1, 2, …: α √(1 − β₂ᵗ) / (1 − β₁ᵗ) (Kingma & Ba 2015, end of section 2), times
 * (1 − β₁) / √(1 − β₂), because `adam` leaves the moments unscaled. Computed in float64, outside the graph.
 */
export function adamStepSize(learningRate: number, t: number, { adamBeta1, adamBeta2 }: Config): number {
  const correction = Math.sqrt(1 - adamBeta2 ** t) / (1 - adamBeta1 ** t);
  return (learningRate * correction * (1 - adamBeta1)) / Math.sqrt(1 - adamBeta2);
}

/**
 * Updates all parameters: w ← w − stepSize · m / (√v + ε / √(1 − β₂)). The moments are unscaled, m ← β₁m + g and
 * v ← β₂v + g², which saves three passes over the weights.
 *
 * @param stepSize from `adamStepSize`
 * @param specs set which parameters decay
 * @param decay the share of each decaying parameter that is subtracted (AdamW, Loshchilov & Hutter 2019)
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
    const decayed = decay && specs[name].decays ? tf.mul(params[name], tf.sub(1, decay)) : params[name];
    updated.params[name] = tf.sub(decayed, tf.div(tf.mul(m, stepSize), denominator));
    updated.m[name] = m;
    updated.v[name] = v;
  }
  return { params: updated.params, moments: { m: updated.m, v: updated.v } };
}
