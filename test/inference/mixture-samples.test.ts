// Samples from a mixture fitted to latents of training images.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { range } from "../../src/data/pixels.js";
import { UserError } from "../../src/errors.js";
import { type LoadedModel, loadModel, train } from "../../src/index.js";
import { drawFromMixture, fitLatentMixture } from "../../src/inference/latent-mixture.js";
import { copyTiny, relativeError } from "../helpers.js";
import { vae } from "../vae.js";

let home: string;
let model: LoadedModel;
let plain: LoadedModel;
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-mixture-"));
  copyTiny(home);
  const usual = { dataset: at("tiny"), model: "ae", nHidden: [16], batchSize: 50, threads: 1 } as const;
  const settings = { ...usual, epochs: 30, learningRate: 0.01 };
  for await (const _ of train(settings, { run: at("plain") }));
  model = await loadModel(at("run"));
  plain = await loadModel(at("plain"));
});
afterAll(async () => {
  await model.close();
  await plain.close();
  rmSync(home, { recursive: true });
});

/** The whole of stderr if the model was trained for a few steps only. */
const EARLY =
  /^Fitting \d+ Gaussians to the latents of training images\.\nThese weights have had only \d+ steps of training[^\n]*\n$/;

describe("samples of a mixture", () => {
  const from = "mixture" as const;

  it("are numbered: a few equal the first of many, in parts too, and depend on the seed", async () => {
    const few = await model.sample(20, { from, seed: 5 });
    expect(few.shape).toEqual([20, 7, 7]);
    const many = await model.sample(1003, { from, seed: 5 });
    expect(relativeError(many.data.subarray(0, few.data.length), few.data)).toBeLessThan(1e-5);
    const parts: number[] = [];
    for await (const { data } of model.sampleParts(1003, { from, seed: 5 })) parts.push(...data);
    expect(parts).toEqual([...many.data]);
    expect(await model.sample(20, { from, seed: 6 })).not.toEqual(few);
    const again = await loadModel(at("run"));
    expect(await again.sample(20, { from, seed: 5 })).toEqual(few);
    await again.close();
  });

  it("tell the progress of the fit, which happens once", async () => {
    const fresh = await loadModel(at("run"));
    const calls: [number, number][] = [];
    const options = {
      from,
      components: 3,
      onProgress: (done: number, count: number) => void calls.push([done, count]),
    };
    const samples = await fresh.sample(2, options);
    const steps = calls.length - 1;
    expect(steps).toBeGreaterThan(1);
    expect(calls).toEqual([...Array.from({ length: steps }, (_, i) => [i, 100]), [100, 100]]);
    expect(await fresh.sample(2, options)).toEqual(samples);
    expect(calls).toHaveLength(steps + 1);
    await fresh.close();
    await expect(model.sample(2, { from, onProgress: 1 as never })).rejects.toThrow(UserError);
  });

  it("of one component have the mean and covariance of the latents of training images", async () => {
    const { train: images } = await plain.loadData();
    const { z } = await plain.encode(images);
    const mixture = await fitLatentMixture(plain, images, 1, { binarize: "none", noise: null, seed: 0 });
    const draws = drawFromMixture(mixture, 0, 20_000, 3);
    const moments = (points: Float32Array) => {
      const [x, y] = [0, 1].map((d) => points.filter((_, i) => i % 2 === d));
      const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
      const centred = (values: Float32Array, middle = mean(values)) => values.map((value) => value - middle);
      const product = (a: Float32Array, b: Float32Array) => {
        const other = centred(b);
        return mean(centred(a).map((value, i) => value * other[i]));
      };
      return [mean(x), mean(y), product(x, x), product(x, y), product(y, y)];
    };
    expect(relativeError(moments(draws), moments(z.data))).toBeLessThan(0.03);
  });

  it("of a VAE follow the aggregate posterior, which is wider than the means", async () => {
    const { train: images } = await model.loadData();
    const { z, sigma } = await model.encode(images);
    const { binarize, noise, seed } = model.config;
    const { factors } = await fitLatentMixture(model, images, 1, { binarize, noise, seed });
    const [x, s] = [z.data, sigma?.data as Float32Array].map((data) => data.filter((_, i) => i % 2 === 0));
    const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const middle = mean(x);
    const variance = mean(x.map((value) => (value - middle) ** 2)) + mean(s.map((value) => value ** 2));
    expect(Math.abs(factors[0] ** 2 / variance - 1)).toBeLessThan(0.15); // 550 draws
  });

  it("of a plain autoencoder follow its latents, not the prior", async () => {
    const { train: images } = await plain.loadData();
    const bytes = images.pixels.read(range(0, images.count));
    const averageOf = (pixels: ArrayLike<number>, white: number) => {
      const sums = new Float64Array(49);
      for (let i = 0; i < pixels.length; i++) sums[i % 49] += (49 * pixels[i]) / (white * pixels.length);
      return sums;
    };
    const errorOf = async (source: "prior" | "mixture") =>
      relativeError(averageOf((await plain.sample(2000, { from: source })).data, 1), averageOf(bytes, 255));
    expect(await errorOf("mixture")).toBeLessThan(0.1);
    expect(await errorOf("prior")).toBeGreaterThan(0.2);
  });

  it.each([
    [{ from: "posterior" }, 'The option from is "posterior". It must be one of prior, mixture.'],
    [{ from, components: 0 }, "The option components is 0. It must be a whole number from 1 to 1000."],
    [{ from, components: 2.5 }, "The option components is 2.5."],
    [{ components: 5 }, "`components` needs `from: mixture`. Give both."],
    [{ from, components: 551 }, "A mixture of 551 Gaussians needs as many images, but only 550 images can be used."],
  ])("refuse %o", async (options, problem) => {
    const error = await model.sample(2, options as never).catch((error) => error);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toContain(problem);
  });

  it("report missing training images, and work once they are restored", async () => {
    const moved = await loadModel(at("run"));
    const { dataset } = moved.config;
    Object.assign(moved.folder.config.settings, { dataset: at("gone") });
    await expect(moved.sample(2, { from })).rejects.toThrow("This run was trained on");
    Object.assign(moved.folder.config.settings, { dataset });
    expect((await moved.sample(2, { from })).shape).toEqual([2, 7, 7]);
    await moved.close();
  });
});

