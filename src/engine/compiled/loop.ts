// Loops of steps. A loop keeps its carry between chunks, where the engine computes.
import type { HostTree } from "./tree.js";

/** Runs chunks of steps, and keeps the carry. */
export interface Loop<Carry, X, Y> {
  /** Runs a step for each row of `xs`. Returns the outputs of all steps, stacked to [N, …] arrays. */
  run(xs: HostTree<X>): Promise<HostTree<Y, Float32Array>>;
  /** The carry after the last step. */
  carry(): Promise<HostTree<Carry, Float32Array>>;
  /** Frees the carry. */
  close(): void;
}

/** A loop that keeps its carry in host memory, by an engine's `scan`. */
export class HostLoop<Carry, X, Y> implements Loop<Carry, X, Y> {
  constructor(
    private readonly scan: (
      carry: HostTree<Carry, Float32Array>,
      xs: HostTree<X>,
    ) => Promise<[HostTree<Carry, Float32Array>, HostTree<Y, Float32Array>]>,
    private state: HostTree<Carry, Float32Array>,
  ) {}

  async run(xs: HostTree<X>): Promise<HostTree<Y, Float32Array>> {
    const [state, y] = await this.scan(this.state, xs);
    this.state = state;
    return y;
  }

  async carry(): Promise<HostTree<Carry, Float32Array>> {
    return this.state;
  }

  close(): void {}
}
