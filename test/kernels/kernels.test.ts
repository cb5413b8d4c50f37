import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import wabt from "wabt";
import { createConfig } from "../../src/config/config.js";
import { loadFallback } from "../../src/kernels/fallback.js";
import { type Kernels, loadWasm } from "../../src/kernels/kernels.js";
import { KERNELS_WASM } from "../../src/kernels/kernels-wasm.js";
import { adam } from "../../src/training/optimizer/adam.js";
import { AdamInPlace } from "../../src/training/optimizer/adam-in-place.js";
import { array, open, weyl } from "../helpers.js";

it("kernels-wasm.ts is the program of kernels.wat", async () => {
  const text = readFileSync(new URL("../../src/kernels/kernels.wat", import.meta.url), "utf8");
  const { buffer } = (await wabt()).parseWat("kernels.wat", text).toBinary({});
  expect(KERNELS_WASM).toBe(Buffer.from(buffer).toString("base64"));
});

describe("bernoulli", () => {
  it("draws two bytes from each word of sfc32, the low half first", () => {
    const state = Uint32Array.of(0x9e3779b9, 0xdeadbeef, 12345, 0xffffffff);
    const words = 1000;
    for (const threshold of [0, 1, 0x8000, 0xe666, 0x10000]) {
      const { memory, bernoulli } = loadWasm(16 + 2 * words);
      new Uint32Array(memory, 0, 4).set(state);
      bernoulli(0, 16, words, threshold);
      const expected: number[] = [];
      let [a, b, c, counter] = [...state].map(BigInt);
      const bits = (value: bigint) => BigInt.asUintN(32, value);
      for (let i = 0; i < words; i++) {
        const word = bits(a + b + counter);
        counter = bits(counter + 1n);
        [a, b, c] = [b ^ (b >> 9n), bits(c + (c << 3n)), bits(bits((c << 21n) | (c >> 11n)) + word)];
        expected.push(Number(Number(word & 0xffffn) < threshold), Number(Number(word >> 16n) < threshold));
      }
      expect([...new Uint8Array(memory, 16, 2 * words)]).toEqual(expected);
      expect([...new Uint32Array(memory, 0, 4)]).toEqual([a, b, c, counter].map(Number));
    }
  });
});

it("the fallback gives the same bits", () => {
  const run = ({ memory, adam, add, bernoulli }: Kernels) => {
    const floats = new Float32Array(memory, 0, 50);
    floats.set(weyl(50, -1, 1));
    for (let i = 30; i < 40; i++) floats[i] = Math.abs(floats[i]); // second moments
    for (let step = 1; step <= 3; step++) adam(0, 40, 80, 120, 10, 0.9, 0.999, 0.01 / step, 1e-8, 0.97);
    add(0, 40, 9);
    bernoulli(160, 200, 300, 0xe666);
    return [...new Uint8Array(memory, 0, 800)];
  };
  expect(run(loadFallback(800))).toEqual(run(loadWasm(800)));
});

describe("AdamInPlace", () => {
  it.each([0, 0.25])("matches the steps of `adam` on engine cpu, with decay %d", async (decay) => {
    const config = createConfig({ adamBeta1: 0.8, adamBeta2: 0.99, adamEpsilon: 1e-6 });
    const length = 4 * 5 + 3;
    const segments = [
      { first: 0, count: 2, decays: false },
      { first: 2, count: length - 2, decays: true },
    ];
    const inPlace = new AdamInPlace(length, segments, config);
    const specs = (decays: boolean) => ({ shape: [1], init: "zeros" as const, decays });
    const engine = await open("cpu", 1);
    let state = {
      params: { kept: array(weyl(2)), decayed: array(weyl(length - 2, -1, 1, 7)) },
      m: { kept: array([0, 0]), decayed: array(new Float32Array(length - 2)) },
      v: { kept: array([0, 0]), decayed: array(new Float32Array(length - 2)) },
    };
    inPlace.weights.set([...state.params.kept.data, ...state.params.decayed.data]);
    const step = ({ params, m, v, g, stepSize, decay }: Record<string, never> & { [name: string]: never }) => {
      const table = { kept: specs(false), decayed: specs(true) };
      const updated = adam(params, g, { m, v } as never, stepSize, config, table, decay);
      return { params: updated.params, ...updated.moments };
    };
    for (let i = 1; i <= 5; i++) {
      const g = weyl(length, -1, 1, 100 * i);
      const scalar = (value: number) => ({ data: Float32Array.of(value), shape: [] });
      const gradients = { kept: array(g.slice(0, 2)), decayed: array(g.slice(2)) };
      const inputs = { ...state, g: gradients, stepSize: scalar(0.01 / i), ...(decay > 0 && { decay: scalar(decay) }) };
      state = (await engine.call(step as never, inputs as never)) as typeof state;
      inPlace.gradients.set(g);
      inPlace.update(Math.fround(0.01 / i), Math.fround(decay));
      for (const [own, expected] of [
        [inPlace.weights, state.params],
        [inPlace.m, state.m],
        [inPlace.v, state.v],
      ] as const) {
        const values = [...expected.kept.data, ...expected.decayed.data];
        for (const [j, value] of own.entries())
          expect(Math.abs(value - values[j])).toBeLessThan(2e-7 * Math.max(1, Math.abs(value)));
      }
    }
    await engine.close();
  });
});
