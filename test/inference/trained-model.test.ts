import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createConfig, type GivenSettings } from "../../src/config/config.js";
import { UserError } from "../../src/errors.js";
import { datasets, drawImages, type HostArray, type LoadedModel, loadModel, toPictures } from "../../src/index.js";
import { RunFolder } from "../../src/run/folder.js";
import { array, firstParams, relativeError, weyl } from "../helpers.js";
import { decodeInFloat64, encodeInFloat64 } from "../reference/elbo.js";

const SIZE = { height: 3, width: 4, channels: 1 };
const pixels = 12;
let home: string;
const opened: LoadedModel[] = [];
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-model-"));
});
afterAll(async () => {
  for (const model of opened) await model.close();
  rmSync(home, { recursive: true });
});

/** A run whose model has initial weights. */
async function modelOf(given: GivenSettings = {}, size = SIZE) {
  const settings = createConfig({ dimZ: 2, nHidden: [9, 8], seed: 5, ...given });
  const dir = path.join(home, String(opened.length));
  const data = { name: "none", ...size, train: 9, validation: 1, test: 5, sha256: "" };
  const config = { version: "0.0.0", created: new Date().toISOString(), settings, data };
  const run = await RunFolder.create(config, { tensors: new Map(), metadata: {} }, dir);
  const params = firstParams(settings, size.height * size.width * size.channels, 1);
  await run.writeModel(params, {});
  await run.close();
  const model = await loadModel(dir);
  opened.push(model);
  const doubles = Object.fromEntries(
    Object.entries(params).map(([name, { data }]) => [name, Float64Array.from(data)] as const),
  );
  return { model, doubles };
}

/** Grey bytes, below and above the middle. */
const bytes = (count: number, shape = [count, SIZE.height, SIZE.width]): HostArray<Uint8Array> => ({
  data: Uint8Array.from(weyl(count * pixels, 0, 256)),
  shape,
});
const floats = ({ data, shape }: HostArray) =>
  array(
    Float32Array.from(data, (byte) => byte / 255),
    shape,
  );
const row = ({ data }: HostArray, i: number, length: number) => [...data.subarray(i * length, (i + 1) * length)];

/** Joins parts, two or more, to one array. */
async function joined<Part>(parts: AsyncIterable<Part>, arrayOf: (part: Part) => HostArray<Float32Array>) {
  const arrays: HostArray<Float32Array>[] = [];
  for await (const part of parts) arrays.push(arrayOf(part));
  expect(arrays.length).toBeGreaterThan(1);
  const count = arrays.reduce((sum, { shape }) => sum + shape[0], 0);
  return array(
    arrays.flatMap(({ data }) => [...data]),
    [count, ...arrays[0].shape.slice(1)],
  );
}

/** Transposes images from pixels × channels to channels × pixels. */
function reorder(data: Uint8Array, pixels: number, channels: number): Uint8Array {
  const size = pixels * channels;
  return data.map(
    (_, i) => data[Math.floor(i / size) * size + (i % pixels) * channels + Math.floor((i % size) / pixels)],
  );
}

