// What an engine is: the one small interface behind which pure tensor functions run. Its implementations are eager.ts
// and compiled/.
import type { HostTree, Step } from "./compiled/index.js";

export type { HostTree, Step } from "./compiled/index.js";

/**
 * Runs pure functions of tensors. Arrays of the host go in and come out, the latter as float32; tensors never leave an
 * engine. Bytes arrive in the function as float32, unscaled.
 */
export interface Engine {
  readonly name: EngineName;
  /** What computes, and its version. */
  readonly version: string;
  readonly threads: number;
  /**
   * Runs `step` over the leading axis of `xs`: [N, …] arrays give N steps.
   *
   * @returns the last carry, and what the steps reported, stacked to [N, …] arrays
   */
  scan<Carry, X, Y>(
    step: Step<Carry, X, Y>,
    init: HostTree<Carry>,
    xs: HostTree<X>,
  ): Promise<[carry: HostTree<Carry, Float32Array>, ys: HostTree<Y, Float32Array>]>;
  /** Runs a function once. */
  call<Inputs, Outputs>(
    fn: (inputs: Inputs) => Outputs,
    inputs: HostTree<Inputs>,
  ): Promise<HostTree<Outputs, Float32Array>>;
  /** Frees what the engine holds. */
  close(): Promise<void>;
}

/** Engines, the fastest first. */
export const ENGINE_NAMES = ["compiled", "tensorflow", "wasm", "cpu"] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];
