// Compares convolutional layers with plain loops, and with each other.
import { afterAll, describe, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import type { tf } from "../../src/engine/compiled/tf.js";
import { buildParts } from "../../src/model/build.js";
import { conv, convTranspose, onImages } from "../../src/model/convolutions.js";
import { countParameters, initialParams } from "../../src/model/initialize.js";
import type { Layer } from "../../src/model/layers.js";
import { Model } from "../../src/model/model.js";
import { createContext, type Tensors } from "../../src/model/specs.js";
import { type HostArray, sizeOf } from "../../src/tree.js";
import { array, ENGINES, open, relativeError, weyl } from "../helpers.js";

/** Sides of an image, channels, filters, kernel and stride. */
const SHAPES = [
  [5, 7, 2, 3, 3, 2],
  [6, 4, 3, 2, 4, 2],
  [1, 9, 1, 2, 5, 2],
  [4, 4, 1, 1, 1, 1],
  [2, 3, 2, 2, 4, 3],
] as const;

const images = (height: number, width: number, channels: number, start = 0) =>
  array(weyl(2 * height * width * channels, -1, 1, start), [2, height, width, channels]);

const paramsOf = (layer: Layer, input: readonly number[]) =>
  Object.fromEntries(
    Object.entries(layer.specs(input, "image").params).map(([name, { shape }], i) => [
      name,
      array(weyl(sizeOf(shape), -1, 1, 500 * (i + 1)), shape),
    ]),
  );

/** Zero padding before a side, for an output of ⌈side / stride⌉. */
const before = (side: number, kernel: number, stride: number) =>
  Math.floor(Math.max((Math.ceil(side / stride) - 1) * stride + kernel - side, 0) / 2);

/** Σ x·weight + bias, by plain loops. */
function convolve(x: HostArray, weight: HostArray, bias: HostArray, stride: number): number[] {
  const [N, H, W, C] = x.shape;
  const [K, , , F] = weight.shape;
  const out: number[] = [];
  const [top, left] = [before(H, K, stride), before(W, K, stride)];
  for (let n = 0; n < N; n++)
    for (let r = 0; r < Math.ceil(H / stride); r++)
      for (let q = 0; q < Math.ceil(W / stride); q++)
        for (let f = 0; f < F; f++) {
          let sum = bias.data[f];
          for (let i = 0; i < K; i++)
            for (let j = 0; j < K; j++) {
              const [y, z] = [r * stride + i - top, q * stride + j - left];
              if (y < 0 || y >= H || z < 0 || z >= W) continue;
              for (let c = 0; c < C; c++) {
                sum += x.data[((n * H + y) * W + z) * C + c] * weight.data[((i * K + j) * C + c) * F + f];
              }
            }
          out.push(sum);
        }
  return out;
}

describe.each(ENGINES)("on engine %s", (name) => {
  const engine = open(name);
  afterAll(async () => (await engine).close());
  const apply = async (layer: Layer, params: object, x: HostArray) => {
    const fn = (inputs: { params: Tensors; x: tf.Tensor }) => ({
      y: layer.apply(createContext(inputs.params), inputs.x),
    });
    return (await (await engine).call(fn, { params, x } as never)).y;
  };

  it.each(SHAPES)("a convolution of %i×%i×%i to %i filters, kernel %i, stride %i", async (H, W, C, F, K, S) => {
    const layer = conv({ filters: F, kernel: K, stride: S, weight: "he" });
    const [params, x] = [paramsOf(layer, [H, W, C]), images(H, W, C)];
    const y = await apply(layer, params, x);
    expect(y.shape).toEqual([2, ...layer.specs([H, W, C], "image").output]);
    expect(relativeError(y.data, convolve(x, params.weight, params.bias, S))).toBeLessThan(1e-6);
  });

  it.each(SHAPES)("the transposed convolution of %i×%i×%i is the adjoint", async (H, W, C, F, K, S) => {
    const there = conv({ filters: F, kernel: K, stride: S, weight: "he" });
    const back = convTranspose({ filters: C, kernel: K, stride: S, height: H, width: W, weight: "he" });
    const output = there.specs([H, W, C], "image").output;
    const { weight } = paramsOf(there, [H, W, C]);
    const noBias = (count: number) => array(new Array(count).fill(0));
    const [x, y] = [images(H, W, C), images(output[0], output[1], output[2], 900)];
    const through = await apply(there, { weight, bias: noBias(F) }, x);
    const returned = await apply(back, { weight, bias: noBias(C) }, y);
    expect(returned.shape).toEqual(x.shape);
    const dot = (a: HostArray<Float32Array>, b: HostArray<Float32Array>) =>
      a.data.reduce((sum, value, i) => sum + value * b.data[i], 0);
    expect(dot(returned, x)).toBeCloseTo(dot(through, y), 4);
  });

  it("passes labels through unchanged", async () => {
    const layer = onImages([2, 2, 1], conv({ filters: 1, kernel: 1, weight: "he" }));
    const params = { weight: array([2], [1, 1, 1, 1]), bias: array([1]) };
    expect(layer.specs([4 + 3], "image").output).toEqual([4 + 3]);
    const y = await apply(layer, params, array([1, 2, 3, 4, 0, 1, 0], [1, 7]));
    expect([...y.data]).toEqual([3, 5, 7, 9, 0, 1, 0]);
  });

  it.each([
    [1, 1, 1],
    [1, 40, 1],
    [28, 28, 1],
    [33, 17, 3],
  ])("a network accepts images of %i×%i×%i, with and without labels", async (height, width, channels) => {
    const config = createConfig({ network: "conv", filters: [2, 3, 2], denseUnits: [4], outputBias: "mean" });
    for (const classes of [0, 2]) {
      const model = new Model(buildParts(config, { height, width, channels, classes }));
      const pixels = height * width * channels;
      const params = initialParams(model.parts.specs, 0, new Array(pixels).fill(0.3));
      const shape = [2, pixels];
      const bytes = { data: Uint8Array.from(weyl(2 * pixels, 0, 255)), shape };
      const labels = classes > 0 ? { labels: { data: Uint8Array.of(1, 0, 0, 1), shape: [2, 2] } } : {};
      const run = async <Out>(fn: Out, inputs: object) =>
        (await engine).call(fn as never, { params, ...inputs } as never);
      const { z } = (await run(model.encode, { batch: { images: bytes, ...labels } })) as { z: HostArray };
      expect(z.shape).toEqual([2, 2]);
      const { outputs } = (await run(model.decode, { z, ...labels })) as { outputs: HostArray };
      expect(outputs.shape).toEqual(shape);
      expect(outputs.data.every(Number.isFinite)).toBe(true);
    }
  });
});

it("refuses kernels that leave gaps", () => {
  expect(() => createConfig({ network: "conv", kernelSize: 1 })).toThrow("a whole number from 2 to 15");
  expect(() => convTranspose({ filters: 1, kernel: 2, stride: 3, height: 9, width: 9, weight: "he" })).toThrow(
    "A transposed convolution of stride 3 leaves gaps between kernels of 2 pixels",
  );
});

it("has as many parameters as the network of Keras' example", () => {
  // https://keras.io/examples/generative/vae/: 69,076 in the encoder. Its decoder has an additional last convolution.
  const config = createConfig({ network: "conv", filters: [32, 64], kernelSize: 3, denseUnits: [16] });
  const { specs } = buildParts(config, { height: 28, width: 28, channels: 1 });
  const encoder = Object.fromEntries(Object.entries(specs.params).filter(([name]) => name.startsWith("encoder.")));
  expect(countParameters({ params: encoder, draws: {} })).toBe(69_076);
});

it("initial weights preserve the variance of a signal through convolutions", () => {
  const { params } = convTranspose({ filters: 32, kernel: 4, stride: 2, height: 8, width: 8, weight: "he" }).specs(
    [4, 4, 64],
    "sample",
  );
  const { data } = initialParams({ params, draws: {} }, 0).weight;
  const variance = data.reduce((sum, value) => sum + value ** 2, 0) / data.length;
  expect(variance).toBeCloseTo(2 / (64 * 4), 3); // fan-in: 64 channels, and 2 × 2 weights of the kernel per pixel
});