describe("a model", () => {
  it("encodes bytes and floats like the float64 reference", async () => {
    const { model, doubles } = await modelOf();
    const images = bytes(7);
    const { z, sigma } = await model.encode(images);
    expect([z.shape, sigma?.shape]).toEqual([
      [7, 2],
      [7, 2],
    ]);
    for (let i = 0; i < 7; i++) {
      const expected = encodeInFloat64(
        doubles,
        row(images, i, pixels).map((byte) => byte / 255),
      );
      expect(relativeError(row(z, i, 2), expected.mu)).toBeLessThan(1e-5);
      expect(relativeError(row(sigma as HostArray, i, 2), expected.sigma)).toBeLessThan(1e-5);
    }
    for (const same of [floats(images), floats(bytes(7, [7, pixels])), bytes(7, [7, pixels])]) {
      const encoded = await model.encode(same);
      expect(relativeError(encoded.z.data, z.data)).toBeLessThan(1e-5);
    }
  });

  it("does not round floats to bytes", async () => {
    const { model, doubles } = await modelOf();
    const between = array(new Array(pixels).fill(100.5 / 255), [1, pixels]); // not a byte
    const { z } = await model.encode(between);
    expect(relativeError(z.data, encodeInFloat64(doubles, [...between.data]).mu)).toBeLessThan(1e-5);
  });

  it("decodes like the float64 reference, in several batches too", async () => {
    const { model, doubles } = await modelOf();
    const count = 503;
    const z = array(weyl(2 * count, -3, 3), [count, 2]);
    const images = await model.decode(z);
    expect(images.shape).toEqual([count, 3, 4]);
    for (const i of [0, 1, count - 1]) {
      expect(relativeError(row(images, i, pixels), decodeInFloat64(doubles, row(z, i, 2)))).toBeLessThan(1e-5);
    }
    expect(await joined(model.decodeParts(z), (part) => part)).toEqual(images);
  });

  it("reconstructs from posterior means", async () => {
    const { model, doubles } = await modelOf();
    const images = bytes(2);
    const reconstructed = await model.reconstruct(images);
    expect(reconstructed.shape).toEqual([2, 3, 4]);
    const { mu } = encodeInFloat64(
      doubles,
      row(images, 1, pixels).map((byte) => byte / 255),
    );
    expect(relativeError(row(reconstructed, 1, pixels), decodeInFloat64(doubles, mu))).toBeLessThan(1e-5);
  });

  it("draws from posteriors: normal, with their means and standard deviations, fixed by seed and index", async () => {
    const { model } = await modelOf();
    const count = 4000;
    const images = { data: new Uint8Array(count * pixels).fill(90), shape: [count, pixels] };
    const means = await model.encode(images);
    const draws = await model.encode(images, { what: "draws" });
    const scores = draws.z.data.map((z, i) => (z - means.z.data[i]) / (means.sigma as HostArray).data[i]);
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    const variance = scores.reduce((sum, score) => sum + score ** 2, 0) / scores.length;
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(scores.length));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / scores.length));
    expect(await model.encode(images, { what: "draws", seed: 5 })).toEqual(draws);
    expect((await model.encode(images, { what: "draws", seed: 6 })).z).not.toEqual(draws.z);
    expect(await joined(model.encodeParts(images, { what: "draws" }), ({ z }) => z)).toEqual(draws.z);
  });

  it("samples by decoding standard normal draws, fixed by seed and index", async () => {
    const { model } = await modelOf();
    const samples = await model.sample(20);
    expect(samples.shape).toEqual([20, 3, 4]);
    expect(await model.sample(20, { seed: 5 })).toEqual(samples);
    expect(await model.sample(20, { seed: 6 })).not.toEqual(samples);
    const many = await model.sample(1003);
    expect(relativeError(many.data.subarray(0, 20 * pixels), samples.data)).toBeLessThan(1e-5);
    expect(await joined(model.sampleParts(1003), (part) => part)).toEqual(many);
  });

  it.each(["threshold", "dynamic"] as const)("of binary pixels binarizes grey ones: %s", async (binarize) => {
    const { model, doubles } = await modelOf({ binarize });
    const images = bytes(1);
    const white = Uint8Array.from(images.data, (byte) => (byte >= 128 ? 255 : 0));
    const { z } = await model.encode({ data: white, shape: [1, pixels] });
    const expected = encodeInFloat64(
      doubles,
      [...white].map((byte) => byte / 255),
    );
    expect(relativeError(z.data, expected.mu)).toBeLessThan(1e-5);
    for (const grey of [images, floats(images)]) {
      const isSame = relativeError((await model.encode(grey)).z.data, z.data) < 1e-5;
      expect(isSame).toBe(binarize === "threshold");
    }
  });

  it("that removes noise accepts noisy images unchanged", async () => {
    const { model, doubles } = await modelOf({ noise: "gaussian", binarize: "dynamic" });
    const noisy = array(weyl(pixels, -1, 2), [1, pixels]);
    const { z } = await model.encode(noisy);
    expect(relativeError(z.data, encodeInFloat64(doubles, [...noisy.data]).mu)).toBeLessThan(1e-5);
    await expect(model.encode(array([...noisy.data].fill(Number.NaN), [1, pixels]))).rejects.toThrow(UserError);
  });

  it("without a posterior has no standard deviations", async () => {
    const { model } = await modelOf({ model: "ae" });
    expect(Object.keys(await model.encode(bytes(1)))).toEqual(["z"]);
  });

  it("of colour images has a number for each channel", async () => {
    const { model, doubles } = await modelOf({}, { height: 2, width: 2, channels: 3 });
    const images = bytes(2, [2, 2, 2, 3]);
    const { z } = await model.encode(images);
    const unit = row(images, 1, pixels).map((byte) => byte / 255);
    expect(relativeError(row(z, 1, 2), encodeInFloat64(doubles, unit).mu)).toBeLessThan(1e-5);
    const planes = reorder(images.data, 4, 3);
    expect((await model.encode({ data: planes, shape: [2, 3, 2, 2] })).z).toEqual(z);
    await expect(model.encode(bytes(2, [2, 12]))).rejects.toThrow("Give their shape, [N,2,2,3] or [N,3,2,2].");
    expect((await model.sample(5)).shape).toEqual([5, 2, 2, 3]);
    expect(drawImages(await model.decode(z)).channels).toBe(3);
    await expect(model.encode(bytes(3, [3, 12, 1]))).rejects.toThrow(
      "This model takes [N, 2, 2, 3], images of 2×2 in colour.",
    );
  });

  it("encodes a split of a data set like its images", async () => {
    const { model } = await modelOf({ dataset: "mnist" }, { height: 28, width: 28, channels: 1 });
    const mnist = await datasets.load("mnist");
    const few = { ...mnist.test, count: 3 };
    const { z } = await model.encode(datasets.read(mnist, "test", 0, 3));
    expect((await model.encode(few)).z).toEqual(z);
    // Of image pairs, the encoder sees the corrupted images.
    const inputs = { read: (numbers: ArrayLike<number>) => new Uint8Array(numbers.length * 784).fill(51) };
    const seen = await model.encode(array(new Array(3 * 784).fill(0.2), [3, 784]));
    expect(relativeError((await model.encode({ ...few, inputs })).z.data, seen.z.data)).toBeLessThan(1e-5);
    const { model: other } = await modelOf();
    await expect(other.encode(few)).rejects.toThrow("have 784 numbers each, but must have 12, [3,4].");
  });

  const plain = [0, 0];
  it.each([
    [
      "images of another size",
      (m) => m.encode(bytes(1, [1, 4, 3])),
      /shape \(1, 4, 3\), images of 3×4\. This model takes \[N, 3, 4\], images of 4×3/,
    ],
    [
      "images of no shape",
      (m) => m.encode(new Float32Array(12) as never),
      /The images must be \{ data, shape \} with row-major data, a Uint8Array/,
    ],
    [
      "images in doubles",
      (m) => m.encode({ data: new Float64Array(12), shape: [1, 12] } as never),
      /must be \{ data, shape/,
    ],
    ["images that are too few", (m) => m.encode(bytes(1, [2, 3, 4])), /has 12 numbers, but its shape is \[2,3,4\]/],
    ["no images", (m) => m.encode(bytes(0)), /There are no images/],
    ["floats up to 255", (m) => m.encode(array(bytes(2).data, [2, 3, 4])), /have values from 8 to 250\. Give x \/ 255/],
    [
      "NaN in an image",
      (m) => m.encode(array([...plain, ...new Array(10).fill(Number.NaN)], [1, 12])),
      /holds NaN in image 0/,
    ],
    [
      "a seed of a half",
      (m) => m.encode(bytes(1), { seed: 0.5 }),
      /The option seed is 0.5. It must be a whole number from 0/,
    ],
    [
      "z of another width",
      (m) => m.decode(array([1, 2, 3], [1, 3])),
      /shape \[1,3\], but this model takes \[count,2\]/,
    ],
    ["z without rows", (m) => m.decode(array(plain)), /shape \[2\], but this model takes \[count,2\]/],
    ["infinite z", (m) => m.decode(array([...plain, 0, -Infinity], [2, 2])), /Latent 1 holds -Infinity/],
    ["no z", (m) => m.decode(array([], [0, 2])), /There are no latents/],
    [
      "z in a list",
      (m) => m.decode({ data: plain, shape: [1, 2] } as never),
      /must be \{ data, shape \} with row-major data, a Float32Array,/,
    ],
    ["no samples", (m) => m.sample(0), /The count is 0. It must be a whole number from 1 to 9007199254740991/],
  ] satisfies [string, (model: LoadedModel) => Promise<unknown>, RegExp][])("refuses %s", async (_, use, problem) => {
    const { model } = await modelOf();
    const error = await use(model).catch((error) => error);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toMatch(problem);
  });
});

describe("images", () => {
  const images = array([0, 0.5, 1, 2, -1, 1, 0, 0, 1, 1, 1, 1], [2, 2, 3]);

  it("become single pictures, clipped to black and white", () => {
    expect(toPictures(images)).toEqual([
      { width: 3, height: 2, channels: 1, pixels: Uint8Array.of(0, 128, 255, 255, 0, 255) },
      { width: 3, height: 2, channels: 1, pixels: Uint8Array.of(0, 0, 255, 255, 255, 255) },
    ]);
  });

  it("become a grid", () => {
    const { width, height, pixels } = drawImages(images);
    expect(pixels).toHaveLength(width * height);
    expect(width).toBeGreaterThan(2 * 90);
    expect(() => drawImages(array([1, 2, 3], [1, 3]))).toThrow(
      "shape [count,height,width] or [count,height,width,3], not [1,3]",
    );
  });
});
