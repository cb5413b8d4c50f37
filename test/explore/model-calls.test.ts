// The calls of the explorer's page on every kind of model, against the commands and the definitions of their numbers.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Inference, PackedArray } from "../../src/explore/protocol.js";
import { parseNpy } from "../../src/formats/npy.js";
import { encodePng } from "../../src/index.js";
import { copyTiny, relativeError, weyl } from "../helpers.js";
import { vae } from "../vae.js";
import { bytesOf, type Explorer, floatsOf, openExplorer, packBytes, packFloats } from "./explorer.js";

/** A Uint8Array, 0 to 255, from floats 0 to 1. */
const shades = (floats: ArrayLike<number>) =>
  Uint8Array.from(new Uint8ClampedArray(Array.from(floats, (x) => 255 * x)));
const COLOUR_SIDE = 8;

let home: string;
let before: string;
let explorer: Explorer;
const at = (...place: string[]) => path.join(home, ...place);
const run = (...args: string[]) => vae(args, home);

async function read(file: string) {
  const { data } = parseNpy(readFileSync(at(file)), file);
  return Float32Array.from(data);
}

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-explore-"));
  copyTiny(home);
  before = process.cwd();
  process.chdir(home);
  explorer = await openExplorer("run");
});
afterAll(async () => {
  await explorer.close();
  process.chdir(before);
  rmSync(home, { recursive: true });
});

describe("the numbers of a model of two dimensions", () => {
  it("decode as vae decode", async () => {
    const z = weyl(2 * 700, -3, 3);
    writeFileSync(at("z.csv"), Array.from({ length: 700 }, (_, i) => `${z[2 * i]},${z[2 * i + 1]}\n`).join(""));
    expect((await run("decode", "--run", "run", "--input", "z.csv", "--out", "decoded.npy")).code).toBe(0);
    const images = await explorer.call("run", "decode", { z: packFloats(z, [700, 2]) });
    expect(images.shape).toEqual([700, 7, 7, 1]);
    expect(bytesOf(images)).toEqual(shades(await read("decoded.npy")));
  });

  it("have the latents of vae encode, and the KL terms and active units of vae evaluate", async () => {
    expect((await run("encode", "--run", "run", "--out", "encoded.npy")).code).toBe(0);
    const evaluated = JSON.parse((await run("evaluate", "--run", "run", "--json", "--importance-samples", "1")).stdout);
    const latents = await explorer.call("run", "latents", { count: 1000 });
    expect(latents.means.shape).toEqual([120, 2]);
    expect(floatsOf(latents.means)).toEqual(await read("encoded.npy"));
    expect(latents.klPerDimension).toEqual(evaluated.klPerDimension);
    expect(latents.variances.filter((variance) => variance > 0.01).length).toBe(evaluated.activeUnits);
    const labels = readFileSync(at("tiny/t10k-labels-idx1-ubyte")).subarray(8);
    expect([...bytesOf(latents.labels as PackedArray)].map((label) => latents.classes?.[label])).toEqual(
      Array.from(labels, String),
    );
    expect(latents.components).toBeUndefined();
  });

  it("infer test images with the bounds of vae evaluate", async () => {
    const { elbo, reconstruction, kl } = JSON.parse((await run("evaluate", "--run", "run", "--json")).stdout);
    const all: Inference[] = [];
    for (let index = 0; index < 120; index++) all.push(await explorer.call("run", "inferTest", { index }));
    const mean = (of: (one: Inference) => number) => all.reduce((sum, one) => sum + of(one) / all.length, 0);
    expect(mean(({ bounds }) => bounds.elbo)).toBeCloseTo(elbo, 4);
    expect(mean(({ bounds }) => bounds.reconstruction)).toBeCloseTo(reconstruction, 4);
    expect(mean(({ bounds }) => bounds.kl)).toBeCloseTo(kl, 4);
    const [first] = all;
    expect(first.label).toBe(String(readFileSync(at("tiny/t10k-labels-idx1-ubyte"))[8]));
    const [mu, sigma] = [floatsOf(first.mean), floatsOf(first.sigma as PackedArray)];
    const closed = Array.from(mu, (m, d) => 0.5 * (m ** 2 + sigma[d] ** 2 - 1) - Math.log(sigma[d]));
    expect(relativeError(floatsOf(first.klPerDimension as PackedArray), closed)).toBeLessThan(1e-5);
  });

  it("infer a given image as the same test image", async () => {
    const images = bytesOf(await explorer.call("run", "testImages", { indices: [5, 0, 5] }));
    const file = readFileSync(at("tiny/t10k-images-idx3-ubyte")).subarray(16);
    expect(Buffer.from(images)).toEqual(Buffer.concat([5, 0, 5].map((i) => file.subarray(49 * i, 49 * (i + 1)))));
    const image = packBytes(images.subarray(0, 49), [7, 7, 1]);
    const { bounds, ...given } = await explorer.call("run", "infer", { image });
    const { label, bounds: ofTest, ...expected } = await explorer.call("run", "inferTest", { index: 5 });
    expect(given).toEqual(expected); // the bounds are of another draw
    expect(bounds.kl).toBe(ofTest.kl);
  });

  it("come from new weights after the training saved them, with other information", async () => {
    const z = packFloats([1, -1], [1, 2]);
    const old = bytesOf(await explorer.call("run", "decode", { z }));
    expect(await explorer.call("run", "info", {})).toMatchObject({ epoch: 2 });
    expect(await explorer.call("run", "latents", { count: 2 })).toMatchObject({ epoch: 2 });
    expect((await run("train", "--resume", "run", "--epochs", "4", "--quiet")).code).toBe(0);
    const { epoch } = await explorer.call("run", "info", {});
    expect(epoch).toBeGreaterThan(2);
    expect(await explorer.call("run", "latents", { count: 2 })).toMatchObject({ epoch });
    writeFileSync(at("one.csv"), "1,-1\n");
    expect((await run("decode", "--run", "run", "--input", "one.csv", "--out", "one.npy")).code).toBe(0);
    const fresh = bytesOf(await explorer.call("run", "decode", { z }));
    expect(fresh).toEqual(shades(await read("one.npy")));
    expect(fresh).not.toEqual(old);
  });
});

