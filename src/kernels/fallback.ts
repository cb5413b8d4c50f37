// kernels.wat in JavaScript, with bit-identical results. For processes without WebAssembly, for example with a limited
// address space (ulimit -v).
import type { Kernels } from "./kernels.js";

const { fround } = Math;

/** Creates an instance with `bytes` of memory. */
export function loadFallback(bytes: number): Kernels {
  const memory = new ArrayBuffer(4 * Math.ceil(bytes / 4));
  const [floats, words, out] = [new Float32Array(memory), new Int32Array(memory), new Uint8Array(memory)];
  return {
    memory,
    adam(...numbers) {
      const [weights, gradients, m, v] = numbers.slice(0, 4).map((offset) => offset / 4);
      const [beta1, beta2, stepSize, epsilon, retention] = numbers.slice(5).map(fround);
      for (let i = 0; i < numbers[4]; i++) {
        const g = floats[gradients + i];
        floats[m + i] = fround(floats[m + i] * beta1) + g;
        floats[v + i] = fround(floats[v + i] * beta2) + fround(g * g);
        const denominator = fround(fround(Math.sqrt(floats[v + i])) + epsilon);
        const step = fround(fround(floats[m + i] * stepSize) / denominator);
        floats[weights + i] = fround(floats[weights + i] * retention) - step;
      }
    },
    add(sums, added, count) {
      for (let i = 0; i < count; i++) floats[sums / 4 + i] += floats[added / 4 + i];
    },
    bernoulli(state, place, count, threshold) {
      let [a, b, c, counter] = words.subarray(state / 4);
      for (let i = 0; i < count; i++) {
        const word = (((a + b) | 0) + counter) | 0;
        counter = (counter + 1) | 0;
        a = b ^ (b >>> 9);
        b = (c + (c << 3)) | 0;
        c = (((c << 21) | (c >>> 11)) + word) | 0;
        out[place + 2 * i] = ((word & 0xffff) - threshold) >>> 31;
        out[place + 2 * i + 1] = ((word >>> 16) - threshold) >>> 31;
      }
      words.set([a, b, c, counter], state / 4);
    },
  };
}
