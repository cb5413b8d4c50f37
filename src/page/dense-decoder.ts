// Decodes z in plain JavaScript, for decoders of fully connected layers: fast enough to follow a drag.
import type { ActivationName } from "../model/layers.js";
import type { DecoderContents } from "../report/contents.js";
import { unpackFloats } from "./packed.js";

/** Above this, log(1 + e^x) is x in float32. */
const MAX_EXPONENT = 30;

const ACTIVATIONS: Readonly<Record<ActivationName, (x: number) => number>> = {
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  relu: (x) => Math.max(0, x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  silu: (x) => x / (1 + Math.exp(-x)),
  softplus: (x) => (x > MAX_EXPONENT ? x : Math.log1p(Math.exp(x))),
  tanh: Math.tanh,
};

interface Layer {
  readonly inputs: number;
  readonly units: number;
  readonly activation: ((x: number) => number) | undefined;
  /** [inputs, units] */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

export class DenseDecoder {
  readonly #layers: readonly Layer[];
  readonly #mean: (x: number) => number;

  constructor({ layers, mean, weights }: DecoderContents) {
    const numbers = unpackFloats(weights);
    let at = 0;
    const next = (length: number) => {
      at += length;
      return numbers.subarray(at - length, at);
    };
    this.#layers = layers.map(({ inputs, units, activation }) => ({
      inputs,
      units,
      activation: activation && ACTIVATIONS[activation],
      weight: next(inputs * units),
      bias: next(units),
    }));
    this.#mean = ACTIVATIONS[mean];
  }

  /**
   * The mean of p(x|z), 0 black to 1 white: [height · width · channels].
   *
   * @param z [Z] @param place index of the class, of a conditional model
   */
  decode(z: ArrayLike<number>, place = 0): Float64Array {
    let h = new Float64Array(this.#layers[0].inputs);
    h.set(z);
    if (z.length < h.length) h[z.length + place] = 1; // one-hot label
    for (const layer of this.#layers) h = applyDense(layer, h);
    return h.map(this.#mean);
  }
}

/** activation(x·weight + bias). Sums are float64, over rows of the weight, which lie in one piece. */
function applyDense({ inputs, units, activation, weight, bias }: Layer, x: Float64Array): Float64Array<ArrayBuffer> {
  const sums = new Float64Array(bias);
  for (let i = 0; i < inputs; i++) {
    const factor = x[i];
    if (factor === 0) continue; // a label, or a ReLU
    const start = i * units;
    for (let j = 0; j < units; j++) sums[j] += factor * weight[start + j];
  }
  return activation ? sums.map(activation) : sums;
}
