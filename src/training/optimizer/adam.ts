// Adam (Kingma & Ba 2015) as TensorFlow 1 computes it: two pure functions, one of tensors, one of the step's number.
import type { Config } from "../../config/config.js";
import { tf } from "../../engine/compiled/tf.js";
import type { Specs } from "../../model/specs.js";

/** First and second moments for each parameter, of its shape. */
export type Moments<T> = { readonly m: { readonly [name: string]: T }; readonly v: { readonly [name: string]: T } };

/**
 * The step size for step t = 1, 2, …: α √(1 − β₂ᵗ) / (1 − β₁ᵗ) (Kingma & Ba 2015, end of section 2), with the scale of the unscaled
 * moments below folded in. Computed in float64, outside the graph.
 */
export function adamStepSize(learningRate: number, t: number, { adamBeta1, adamBeta2 }: Config): number {
  const correction = Math.sqrt(1 - adamBeta2 ** t) / (1 - adamBeta1 ** t);
  return (learningRate * correction * (1 - adamBeta1)) / Math.sqrt(1 - adamBeta2);
}

/**
 * Updates every parameter. The moments are unscaled, m ← β₁m + g and v ← β₂v + g², the paper's divided by 1 − β₁ and 1 − β₂: three
 * passes over the weights fewer.
 *
 * @param stepSize a scalar from `adamStepSize`
 * @param specs say which parameters decay
 * @param decay a scalar: the share of these that is subtracted as well (AdamW, Loshchilov & Hutter 2019)
 */
export function adam(
  params: { readonly [name: string]: tf.Tensor },
  gradients: { readonly [name: string]: tf.Tensor },
  moments: Moments<tf.Tensor>,
  stepSize: tf.Scalar,
  { adamBeta1, adamBeta2, adamEpsilon }: Config,
  specs: Specs["params"],
  decay?: tf.Scalar,
): {
  params: { [name: string]: tf.Tensor };
  moments: { m: { [name: string]: tf.Tensor }; v: { [name: string]: tf.Tensor } };
} {
  const updated = { params: {}, moments: { m: {}, v: {} } } as ReturnType<typeof adam>;
  for (const [name, gradient] of Object.entries(gradients)) {
    const m = tf.add(tf.mul(moments.m[name], adamBeta1), gradient);
    const v = tf.add(tf.mul(moments.v[name], adamBeta2), tf.square(gradient));
    const denominator = tf.add(tf.sqrt(v), adamEpsilon / Math.sqrt(1 - adamBeta2));
    const kept = decay && specs[name].decays ? tf.mul(params[name], tf.sub(1, decay)) : params[name];
    updated.params[name] = tf.sub(kept, tf.div(tf.mul(m, stepSize), denominator));
    updated.moments.m[name] = m;
    updated.moments.v[name] = v;
  }
  return updated;
}
