// Compares measures of latents with closed forms, numerical integrals and scikit-learn.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import { pixelsInMemory } from "../../src/data/pixels.js";
import * as vae from "../../src/index.js";
import { bitsPerDim, mutualInformation } from "../../src/inference/information.js";
import { normalQuantile } from "../../src/inference/latent-plane.js";
import { fitLogistic, minimize } from "../../src/inference/logistic.js";
import { measureLatents } from "../../src/inference/measures.js";
import { knnAccuracy, linearAccuracy } from "../../src/inference/probes.js";
import { TrainedModel } from "../../src/inference/trained-model.js";
import { copyTiny, modelOf, open, weyl, weylParams } from "../helpers.js";
import { encodeInFloat64, logNormal } from "../reference/elbo.js";
import reference from "../reference/latents.json" with { type: "json" };

let home: string;
let model: vae.LoadedModel;
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-measures-"));
  copyTiny(home);
  model = await vae.loadModel(at("run"));
});
afterAll(async () => {
  await model.close();
  rmSync(home, { recursive: true });
});

describe("the KL term of each dimension", () => {
  const config = createConfig({ nHidden: [5, 5], dimZ: 3, seed: 4 });
  const bytes = Uint8Array.from(weyl(700 * 6, 0, 256));
  const images = { count: 700, offset: 0, pixels: pixelsInMemory(bytes, 6) };
  const measure = async (settings: typeof config, bound = 0.7) => {
    const model = modelOf(settings, 6);
    const params = weylParams(model, () => bound);
    const engine = await open("compiled");
    const size = { height: 2, width: 3, channels: 1 };
    const trained = new TrainedModel({ engine, model, params, size, config: settings });
    const measures = await measureLatents(trained, images, undefined, settings);
    await engine.close();
    return { measures, params };
  };

  it("agrees with the closed form in float64, over several batches", async () => {
    const { measures, params } = await measure(config);
    const doubles = Object.fromEntries(
      Object.entries(params).map(([name, { data }]) => [name, Float64Array.from(data)]),
    );
    const sums = [0, 0, 0];
    for (let i = 0; i < 700; i++) {
      const pixels = [...bytes.subarray(6 * i, 6 * i + 6)].map((byte) => byte / 255);
      const { mu, sigma } = encodeInFloat64(doubles, pixels);
      for (let d = 0; d < 3; d++) sums[d] += 0.5 * (mu[d] ** 2 + sigma[d] ** 2 - Math.log(sigma[d] ** 2) - 1);
    }
    for (const [d, sum] of sums.entries()) expect(measures.klPerDimension?.[d]).toBeCloseTo(sum / 700, 5);
  });

  it("is absent without a closed form, and for a plain autoencoder", async () => {
    const { measures: mixture } = await measure({ ...config, prior: "mixture" });
    expect(mixture).not.toHaveProperty("klPerDimension");
    expect(mixture.mutualInformation?.images).toBe(700);
    const { measures: point } = await measure({ ...config, model: "ae", dimZ: 1 });
    expect(Object.keys(point)).toEqual(["activeUnits"]);
  });
});

