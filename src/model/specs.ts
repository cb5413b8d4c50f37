// The weights and random draws of a part of a model, as data. The host initializes, fills, counts and stores them by
// these specs alone.
import { objectOf } from "../arguments.js";
import { checkValue } from "../config/entries.js";
import type { tf } from "../engine/compiled/tf.js";

import { SPECS } from "./checks.js";

/** First values of a weight. */
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

export interface ParamSpec {
  /** Of a weight of a layer: […receptive field, inputs, outputs]. */
  readonly shape: readonly number[];
  readonly init: Init;
  /** The numbers of inputs and outputs of a unit, if the shape does not say. */
  readonly fans?: readonly [inputs: number, outputs: number];
  /** Whether weight decay applies. */
  readonly decays?: boolean;
}

/** When a draw is available: in training steps (dropout), to draw z from the posterior, or from the prior. */
export type Phase = "training" | "posterior" | "prior";

export interface DrawSpec {
  /** The shape for one image or sample. */
  readonly shape: readonly number[];
  /** One for each image, [B, …shape], or one for each draw of z, [B·L, …shape]. */
  readonly per: "image" | "sample";
  readonly phase: Phase;
  /** Standard normal; uniform from 0 to 1; or ones with a probability, and zeros, as bytes. */
  readonly kind: "normal" | "uniform" | { readonly bernoulli: number };
}

export interface Specs {
  readonly params: { readonly [name: string]: ParamSpec };
  readonly draws: { readonly [name: string]: DrawSpec };
}

export const NO_SPECS: Specs = { params: {}, draws: {} };

/** The specs of several parts, each within its scope: `encoder`, then `encoder.weight`. */
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
  /** The context of a part within this one. */
  at(scope: string): Context;
  /** The same outside of training: layers need no draws. */
  readonly evaluation: Context;
}

export function createContext(params: Tensors, draws: Tensors = {}, training = false, prefix = ""): Context {
  const find = (what: string, tensors: Tensors, name: string) => {
    const tensor = tensors[prefix + name];
    if (!tensor) throw new Error(`There is no ${what} ${prefix}${name} here: see the specs of its part`);
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
