import { describe, expect, it } from "vitest";
import { DROPOUT_LAYERS } from "../../src/model/vae.js";
import { adamStepSize } from "../../src/training/adam.js";
import type { BatchConfig } from "../../src/training/batches.js";
import { drawBatches, epochOrder } from "../../src/training/batches.js";
import type { HostArray, Tree } from "../../src/tree.js";
import { leaves } from "../../src/tree.js";

const config: BatchConfig = {
  batchSize: 4,
  dimZ: 3,
  keepProb: 0.5,
  learningRate: 1e-3,
  nHidden: 6,
  noise: "salt-pepper",
  seed: 1,
};
const images = { count: 40, offset: 0, pixels: Uint8Array.from({ length: 80 }, (_, i) => i) };

describe("drawBatches", () => {
  it("gives arrays of the shapes of the step's inputs", () => {
    const batches = drawBatches(images, 2, epochOrder(1, 1, 40), 0, config);
    const shapes = Object.fromEntries(leaves(batches as Tree<HostArray>).map(([path, { shape }]) => [path, shape]));
    expect(shapes).toEqual({
      images: [10, 4, 2],
      corrupted: [10, 4, 2],
      epsilon: [10, 4, 3],
      stepSize: [10],
      ...Object.fromEntries(DROPOUT_LAYERS.map((layer) => [`masks/${layer}`, [10, 4, 6]])),
    });
  });

  it("leaves out masks and noise where there are none", () => {
    const batches = drawBatches(images, 2, epochOrder(1, 1, 40), 0, { ...config, keepProb: 1, noise: "none" });
    expect(leaves(batches as Tree<HostArray>).map(([path]) => path)).toEqual(["images", "epsilon", "stepSize"]);
  });

  it("takes every image once an epoch, in a new order each time", () => {
    const rows = (epoch: number) => {
      const { data } = drawBatches(images, 2, epochOrder(1, epoch, 40), 0, config).images;
      return Array.from({ length: 40 }, (_, i) => data[2 * i] / 2);
    };
    expect(rows(1)).not.toEqual(rows(2));
    for (const epoch of [1, 2]) {
      expect(rows(epoch).sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    }
  });

  it("draws the same for a step, whatever chunk it is in", () => {
    const order = epochOrder(1, 1, 40);
    const whole = new Map(leaves(drawBatches(images, 2, order, 100, config) as Tree<HostArray>));
    const part = drawBatches(images, 2, order.subarray(12, 28), 103, config); // steps 3 to 6 of the ten
    for (const [path, { data }] of leaves(part as Tree<HostArray>)) {
      const size = data.length / 4;
      expect([...data], path).toEqual([...(whole.get(path) as HostArray).data.subarray(3 * size, 7 * size)]);
    }
  });
});

describe("adamStepSize", () => {
  it("is TensorFlow 1's, with the scales of unscaled moments", () => {
    for (const t of [1, 2, 10, 8580]) {
      const tensorflow = (1e-3 * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t);
      expect(adamStepSize(1e-3, t) / (0.1 / Math.sqrt(0.001))).toBeCloseTo(tensorflow, 12);
    }
  });
});
