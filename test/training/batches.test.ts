import { describe, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import { pixelsInMemory } from "../../src/data/pixels.js";
import type { Share } from "../../src/distributed/processes.js";
import * as batches from "../../src/training/batches.js";
import { epochOrder, stepsPerEpoch } from "../../src/training/batches.js";
import { adamStepSize } from "../../src/training/optimizer/adam.js";
import { type HostArray, leaves } from "../../src/tree.js";
import { modelOf } from "../helpers.js";

const config = createConfig({
  batchSize: 4,
  dimZ: 3,
  keepProb: 0.5,
  nHidden: [6, 5],
  noise: "salt-pepper",
  seed: 1,
});
const size = { height: 1, width: 2, channels: 1 };
const images = {
  count: 40,
  offset: 0,
  pixels: pixelsInMemory(
    Uint8Array.from({ length: 80 }, (_, i) => i),
    2,
  ),
};

const drawBatches = (set: typeof images, order: Uint32Array, firstStep: number, settings = config) =>
  batches.drawBatches(set, size, order, firstStep, settings, modelOf(settings, 2));

describe("drawBatches", () => {
  it("returns arrays with the shapes of the step's inputs", () => {
    const batches = drawBatches(images, epochOrder(1, 1, 40), 0, config);
    const shapes = Object.fromEntries(leaves(batches).map(([path, { shape }]) => [path, shape]));
    expect(shapes).toEqual({
      images: [10, 4, 2],
      corrupted: [10, 4, 2],
      "draws/posterior.epsilon": [10, 4, 3],
      stepSize: [10],
      "draws/encoder.0.mask": [10, 4, 6],
      "draws/encoder.1.mask": [10, 4, 5],
      "draws/decoder.0.mask": [10, 4, 5],
      "draws/decoder.1.mask": [10, 4, 6],
    });
  });

  it("has a draw of z, and a mask of the decoder, for each draw of an image", () => {
    for (const given of [{ mcSamples: 3 }, { objective: "iwae", importanceSamples: 3 }]) {
      const { draws } = drawBatches(images, epochOrder(1, 1, 40), 0, createConfig({ ...config, ...given }));
      expect(draws["posterior.epsilon"].shape).toEqual([10, 12, 3]);
      expect(draws["encoder.0.mask"].shape).toEqual([10, 4, 6]);
      expect(draws["decoder.1.mask"].shape).toEqual([10, 12, 6]);
    }
  });

  it("has step size, KL weight and weight decay of each step, for any division into chunks", () => {
    const scheduled = createConfig({
      ...config,
      epochs: 3,
      klWarmUp: 2,
      beta: 4,
      learningRateSchedule: "cosine",
      weightDecay: 0.1,
    });
    const order = epochOrder(1, 1, 40);
    const parts = [
      drawBatches(images, order.subarray(0, 12), 10, scheduled),
      drawBatches(images, order.subarray(12), 13, scheduled),
    ];
    const joined = (name: "stepSize" | "klWeight" | "decay") => parts.flatMap((part) => [...(part[name]?.data ?? [])]);
    // The second epoch of three, ten steps each: steps 10 to 19 of 30.
    for (let i = 0; i < 10; i++) {
      const step = 10 + i;
      const rate = (1e-3 * (1 + Math.cos((Math.PI * step) / 30))) / 2;
      const correction = Math.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1));
      expect(joined("stepSize")[i] / ((rate * correction * 0.1) / Math.sqrt(0.001))).toBeCloseTo(1, 5);
      expect(joined("klWeight")[i]).toBeCloseTo((4 * (step + 1)) / 20, 5);
      expect(joined("decay")[i]).toBeCloseTo(0.1 * rate, 9);
    }
  });

  it("redraws pixels for every batch with dynamic binarization", () => {
    const grey = { count: 4, offset: 0, pixels: pixelsInMemory(new Uint8Array(8).fill(128), 2) };
    const dynamic = createConfig({ ...config, binarize: "dynamic", noise: null });
    const order = Uint32Array.from({ length: 4000 }, (_, i) => i % 4);
    const { data } = drawBatches(grey, order, 0, dynamic).images;
    const white = data.filter((byte) => byte === 255).length;
    expect(data.filter((byte) => byte === 0).length).toBe(8000 - white);
    expect(Math.abs(white / 8000 - 128 / 255)).toBeLessThan(3 * Math.sqrt(0.25 / 8000));
    expect([...data.subarray(0, 8)]).not.toEqual([...data.subarray(8, 16)]);
  });

  it("omits masks and noise that the model does not use", () => {
    const batches = drawBatches(images, epochOrder(1, 1, 40), 0, createConfig({ ...config, keepProb: 1, noise: null }));
    const paths = leaves(batches).map(([path]) => path);
    expect(paths).toEqual(["images", "draws/posterior.epsilon", "stepSize"]);
  });

  it("uses every image once per epoch, in a different order each time", () => {
    const rows = (epoch: number) => {
      const { data } = drawBatches(images, epochOrder(1, epoch, 40), 0, config).images;
      return Array.from({ length: 40 }, (_, i) => data[2 * i] / 2);
    };
    expect(rows(1)).not.toEqual(rows(2));
    for (const epoch of [1, 2]) {
      expect(rows(epoch).sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    }
  });

  it("gives an image the same draws for every division of its batch", () => {
    const many = {
      count: 700,
      offset: 0,
      pixels: pixelsInMemory(
        new Uint8Array(1400).map((_, i) => i),
        2,
      ),
    };
    const large = createConfig({ ...config, batchSize: 300, binarize: "dynamic" });
    const draw = (order: Uint32Array, share?: Share) =>
      batches.drawBatches(many, size, order, 5, large, modelOf(large, 2), undefined, share);
    const order = epochOrder(1, 1, 700).subarray(0, 600);
    const whole = new Map(leaves(draw(order)));
    for (const share of [
      { first: 0, count: 1 },
      { first: 100, count: 101 },
      { first: 256, count: 44 },
    ]) {
      for (const steps of [1, 2]) {
        for (const [path, { data, shape }] of leaves(draw(order.subarray(0, 300 * steps), share))) {
          const all = whole.get(path) as HostArray;
          if (all.shape.length === 1) continue; // of schedules
          expect(shape, path).toEqual([steps, share.count, ...all.shape.slice(2)]);
          const numbers = all.data.length / 600;
          for (let step = 0; step < steps; step++) {
            const first = (step * 300 + share.first) * numbers;
            const part = data.subarray(step * share.count * numbers, (step + 1) * share.count * numbers);
            expect([...part], path).toEqual([...all.data.subarray(first, first + share.count * numbers)]);
          }
        }
      }
    }
  });

  it("draws different numbers for each block of 128 images", () => {
    const same = { count: 256, offset: 0, pixels: pixelsInMemory(new Uint8Array(512), 2) };
    const large = createConfig({ ...config, batchSize: 256 });
    const { draws } = batches.drawBatches(same, size, epochOrder(1, 1, 256), 0, large, modelOf(large, 2));
    const { data } = draws["posterior.epsilon"];
    expect([...data.subarray(0, 128 * 3)]).not.toEqual([...data.subarray(128 * 3)]);
  });

  it("draws the same for a step, for any division into chunks", () => {
    const order = epochOrder(1, 1, 40);
    const whole = new Map(leaves(drawBatches(images, order, 100, config)));
    const part = drawBatches(images, order.subarray(12, 28), 103, config); // steps 3 to 6 of the ten
    for (const [path, { data }] of leaves(part)) {
      const size = data.length / 4;
      expect([...data], path).toEqual([...(whole.get(path) as HostArray).data.subarray(3 * size, 7 * size)]);
    }
  });
});

describe("an epoch", () => {
  it("has whole batches only", () => {
    expect(stepsPerEpoch(images, 7)).toBe(5);
    expect(stepsPerEpoch(images, 40)).toBe(1);
    expect(stepsPerEpoch(images, 41)).toBe(0);
  });
});

describe("adamStepSize", () => {
  it("equals TensorFlow 1's, times the scales of unscaled moments", () => {
    for (const t of [1, 2, 10, 8580]) {
      const tensorflow = (1e-3 * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t);
      expect(adamStepSize(1e-3, t, config) / (0.1 / Math.sqrt(0.001))).toBeCloseTo(tensorflow, 12);
    }
  });
});
