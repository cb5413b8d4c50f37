// The only source of randomness. A draw is addressed by (seed, purpose, index, block), independently of earlier draws:
// the dropout masks of step 700 do not need steps 0 to 699. Not for cryptography.
import { type Kernels, loadKernels } from "./kernels/kernels.js";

/** The purposes of streams. Their numbers are part of addresses: never change or reuse one. */
const PURPOSES = {
  weights: 1,
  shuffle: 2,
  dropout: 3,
  "training epsilon": 4,
  "training noise": 5,
  "evaluation epsilon": 6,
  "evaluation noise": 7,
  prior: 8,
  "training binarization": 9,
  "evaluation binarization": 10,
  "importance epsilon": 11,
  split: 12,
  class: 13,
  "mixture start": 20,
  mixture: 21,
} as const;

export type Purpose = keyof typeof PURPOSES;

/**
 * The stream at an address of integers from 0 to 2^53 − 1.
 *
 * @param index the number of the step, the epoch or the image
 * @param block divides the draws of a step. Below 2^32
 */
export function randomStream(seed: number, purpose: Purpose, index = 0, block = 0): RandomStream {
  const hash = philox4x32([index, index / 2 ** 32, PURPOSES[purpose], block], [seed, seed / 2 ** 32]);
  return new RandomStream(hash);
}

/** Masks take a quarter million bytes per step. A block fits in the processor's cache. */
const BLOCK_BYTES = 16384;
const STATE_BYTES = 16;
let kernels: Kernels | undefined;

/** sfc32 (Doty-Humphrey, PractRand), a small fast generator. Its state is a, b, c and a counter. */
export class RandomStream {
  readonly #state: Int32Array;

  constructor(state: ArrayLike<number>) {
    this.#state = Int32Array.from(state);
  }

  /** Fills `out` with random 32-bit words. */
  fillWords(out: Uint32Array): Uint32Array {
    let [a, b, c, counter] = this.#state;
    const { length } = out;
    for (let i = 0; i < length; i++) {
      const word = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + word) | 0;
      out[i] = word;
    }
    this.#state.set([a, b, c, counter]);
    return out;
  }

  /** Fills `out` with uniform draws from −bound to bound. */
  fillUniform(out: Float32Array, bound: number): Float32Array {
    this.fillWords(new Uint32Array(out.length)).forEach((word, i) => {
      out[i] = bound * ((word + 0.5) / 2 ** 31 - 1);
    });
    return out;
  }

  /** Fills `out` with standard normal draws (Box and Muller), at most 6.7 in size. */
  fillNormals(out: Float32Array): Float32Array {
    const words = this.fillWords(new Uint32Array(out.length + (out.length % 2)));
    for (let i = 0; i < words.length; i += 2) {
      const radius = Math.sqrt(-2 * Math.log((words[i] + 1) / 2 ** 32));
      const angle = (2 * Math.PI * words[i + 1]) / 2 ** 32;
      out[i] = radius * Math.cos(angle);
      out[i + 1] = radius * Math.sin(angle); // ignored past the end
    }
    return out;
  }

  /** Fills `out` with normal draws, and draws again beyond two deviations. */
  fillTruncatedNormals(out: Float32Array, deviation: number): Float32Array {
    const draws = new Float32Array(4096);
    for (let filled = 0; filled < out.length; ) {
      for (const draw of this.fillNormals(draws)) {
        if (Math.abs(draw) <= 2) out[filled++] = draw * deviation; // ignored past the end
      }
    }
    return out;
  }

  /** Fills `out` with ones, each with the given probability (rounded to a multiple of 2^−16), and zeros. */
  fillBernoulli(out: Uint8Array, probability: number): Uint8Array {
    const threshold = Math.round(probability * 2 ** 16);
    kernels ??= loadKernels(STATE_BYTES + BLOCK_BYTES);
    const state = new Int32Array(kernels.memory, 0, 4);
    const block = new Uint8Array(kernels.memory, STATE_BYTES, BLOCK_BYTES);
    state.set(this.#state);
    for (let first = 0; first < out.length; first += BLOCK_BYTES) {
      const count = Math.min(BLOCK_BYTES, out.length - first);
      kernels.bernoulli(0, STATE_BYTES, Math.ceil(count / 2), threshold);
      out.set(block.subarray(0, count), first);
    }
    this.#state.set(state);
    return out;
  }

  /** A random order of 0 … n − 1 for n up to about 2^21 (Fisher and Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    const words = this.fillWords(new Uint32Array(n));
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor((words[i] / 2 ** 32) * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

/** Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): hashes words of 32 bits. */
export function philox4x32(counter: readonly number[], key: readonly number[]): Uint32Array {
  let [x0, x1, x2, x3] = Uint32Array.from(counter);
  let [k0, k1] = Uint32Array.from(key);
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, x0);
    const high1 = multiplyHigh(0xcd9e8d57, x2);
    const low0 = Math.imul(0xd2511f53, x0);
    const low1 = Math.imul(0xcd9e8d57, x2);
    [x0, x1, x2, x3] = [(high1 ^ x1 ^ k0) >>> 0, low1 >>> 0, (high0 ^ x3 ^ k1) >>> 0, low0 >>> 0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return Uint32Array.of(x0, x1, x2, x3);
}

/** The upper 32 bits of the product of two 32-bit words. Exact, since all intermediate products are below 2^48. */
function multiplyHigh(a: number, b: number): number {
  const low = Math.floor(((a & 0xffff) * b) / 2 ** 16);
  return Math.floor(((a >>> 16) * b + low) / 2 ** 16);
}
