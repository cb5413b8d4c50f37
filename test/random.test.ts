import { describe, expect, it } from "vitest";
import { type Purpose, philox4x32, RandomStream, randomStream } from "../src/random.js";
import answers from "./reference/random_streams.json" with { type: "json" };

describe("philox4x32", () => {
  // From kat_vectors of Random123, the library of the paper's authors.
  it.each([
    { counter: [0, 0, 0, 0], key: [0, 0], expected: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      expected: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      expected: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ])("gives the published answer for key $key", ({ counter, key, expected }) => {
    expect([...philox4x32(counter, key)]).toEqual(expected);
  });
});

describe("randomStream", () => {
  it.each(answers)("agrees with the Python reference on $purpose, seed $seed, index $index", (answer) => {
    const stream = () => randomStream(answer.seed, answer.purpose as Purpose, answer.index);
    expect([...stream().fillWords(new Uint32Array(5))]).toEqual(answer.words);
    const normals = stream().fillNormals(new Float32Array(3));
    answer.normals.forEach((normal, i) => {
      expect(normals[i]).toBeCloseTo(normal, 6);
    });
  });

  it("continues after the previous draws", () => {
    const whole = randomStream(1, "prior").fillWords(new Uint32Array(10));
    const stream = randomStream(1, "prior");
    const parts = [...stream.fillWords(new Uint32Array(3)), ...stream.fillWords(new Uint32Array(7))];
    expect(parts).toEqual([...whole]);
  });
});

/** The largest distance between the distribution of the draws and the normal one, times √n (Kolmogorov and Smirnov). */
function kolmogorovSmirnov(draws: Float32Array): number {
  const sorted = Float64Array.from(draws).sort();
  let distance = 0;
  sorted.forEach((x, i) => {
    const p = normalCdf(x);
    distance = Math.max(distance, Math.abs(p - i / sorted.length), Math.abs(p - (i + 1) / sorted.length));
  });
  return distance * Math.sqrt(sorted.length);
}

/** Φ by its series around zero, accurate to 1e-10 for |x| < 7. */
function normalCdf(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 1; Math.abs(term) > 1e-12 * Math.abs(sum); k++) {
    term *= (x * x) / (2 * k + 1);
    sum += term;
  }
  return 0.5 + (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}

function moments(draws: Float32Array): number[] {
  return [1, 2, 3, 4].map((power) => draws.reduce((sum, x) => sum + x ** power, 0) / draws.length);
}

describe("normals", () => {
  // One long stream, and the first draws of many streams, which test the hash of purpose and index.
  const count = 200_000;
  const first = new Float32Array(count);
  for (let i = 0; i < count; i++) randomStream(3, "prior", i).fillNormals(first.subarray(i, i + 1));
  it.each([
    ["of one stream", randomStream(0, "prior").fillNormals(new Float32Array(count))],
    ["of the starts of streams", first],
  ])("%s are standard normal", (_, draws) => {
    const [m1, m2, m3, m4] = moments(draws);
    // Four standard errors of each moment: √(1, 2, 15, 96) / √n.
    const tolerance = (variance: number) => 4 * Math.sqrt(variance / count);
    expect(Math.abs(m1)).toBeLessThan(tolerance(1));
    expect(Math.abs(m2 - 1)).toBeLessThan(tolerance(2));
    expect(Math.abs(m3)).toBeLessThan(tolerance(15));
    expect(Math.abs(m4 - 3)).toBeLessThan(tolerance(96));
    expect(kolmogorovSmirnov(draws)).toBeLessThan(1.95); // exceeded by a correct generator with probability 0.001
  });

  it("are independent of their neighbours", () => {
    const draws = randomStream(9, "prior").fillNormals(new Float32Array(count));
    for (const lag of [1, 2, 3, 16]) {
      let product = 0;
      for (let i = lag; i < count; i++) product += draws[i] * draws[i - lag];
      expect(Math.abs(product / count)).toBeLessThan(4 / Math.sqrt(count));
    }
  });

  it("differ for every seed, purpose and index", () => {
    const starts = [0, 1, 2 ** 32, 2 ** 53 - 1].flatMap((seed) =>
      (["weights", "prior"] as const).flatMap((purpose) =>
        [0, 1, 2 ** 32].map((index) => randomStream(seed, purpose, index).fillWords(new Uint32Array(2)).join()),
      ),
    );
    expect(new Set(starts).size).toBe(24);
  });

  it("can be drawn in odd numbers", () => {
    expect([...randomStream(1, "prior").fillNormals(new Float32Array(3))]).toEqual([
      ...randomStream(1, "prior").fillNormals(new Float32Array(4)).subarray(0, 3),
    ]);
  });
});

describe("truncated normals", () => {
  it("stay within two deviations, with the variance of the truncated distribution", () => {
    const draws = randomStream(0, "weights").fillTruncatedNormals(new Float32Array(200_000), 0.5);
    expect(draws.every((x) => Math.abs(x) <= 1)).toBe(true);
    // 1 − 2·2·φ(2) / (2Φ(2) − 1) = 0.7737
    expect(moments(draws)[1] / 0.25).toBeCloseTo(0.7737, 2);
    expect(moments(draws)[0]).toBeCloseTo(0, 2);
  });
});

describe("Bernoulli draws", () => {
  it.each([0.1, 0.5, 0.9])("are one with probability %d", (probability) => {
    const draws = randomStream(5, "dropout").fillBernoulli(new Uint8Array(100_001), probability);
    const ones = draws.reduce((sum, bit) => sum + bit, 0);
    const deviation = Math.sqrt(probability * (1 - probability) * draws.length);
    expect(Math.abs(ones - probability * draws.length)).toBeLessThan(4 * deviation);
    expect(new Set(draws)).toEqual(new Set([0, 1]));
  });

  it("are all one at probability 1 and all zero at probability 0", () => {
    const stream = randomStream(5, "dropout");
    expect(stream.fillBernoulli(new Uint8Array(1001), 1).every((bit) => bit === 1)).toBe(true);
    expect(stream.fillBernoulli(new Uint8Array(1001), 0).every((bit) => bit === 0)).toBe(true);
  });
});

describe("permutation", () => {
  it("holds every number once", () => {
    const order = randomStream(0, "shuffle", 1).permutation(55_000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 55_000 }, (_, i) => i));
  });

  it("gives every order of three with equal frequency", () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 60_000; i++) {
      const order = randomStream(0, "shuffle", i).permutation(3).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquared).toBeLessThan(20.5); // five degrees of freedom, exceeded with probability 0.001
  });
});

describe("sfc32", () => {
  it("gives the words of PractRand's C code from a = b = c = 0, counter = 1", () => {
    const words = new RandomStream([0, 0, 0, 1]).fillWords(new Uint32Array(6));
    expect([...words]).toEqual([1, 2, 12, 18874399, 56669315, 2581679515]);
  });
});