const TINY = ["--dataset", "tiny", "--n-hidden", "16"];
const PHOTOS = ["--dataset", "photos", "--size", String(COLOUR_SIDE)];
const KINDS: Record<string, readonly string[]> = {
  conv: ["--dataset", "tiny", "--network", "conv", "--dim-z", "3"],
  conditional: [...TINY, "--conditional", "--dim-z", "3"],
  autoencoder: [...TINY, "--model", "ae", "--dim-z", "3"],
  denoiser: [...TINY, "--noise", "gaussian:0.3", "--dim-z", "3"],
  mixture: [...TINY, "--set", "prior=mixture", "--dim-z", "4"],
  flow: [...TINY, "--set", "prior=flow", "--dim-z", "4"],
  vamp: [...TINY, "--set", "prior=vamp", "--dim-z", "4"],
  iaf: [...TINY, "--set", "posterior=iaf", "--dim-z", "4"],
  layers: [...TINY, "--dim-z", "3,2"],
  dynamic: [...TINY, "--binarize", "dynamic", "--dim-z", "3"],
  threshold: [...TINY, "--binarize", "threshold", "--dim-z", "1"],
  gaussian: [...TINY, "--set", "likelihood=gaussian", "--dim-z", "3"],
  logistic: [...TINY, "--set", "likelihood=logistic", "--dim-z", "3"],
  photos: PHOTOS,
  pairs: ["--input-dir", "noisy", "--target-dir", "photos", "--size", String(COLOUR_SIDE), "--dim-z", "3"],
};

/** Colour images, and a noisy version of each. */
function writePhotos(): void {
  for (const folder of ["photos", "noisy"]) mkdirSync(at(folder));
  for (let i = 0; i < 40; i++) {
    const pixels = Uint8Array.from(weyl(3 * COLOUR_SIDE ** 2, 0, 255, 97 * i));
    const size = { width: COLOUR_SIDE, height: COLOUR_SIDE, channels: 3 };
    writeFileSync(at("photos", `${i}.png`), encodePng({ ...size, pixels }));
    writeFileSync(at("noisy", `${i}.png`), encodePng({ ...size, pixels: pixels.map((byte) => byte >> 1) }));
  }
}

