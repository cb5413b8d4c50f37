// Adam in place, on one process' slice of all weights: a WebAssembly kernel with a single pass over memory. Several
// times as fast as the engine's update, which writes new arrays at every step.
import type { Config } from "../../config/config.js";
import { type Kernels, loadKernels } from "../../kernels/kernels.js";

/** A part of the slice in which weight decay applies to all weights or to none. */
export interface Segment {
  readonly first: number;
  readonly count: number;
  readonly decays: boolean;
}

/** The weights, gradients and moments of a slice, in one memory. */
export class AdamInPlace {
  readonly weights: Float32Array;
  readonly gradients: Float32Array;
  /** First (m) and second (v) moments, unscaled: see `adam`. */
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly #added: Float32Array;
  readonly #kernels: Kernels;

  /** @param length of the slice @param segments cover the slice */
  constructor(
    length: number,
    private readonly segments: readonly Segment[],
    private readonly config: Pick<Config, "adamBeta1" | "adamBeta2" | "adamEpsilon">,
  ) {
    this.#kernels = loadKernels(5 * 4 * length);
    [this.weights, this.gradients, this.m, this.v, this.#added] = [0, 1, 2, 3, 4].map(
      (i) => new Float32Array(this.#kernels.memory, 4 * i * length, length),
    );
  }

  /** Sets the gradients to the sum of arrays, added in order. */
  sumGradients([first, ...others]: readonly Float32Array[]): void {
    this.gradients.set(first);
    for (const added of others) {
      this.#added.set(added);
      this.#kernels.add(this.gradients.byteOffset, this.#added.byteOffset, added.length);
    }
  }

  /**
   * Updates the weights and moments from the gradients.
   *
   * @param stepSize from `adamStepSize`
   * @param decay the share of each decaying weight that is subtracted
   */
  update(stepSize: number, decay = 0): void {
    const { adamBeta1, adamBeta2, adamEpsilon } = this.config;
    const epsilon = adamEpsilon / Math.sqrt(1 - adamBeta2);
    for (const { first, count, decays } of this.segments) {
      const offset = ({ byteOffset }: Float32Array) => byteOffset + 4 * first;
      const [w, g, m, v] = [offset(this.weights), offset(this.gradients), offset(this.m), offset(this.v)];
      const retention = decays ? 1 - Math.fround(decay) : 1;
      this.#kernels.adam(w, g, m, v, count, adamBeta1, adamBeta2, stepSize, epsilon, retention);
    }
  }
}
