// What an engine is: the one small interface behind which pure tensor functions run. Its implementations are eager.ts
// and compiled/.
import type { Tensor } from "@tensorflow/tfjs";
import type { HostArray } from "../tree.js";

/** The same tree with arrays of the host in place of tensors. */
export type Hosted<T> = T extends Tensor ? HostArray : { [name in keyof T]: Hosted<T[name]> };

/**
 * One step of a recurrence over trees of tensors, as in JAX's `lax.scan`. It is pure: no variables, no randomness of its
 * own, no reading of a tensor's values; what it gives back are new tensors. The carry that comes out has the names and
 * shapes of the one that goes in, and is float32.
 */
export type Step<Carry, X, Y> = (carry: Carry, x: X) => [Carry, Y];

/**
 * Runs pure functions of tensors. Arrays of the host go in and come out; tensors never leave an engine. Bytes arrive in
 * the function as float32, unscaled.
 */
export interface Engine {
  readonly name: EngineName;
  readonly threads: number;
  /**
   * Runs `step` over the leading axis of `xs`: [N, …] arrays give N steps.
   *
   * @returns the last carry, and what the steps reported, stacked to [N, …] arrays
   */
  scan<Carry, X, Y>(
    step: Step<Carry, X, Y>,
    init: Hosted<Carry>,
    xs: Hosted<X>,
  ): Promise<[carry: Hosted<Carry>, ys: Hosted<Y>]>;
  /** Runs a function once. */
  call<Inputs, Outputs>(fn: (inputs: Inputs) => Outputs, inputs: Hosted<Inputs>): Promise<Hosted<Outputs>>;
  /** Frees what the engine holds. */
  close(): Promise<void>;
}

/** Engines, the fastest first. */
export const ENGINE_NAMES = ["compiled", "wasm", "cpu"] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];