describe.each(Object.keys(KINDS))("a model of kind %s", (kind) => {
  const isColour = kind === "photos" || kind === "pairs";
  const shape = isColour ? [COLOUR_SIDE, COLOUR_SIDE, 3] : [7, 7, 1];
  const folder = `runs/${kind}`;
  let Z: number;
  let classes: readonly string[] | undefined;
  const ofClass = (name: string | undefined) => (classes && name !== undefined ? { class: name } : {});

  beforeAll(async () => {
    if (kind === "photos") writePhotos();
    const args = ["--batch-size", "20", "--epochs", "1", "--seed", "3", "--threads", "1", "--quiet", "--run", folder];
    const { code, stderr } = await run("train", ...KINDS[kind], ...args);
    expect(code, stderr).toBe(0);
    const info = await explorer.call(folder, "info", {});
    Z = info.dimZ;
    classes = info.classes;
  });

  it("is described by its settings", async () => {
    const info = await explorer.call(folder, "info", {});
    const [height, width, channels] = shape;
    expect(info).toMatchObject({ run: folder, epoch: 1, height, width, channels, hasInputs: kind === "pairs" });
    expect(info.testImages).toBe(isColour ? 6 : 120);
    expect(info.isDrawn).toBe(kind !== "autoencoder");
    const others = ["autoencoder", "mixture", "flow", "vamp", "layers", "photos", "pairs"];
    expect(info.hasNormalPrior).toBe(!others.includes(kind));
    expect(info.noise).toEqual(kind === "denoiser" ? { kind: "gaussian", strength: 0.3 } : null);
    expect(info.classes?.length).toBe(kind === "conditional" ? 10 : undefined);
    expect(info.objective).toBe(kind === "autoencoder" ? "−log p(x|z)" : "−ELBO");
  });

  it("has the latents of vae encode, and orthonormal eigenvectors of their covariance", async () => {
    const { means, components, variances, klPerDimension } = await explorer.call(folder, "latents", { count: 50 });
    const N = isColour ? 6 : 50;
    expect(means.shape).toEqual([N, Z]);
    const z = floatsOf(means);
    expect((await run("encode", "--run", folder, "--n", String(N), "--out", "z.npy")).code).toBe(0);
    const encoded = await read("z.npy");
    const dims = encoded.length / N;
    expect(Z).toBe(kind === "layers" ? 3 : dims);
    expect(z).toEqual(encoded.filter((_, i) => i % dims < Z));
    const mean = Array.from(
      { length: Z },
      (_, d) => z.reduce((sum, value, i) => (i % Z === d ? sum + value : sum), 0) / N,
    );
    const covariance = (c: number, d: number) => {
      let sum = 0;
      for (let i = 0; i < N; i++) sum += (z[i * Z + c] - mean[c]) * (z[i * Z + d] - mean[d]);
      return sum / N;
    };
    expect(
      relativeError(
        variances,
        mean.map((_, d) => covariance(d, d)),
      ),
    ).toBeLessThan(1e-5);
    const hasClosedForm = !["autoencoder", "mixture", "flow", "vamp", "iaf", "layers", "photos", "pairs"].includes(
      kind,
    );
    expect(klPerDimension?.length).toBe(hasClosedForm ? Z : undefined);
    if (Z < 3) return;
    if (!components) throw new Error("no components");
    expect(relativeError(floatsOf(components.origin), mean)).toBeLessThan(1e-4);
    const axes = floatsOf(components.axes);
    const axis = (k: number) => [...axes.subarray(k * Z, (k + 1) * Z)];
    const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
    expect([dot(axis(0), axis(0)), dot(axis(1), axis(1))]).toEqual([expect.closeTo(1, 5), expect.closeTo(1, 5)]);
    expect(dot(axis(0), axis(1))).toBeCloseTo(0, 5);
    const total = variances.reduce((sum, variance) => sum + variance, 0);
    for (const k of [0, 1]) {
      const product = mean.map((_, c) =>
        dot(
          axis(k),
          mean.map((_, d) => covariance(c, d)),
        ),
      );
      const eigenvalue = dot(product, axis(k));
      expect(
        relativeError(
          product,
          axis(k).map((x) => eigenvalue * x),
        ),
      ).toBeLessThan(2e-3);
      expect(components.explained[k]).toBeCloseTo(eigenvalue / total, 4);
    }
    expect(components.explained[0]).toBeGreaterThanOrEqual(components.explained[1]);
  });

  it("decodes draws from the prior as vae sample", async () => {
    const name = classes?.[3];
    const flags = name === undefined ? [] : ["--class", name];
    const sampled = await run(
      "sample",
      "--run",
      folder,
      "--n",
      "1",
      "--seed",
      "7",
      ...flags,
      "--each",
      `${kind}-samples`,
    );
    expect(sampled.code, sampled.stderr).toBe(0);
    const [file] = readdirSync(at(`${kind}-samples`));
    const { data } = PNG.sync.read(readFileSync(at(`${kind}-samples`, file)));
    const expected = data.filter((_, i) => i % 4 < shape[2]);
    const z = await explorer.call(folder, "draw", { seed: 7 });
    expect(z.shape).toEqual([Z]);
    const { base64, shape: decoded } = await explorer.call(folder, "decode", {
      z: { ...z, shape: [1, Z] },
      ...ofClass(name),
    });
    expect(decoded).toEqual([1, ...shape]);
    expect(Buffer.from(base64, "base64")).toEqual(Buffer.from(expected));
  });

  it("reconstructs a test image from its mean", async () => {
    const { original, input, reconstruction, mean, label, bounds } = await explorer.call(folder, "inferTest", {
      index: 4,
    });
    expect(mean.shape).toEqual([Z]);
    const decoded = await explorer.call(folder, "decode", { z: { ...mean, shape: [1, Z] }, ...ofClass(label) });
    expect([reconstruction.shape, reconstruction.base64]).toEqual([shape, decoded.base64]);
    expect(bounds.elbo).toBeCloseTo(bounds.reconstruction - bounds.kl, 4);
    expect(bounds.kl === 0).toBe(kind === "autoencoder");
    const [image] = [bytesOf(await explorer.call(folder, "testImages", { indices: [4] }))];
    const isBinary = kind === "dynamic" || kind === "threshold";
    if (isBinary) expect(new Set(bytesOf(original))).toEqual(new Set([0, 255]));
    else expect(bytesOf(original)).toEqual(image);
    expect(input && bytesOf(input)).toEqual(kind === "pairs" ? image.map((byte) => byte >> 1) : undefined);
    const { means } = await explorer.call(folder, "latents", { count: 5 });
    expect(relativeError(floatsOf(mean), floatsOf(means).subarray(4 * Z, 5 * Z))).toBeLessThan(1e-5);
  });

  it("infers a given image, binarized or with noise as in training", async () => {
    const grey = Uint8Array.from(weyl(shape[0] * shape[1] * shape[2], 0, 255));
    const image = packBytes(grey, shape);
    const { original, input } = await explorer.call(folder, "infer", { image, ...ofClass(classes?.[0]) });
    expect(input).toBeUndefined();
    if (kind === "threshold") expect(bytesOf(original)).toEqual(grey.map((byte) => (byte < 128 ? 0 : 255)));
    else if (kind === "dynamic") expect(new Set(bytesOf(original))).toEqual(new Set([0, 255]));
    else expect(bytesOf(original)).toEqual(grey);
    const noisy = explorer.call(folder, "infer", { image, noise: 0.2, ...ofClass(classes?.[0]) });
    if (kind !== "denoiser") {
      await expect(noisy).rejects.toThrow("400: This model was trained without noise. Leave out the noise.");
      return;
    }
    const { original: clean, input: seen } = await noisy;
    expect(bytesOf(clean)).toEqual(grey);
    const differences = Array.from(bytesOf(seen as PackedArray), (byte, i) => byte - grey[i]).filter((x) => x !== 0);
    expect(differences.length).toBeGreaterThan(30);
  });

  it("opens an image file as vae reconstruct does", async () => {
    const pixels = Uint8Array.from(weyl(30 * 20 * 3, 0, 255));
    const file = encodePng({ width: 30, height: 20, channels: 3, pixels });
    const opened = await explorer.call(folder, "openFile", { base64: Buffer.from(file).toString("base64") });
    expect(opened.shape).toEqual(shape);
    const { default: sharp } = await import("sharp");
    const scaled = sharp(file).resize(shape[1], shape[0], { fit: "cover" });
    const expected = await scaled.raw().toBuffer();
    const grey = (i: number) => 0.299 * expected[3 * i] + 0.587 * expected[3 * i + 1] + 0.114 * expected[3 * i + 2];
    const values = shape[2] === 3 ? expected : Array.from({ length: 49 }, (_, i) => grey(i));
    expect(Math.max(...bytesOf(opened).map((byte, i) => Math.abs(byte - values[i])))).toBeLessThanOrEqual(1);
  });
});
