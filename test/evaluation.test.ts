import { afterAll, describe, expect, it } from "vitest";
import { evaluate, evaluationBatches } from "../src/evaluation.js";
import { reconstructImages, sampleImages } from "../src/inference.js";
import { parameterShapes } from "../src/model/parameters.js";
import { sizeOf } from "../src/tree.js";
import { array, open, weyl } from "./helpers.js";
import { elboInFloat64 } from "./reference/elbo.js";

const architecture = { pixels: 6, nHidden: 5, dimZ: 2 };
const params = Object.fromEntries(
  Object.entries(parameterShapes(architecture)).map(([name, shape], i) => [
    name,
    array(weyl(sizeOf(shape), -0.7, 0.7, 100 * i), shape),
  ]),
);
const config = { dimZ: 2, noise: "none", seed: 4 } as const;
/** More than two batches of 500. */
const images = { count: 1101, offset: 40, pixels: Uint8Array.from(weyl(1101 * 6, 0, 256)) };
/** A part of the same images, as a set that begins later. */
const tail = { count: 100, offset: 40 + 1001, pixels: images.pixels.subarray(1001 * 6) };

const engine = open("compiled");
afterAll(async () => (await engine).close());

const collect = (set: typeof images, count: number, settings: Parameters<typeof evaluationBatches>[2]) => {
  const batches = [...evaluationBatches(set, count, settings)];
  const join = (pick: (batch: (typeof batches)[number]["batch"]) => ArrayLike<number>) =>
    batches.flatMap(({ batch }) => Array.from(pick(batch)));
  return {
    sizes: batches.map(({ batch }) => batch.images.shape[0]),
    pixels: join(({ images }) => images.data),
    corrupted: join(({ corrupted }) => corrupted?.data ?? []),
    epsilon: join(({ epsilon }) => epsilon.data),
  };
};

describe("evaluation batches", () => {
  it("hold every image once, and the same draws every time", () => {
    const noisy = { ...config, noise: "salt-pepper" } as const;
    const once = collect(images, 1101, noisy);
    expect(once.sizes).toEqual([500, 500, 101]);
    expect(once.pixels).toEqual([...images.pixels]);
    expect(once.corrupted).toHaveLength(1101 * 6);
    expect(collect(images, 1101, noisy)).toEqual(once);
    expect(collect(images, 1101, { ...noisy, seed: 5 }).epsilon).not.toEqual(once.epsilon);
  });

  it("give an image the draws of its number in the data set, wherever it stands", () => {
    const noisy = { ...config, noise: "salt-pepper" } as const;
    const [whole, part] = [collect(images, 1101, noisy), collect(tail, 100, noisy)];
    expect(part.epsilon).toEqual(whole.epsilon.slice(1001 * 2));
    expect(part.corrupted).toEqual(whole.corrupted.slice(1001 * 6));
  });

  it("are smaller where images are larger", () => {
    const large = { count: 30, offset: 0, pixels: new Uint8Array(30 * 200 * 200) };
    expect(collect(large, 30, config).sizes).toEqual([9, 9, 9, 3]);
  });
});

describe("the ELBO of a set of images", () => {
  const { epsilon, pixels } = collect(images, 1101, config);
  const double = Object.fromEntries(Object.entries(params).map(([name, { data }]) => [name, Float64Array.from(data)]));
  const reference = (count: number) =>
    elboInFloat64(
      double,
      architecture,
      pixels.slice(0, count * 6).map((byte) => byte / 255),
      epsilon.slice(0, count * 2),
    );

  it("agrees with float64, over several batches", async () => {
    const elbo = await evaluate(await engine, params, images, config);
    const { reconstruction, kl } = reference(1101);
    expect(elbo.reconstruction).toBeCloseTo(reconstruction, 4);
    expect(elbo.kl).toBeCloseTo(kl, 4);
    expect(elbo.elbo).toBeCloseTo(reconstruction - kl, 4);
  });

  it("is that of the images that are shown", async () => {
    const { originals, outputs, elbo } = await reconstructImages(await engine, params, images, 600, config);
    expect(elbo.elbo).toBeCloseTo(reference(600).reconstruction - reference(600).kl, 4);
    expect([...originals]).toEqual(pixels.slice(0, 3600).map((byte) => Math.fround(byte / 255)));
    expect(outputs).toHaveLength(3600);
    // Σ x·log y + (1 − x)·log(1 − y) of what is shown is the reconstruction term.
    const sum = outputs.reduce((total, y, i) => {
      const x = pixels[i] / 255;
      return total + x * Math.log(y) + (1 - x) * Math.log(1 - y);
    }, 0);
    expect(sum / 600).toBeCloseTo(elbo.reconstruction, 3);
  });
});

describe("samples", () => {
  it("are numbered: any part is a part of the whole", async () => {
    const whole = await sampleImages(await engine, params, 0, 1101, config);
    const part = await sampleImages(await engine, params, 490, 30, config);
    part.forEach((value, i) => {
      expect(value).toBeCloseTo(whole[490 * 6 + i], 5);
    });
    expect(new Set(Array.from({ length: 1101 }, (_, i) => whole[6 * i])).size).toBeGreaterThan(1000);
  });
});