describe("the mutual information", () => {
  /** Posteriors of `repeats` images each, with draws at the midpoints of `repeats` intervals of equal probability. */
  const posteriorsOf = (means: readonly number[], sigmas: readonly number[], repeats: number) => {
    const rows = means.flatMap((mean, i) =>
      Array.from({ length: repeats }, (_, r) => [
        mean,
        sigmas[i],
        mean + sigmas[i] * normalQuantile((r + 0.5) / repeats),
      ]),
    );
    const column = (j: number) => Float32Array.from(rows, (row) => row[j]);
    return { means: column(0), sigmas: column(1), z: column(2) };
  };

  it("of one-dimensional Gaussians agrees with the integral", () => {
    const [means, sigmas] = [
      [-1, 0.5, 2],
      [0.5, 1.5, 0.2],
    ];
    let integral = 0;
    for (let step = 0; step < 40_000; step++) {
      const z = -10 + (step + 0.5) / 2000;
      const densities = means.map((mean, i) => Math.exp(logNormal(z, mean, sigmas[i])));
      const aggregate = densities.reduce((sum, density) => sum + density, 0) / 3;
      for (const density of densities)
        if (density > 0) integral += (density * Math.log(density / aggregate)) / 3 / 2000;
    }
    expect(mutualInformation(posteriorsOf(means, sigmas, 1000), 1)).toBeCloseTo(integral, 2);
  });

  it("is 0 if all posteriors are equal, and log N if none overlap, at any distance", () => {
    expect(mutualInformation(posteriorsOf([3, 3], [0.1, 0.1], 50), 1)).toBeCloseTo(0, 6);
    const far = Array.from({ length: 40 }, (_, i) => 1e6 * i);
    expect(
      mutualInformation(
        posteriorsOf(
          far,
          far.map(() => 1e-3),
          1,
        ),
        1,
      ),
    ).toBeCloseTo(Math.log(40), 10);
  });

  it("adds up over independent dimensions", () => {
    // All combinations of two values in each dimension, without overlap.
    const means = Float32Array.of(0, 0, 0, 50, 50, 0, 50, 50);
    const sigmas = new Float32Array(8).fill(1);
    expect(mutualInformation({ means, sigmas, z: means }, 2)).toBeCloseTo(2 * Math.log(2), 10);
  });
});

it("bits per dimension of log 256 nats for each byte are 8", () => {
  expect(bitsPerDim(784 * Math.log(256), 784)).toBeCloseTo(8, 12);
});

describe("probes", () => {
  const { dims } = reference;
  const labelled = ({ latents, labels }: typeof reference.train) => ({
    latents: Float32Array.from(latents),
    labels: Uint16Array.from(labels),
  });
  const [train, test] = [labelled(reference.train), labelled(reference.test)];

  it("classify with scikit-learn's accuracy", () => {
    expect(knnAccuracy(train, test, dims)).toEqual({ accuracy: reference.knn, k: 10, trainingImages: 150 });
    expect(linearAccuracy(train, test, dims)).toEqual({ accuracy: reference.logistic, trainingImages: 150 });
  });

  it("match the probabilities of scikit-learn's logistic regression", () => {
    const columns = Array.from({ length: dims }, (_, d) => train.latents.filter((_, at) => at % dims === d));
    const moments = columns.map((column) => {
      const mean = column.reduce((sum, x) => sum + x, 0) / column.length;
      return [mean, Math.sqrt(column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / column.length)];
    });
    const standardize = (latents: Float32Array) =>
      Array.from(latents, (x, at) => (x - moments[at % dims][0]) / moments[at % dims][1]);
    const classes = Array.from(train.labels, (label) => [2, 5, 9].indexOf(label));
    const logitsOf = fitLogistic({ data: standardize(train.latents), width: dims }, classes, 3);
    const latents = standardize(test.latents);
    const fitted = Array.from(test.labels).flatMap((_, row) => {
      const powers = [...logitsOf(latents, row)].map(Math.exp);
      return powers.map((power) => power / (powers[0] + powers[1] + powers[2]));
    });
    expect(Math.max(...fitted.map((p, i) => Math.abs(p - reference.probabilities[i])))).toBeLessThan(1e-3);
  });

  it("use all images if there are fewer than k, and resolve ties to the smaller class", () => {
    const two = { latents: Float32Array.of(0, 1), labels: Uint16Array.of(7, 3) };
    const one = { latents: Float32Array.of(0.1), labels: Uint16Array.of(3) };
    expect(knnAccuracy(two, one, 1)).toEqual({ accuracy: 1, k: 2, trainingImages: 2 });
  });

  it("cannot predict classes without training images, and handle a constant dimension", () => {
    const latents = Float32Array.from(weyl(40), (x, at) => (at % 2 ? 5 : x));
    const labels = Uint16Array.from({ length: 20 }, (_, i) => Number(latents[2 * i] > 0));
    expect(linearAccuracy({ latents, labels }, { latents, labels }, 2).accuracy).toBeGreaterThan(0.9);
    expect(linearAccuracy({ latents, labels }, { latents, labels: labels.map(() => 2) }, 2).accuracy).toBe(0);
    expect(knnAccuracy({ latents, labels }, { latents, labels: labels.map(() => 2) }, 2).accuracy).toBe(0);
  });

  it("minimize a function with condition number 1000", () => {
    const end = minimize(([x, y], gradient) => {
      gradient.set([2 * (x - 3), 2000 * (y + 1)]);
      return (x - 3) ** 2 + 1000 * (y + 1) ** 2;
    }, new Float64Array(2));
    expect(end[0]).toBeCloseTo(3, 3);
    expect(end[1]).toBeCloseTo(-1, 6);
  });
});

