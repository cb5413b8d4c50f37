// Declares the weights and random draws of a model's parts as data, from which the host initializes, fills, counts and
// stores them.
import { objectOf } from "../arguments.js";
import type { tf } from "../engine/compiled/tf.js";
import { checkValue } from "../values/checker.js";

import { SPECS } from "./checks.js";

/** Initial values of a weight. */
export type Init =
  | "zeros"
  /** Normal, scaled by the number of inputs (He et al. 2015). */
  | "he"
  /** Uniform, scaled by the numbers of inputs and outputs (Glorot & Bengio 2010). */
  | "glorot"
  | "ones"
  /** The logits of the mean training image, as in the code of Burda et al. (2016). */
  | "mean-image"
  /** Normal with this standard deviation. */
  | { readonly normal: number };

/** A weight of a part. */
export interface ParamSpec {
  /** A layer's weight: […receptive field, inputs, outputs]. */
  readonly shape: readonly number[];
  readonly init: Init;
  /** Inputs and outputs of a unit. By default from the shape. */
  readonly fans?: readonly [inputs: number, outputs: number];
  /** Whether weight decay applies. */
  readonly decays?: boolean;
}

/** When a draw is available: in training steps (dropout), when z is drawn from the posterior, or from the prior. */
export type Phase = "training" | "posterior" | "prior";

/** A random draw of a part. */
export interface DrawSpec {
  /** The shape for one image or sample. */
  readonly shape: readonly number[];
  /** One for each image, [B, …shape], or one for each draw of z, [B·L, …shape]. */
  readonly per: "image" | "sample";
  readonly phase: Phase;
  /** Standard normal, uniform on [0, 1), or Bernoulli with this probability, as bytes 0 and 1. */
  readonly kind: "normal" | "uniform" | { readonly bernoulli: number };
}

/** The weights and draws of a part, by name. */
export interface Specs {
  readonly params: { readonly [name: string]: ParamSpec };
  readonly draws: { readonly [name: string]: DrawSpec };
}

export const NO_SPECS: Specs = { params: {}, draws: {} };

/**
 * Joins the specs of several parts, prefixing names by scope: `weight` of `encoder` becomes `encoder.weight`.
 *
 * @throws UserError if a spec is invalid
 */
export function joinSpecs(scopes: { readonly [scope: string]: Specs }): Specs {
  checkValue("The argument scopes", objectOf(SPECS), scopes);
  const params: Record<string, ParamSpec> = {};
  const draws: Record<string, DrawSpec> = {};
  for (const [scope, specs] of Object.entries(scopes)) {
    for (const [name, spec] of Object.entries(specs.params)) params[`${scope}.${name}`] = spec;
    for (const [name, spec] of Object.entries(specs.draws)) draws[`${scope}.${name}`] = spec;
  }
  return { params, draws };
}

export type Tensors = { readonly [name: string]: tf.Tensor };

/** The weights and draws of a part, by name. */
export interface Context {
  param(name: string): tf.Tensor;
  draw(name: string): tf.Tensor;
  /** Whether this is a training step, which has the draws of phase `training`. */
  readonly training: boolean;
  /** The context of a nested part: prefixes names by `scope`. */
  at(scope: string): Context;
  /** This context outside of training, where layers need no draws. */
  readonly evaluation: Context;
}

/** @throws Error in `param` and `draw`, if the name is missing */
export function createContext(params: Tensors, draws: Tensors = {}, training = false, prefix = ""): Context {
  const find = (what: string, tensors: Tensors, name: string) => {
    const tensor = tensors[prefix + name];
    if (!tensor) throw new Error(`The ${what} ${prefix}${name} is missing. Declare it in the part's specs`);
    return tensor;
  };
  return {
    param: (name) => find("weight", params, name),
    draw: (name) => find("draw", draws, name),
    training,
    at: (scope) => createContext(params, draws, training, `${prefix}${scope}.`),
    get evaluation() {
      return createContext(params, draws, false, prefix);
    },
  };
}