describe("vae sample --from mixture", () => {
  it("writes a picture with its own name, and files with --each", async () => {
    const { code, stdout, stderr } = await vae("sample --run run --from mixture --components 3 --n 4".split(" "), home);
    expect([code, stderr]).toEqual([0, expect.stringMatching(EARLY)]);
    expect(stdout).toContain(path.join("run", "pictures", "samples-mixture3-n4-seed0.png"));
    const each = await vae("sample --run run --from mixture --n 3 --each each".split(" "), home);
    expect([each.code, each.stderr]).toEqual([0, expect.stringMatching(EARLY)]);
    expect(readdirSync(at("each"))).toEqual(["sample-1.png", "sample-2.png", "sample-3.png"]);
  });

  it("is suggested by the note on draws from a plain autoencoder's prior", async () => {
    const prior = await vae("sample --run plain --n 4".split(" "), home);
    expect(prior.stderr).toContain("Draw z from a mixture fitted to its latents: --from mixture.");
    const mixture = await vae("sample --run plain --n 4 --from mixture".split(" "), home);
    expect([mixture.code, mixture.stderr]).toEqual([0, "Fitting 10 Gaussians to the latents of training images.\n"]);
  });

  it("is required by --components", async () => {
    const { code, stderr } = await vae("sample --run run --components 3".split(" "), home);
    expect([code, stderr]).toEqual([2, "error: --components needs --from mixture. Give both.\n"]);
  });
});