describe("an evaluation", () => {
  it("has KL terms that sum to kl, mutual information below its bound, and probes", async () => {
    const { kl, klPerDimension, mutualInformation, probes, dimZ } = await model.evaluate();
    expect(klPerDimension).toHaveLength(dimZ);
    expect(klPerDimension?.reduce((sum, nats) => sum + nats, 0)).toBeCloseTo(kl, 4);
    expect(mutualInformation?.images).toBe(120);
    expect(mutualInformation?.nats).toBeGreaterThan(0);
    expect(mutualInformation?.nats).toBeLessThan(Math.log(120));
    expect(probes).toMatchObject({ images: 120, knn: { k: 10, trainingImages: 550 }, linear: { trainingImages: 550 } });
    for (const { accuracy } of [probes?.knn, probes?.linear] as { accuracy: number }[]) {
      expect(accuracy).toBeGreaterThan(0.2); // of ten digits
      expect(accuracy).toBeLessThan(1);
    }
  });

  it("of one image has no mutual information", async () => {
    const { mutualInformation, probes } = await model.evaluate({ count: 1 });
    expect(mutualInformation).toEqual({ nats: 0, images: 1 });
    expect(probes?.images).toBe(1);
  });

  it("of training images has no probes, because probes are fitted to them", async () => {
    expect(await model.evaluate({ split: "train" })).not.toHaveProperty("probes");
  });

  it("has bits per dimension if p(x|z) is a probability of bytes: 8 if uniform", async () => {
    const { tf } = vae.parts;
    const uniform: vae.parts.BuildParts = (settings, input) => {
      const pieces = vae.parts.pieces(settings, input);
      const build: vae.parts.LikelihoodFamily["build"] = (_, outputs) => ({
        mean: () => tf.sigmoid(outputs),
        logProb(x) {
          const [B, D] = x.shape as [number, number];
          const unused = tf.mul(tf.mean(tf.reshape(outputs, [B, outputs.shape[0] / B, D]), 2), 0);
          return tf.sub(unused, D * Math.log(256));
        },
      });
      return vae.parts.assemble({ ...pieces, likelihood: { ...pieces.likelihood, support: "bytes", build } });
    };
    const settings = { dataset: at("tiny"), nHidden: [4], batchSize: 50, epochs: 1, threads: 1 } as const;
    for await (const _ of vae.train(settings, { run: at("uniform"), parts: uniform }));
    const own = await vae.loadModel(at("uniform"), uniform);
    const { bitsPerDim, kl } = await own.evaluate({ importanceSamples: 5 });
    expect(bitsPerDim?.elbo).toBeCloseTo(8 + kl / (49 * Math.LN2), 5);
    await own.close();
    expect(await model.evaluate({ importanceSamples: 5 })).not.toHaveProperty("bitsPerDim");
  });
});
