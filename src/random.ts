// The only source of randomness. A draw is addressed by (seed, purpose, index), so that it needs no history: step 700's
// dropout masks are the same whether or not steps 0 to 699 were run before. Not for cryptography.

/** What a stream is drawn for. The numbers are part of the address: never change or reuse one. */
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
} as const;

export type Purpose = keyof typeof PURPOSES;

/**
 * The stream of random numbers at an address. Philox4x32-10 (Salmon et al. 2011) hashes the address to 128 bits, which
 * are the first state of sfc32 (Doty-Humphrey, PractRand), a small fast generator that runs on from there.
 *
 * @param seed an integer from 0 to 2^53 − 1
 * @param index which of the purpose's streams, an integer from 0 to 2^53 − 1: the step, the epoch, the image
 */
export function randomStream(seed: number, purpose: Purpose, index = 0): RandomStream {
  return new RandomStream(
    philox4x32([index, index / 2 ** 32, PURPOSES[purpose], 0], [seed, Math.floor(seed / 2 ** 32)]),
  );
}

/** Room for the words of masks, small enough to stay in the processor's cache: a quarter million draws for every step. */
const BLOCK = new Uint32Array(2048);

export class RandomStream {
  readonly #state: Int32Array;

  /** @param state four 32-bit words: a, b, c and the counter of sfc32 */
  constructor(state: ArrayLike<number>) {
    this.#state = Int32Array.from(state);
  }

  /** Fills `out` with random 32-bit words. */
  fillWords(out: Uint32Array): Uint32Array {
    const state = this.#state;
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let counter = state[3];
    const { length } = out;
    for (let i = 0; i < length; i++) {
      const word = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + word) | 0;
      out[i] = word;
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = counter;
    return out;
  }

  /** Fills `out` with uniform draws from −bound to bound. */
  fillUniform(out: Float32Array, bound: number): Float32Array {
    this.fillWords(new Uint32Array(out.length)).forEach((word, i) => {
      out[i] = bound * ((word + 0.5) / 2 ** 31 - 1);
    });
    return out;
  }

  /** Fills `out` with standard normal draws, by Box and Muller's transform; at most 6.7 in size. */
  fillNormals(out: Float32Array): Float32Array {
    const words = this.fillWords(new Uint32Array(out.length + (out.length % 2)));
    for (let i = 0; i < out.length; i += 2) {
      const radius = Math.sqrt(-2 * Math.log((words[i] + 1) / 2 ** 32));
      const angle = (2 * Math.PI * words[i + 1]) / 2 ** 32;
      out[i] = radius * Math.cos(angle);
      if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
    }
    return out;
  }

  /** Fills `out` with normal draws of deviation `deviation`, those beyond two deviations drawn again. */
  fillTruncatedNormals(out: Float32Array, deviation: number): Float32Array {
    const draws = new Float32Array(4096);
    for (let filled = 0; filled < out.length; ) {
      this.fillNormals(draws);
      for (let i = 0; i < draws.length && filled < out.length; i++) {
        if (Math.abs(draws[i]) <= 2) out[filled++] = draws[i] * deviation;
      }
    }
    return out;
  }

  /** Fills `out` with ones, each with the given probability (rounded to a multiple of 2^−16), and zeros. */
  fillBernoulli(out: Uint8Array, probability: number): Uint8Array {
    const threshold = Math.round(probability * 2 ** 16) | 0; // an integer for the compiler too
    for (let first = 0; first < out.length; first += 2 * BLOCK.length) {
      const length = Math.min(2 * BLOCK.length, out.length - first);
      const words = this.fillWords(BLOCK.subarray(0, Math.ceil(length / 2)));
      const part = out.subarray(first, first + length);
      for (let i = 0; i < words.length; i++) {
        const word = words[i];
        // Two draws a word, without a branch: a negative difference has its top bit set. A write past the end is dropped.
        part[2 * i] = ((word & 0xffff) - threshold) >>> 31;
        part[2 * i + 1] = ((word >>> 16) - threshold) >>> 31;
      }
    }
    return out;
  }

  /** A random order of 0 … n − 1, n < 2^21 or so: Fisher and Yates' shuffle. */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    const words = this.fillWords(new Uint32Array(n));
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor((words[i] / 2 ** 32) * (i + 1));
      const swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }
}

/**
 * Philox4x32-10, from Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
 *
 * @param counter four 32-bit words
 * @param key two 32-bit words
 * @returns four 32-bit words, unsigned
 */
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

/** The upper 32 bits of the product of two unsigned 32-bit words. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}
