import { afterAll, describe, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import { binarize, meanImage } from "../../src/data/binarize.js";
import { pixelsInMemory } from "../../src/data/pixels.js";
import { type EvaluationBatch, evaluationBatches } from "../../src/inference/batches.js";
import { decodeLatents, inferLatents, reconstructImages, sampleImages } from "../../src/inference/coding.js";
import { countActiveUnits, estimateLogLikelihoods, evaluate, meanAndError } from "../../src/inference/evaluation.js";
import { TrainedModel } from "../../src/inference/trained-model.js";
import { randomStream } from "../../src/random.js";
import { array, ENGINES, firstParams, modelOf, open, weyl, weylParams } from "../helpers.js";
import { elboInFloat64, encodeInFloat64, logLikelihoodInFloat64, logNormal } from "../reference/elbo.js";

const config = createConfig({ nHidden: [5, 5], dimZ: 2, seed: 4 });
const architecture = { ...config, pixels: 6, dimZ: 2 };
const size = { height: 2, width: 3, channels: 1 };
const params = weylParams(modelOf(config, 6), () => 0.7);
const double = Object.fromEntries(Object.entries(params).map(([name, { data }]) => [name, Float64Array.from(data)]));
/** More than two batches of 500. */
const BYTES = Uint8Array.from(weyl(1101 * 6, 0, 256));
const images = { count: 1101, offset: 40, pixels: pixelsInMemory(BYTES, 6) };
/** A subset of the same images, with an offset. */
const tail = { count: 100, offset: 40 + 1001, pixels: pixelsInMemory(BYTES.subarray(1001 * 6), 6) };

const engine = open("compiled");
afterAll(async () => (await engine).close());
const trained = async (settings = config, weights = params, on = engine) =>
  new TrainedModel({ engine: await on, model: modelOf(settings, 6), params: weights, size, config: settings });

const collect = (set: typeof images, settings: typeof config, imageSize = size) => {
  const model = modelOf(settings, 6);
  const batches = [...evaluationBatches({ model, size: imageSize }, set, settings, model.draws)];
  const join = (pick: (batch: EvaluationBatch) => ArrayLike<number>) =>
    batches.flatMap((batch) => [...Array.from(pick(batch))]);
  return {
    sizes: batches.map(({ batch }) => batch.images.shape[0]),
    pixels: join(({ batch }) => batch.images.data),
    corrupted: join(({ batch }) => batch.corrupted?.data ?? []),
    epsilon: join(({ draws }) => draws["posterior.epsilon"].data),
  };
};

describe("evaluation batches", () => {
  it("contain every image once, with the same draws every time", () => {
    const noisy = createConfig({ ...config, noise: "salt-pepper" });
    const once = collect(images, noisy);
    expect(once.sizes).toEqual([500, 500, 101]);
    expect(once.pixels).toEqual([...BYTES]);
    expect(once.corrupted).toHaveLength(1101 * 6);
    expect(collect(images, noisy)).toEqual(once);
    expect(collect(images, { ...noisy, seed: 5 }).epsilon).not.toEqual(once.epsilon);
  });

  it("give an image the draws of its index in the data set, in any subset", () => {
    const noisy = createConfig({ ...config, noise: "salt-pepper" });
    const [whole, part] = [collect(images, noisy), collect(tail, noisy)];
    expect(part.epsilon).toEqual(whole.epsilon.slice(1001 * 2));
    expect(part.corrupted).toEqual(whole.corrupted.slice(1001 * 6));
  });

  it("are smaller if the prior needs more memory, with the same draws", () => {
    // 2²⁶ numbers at once: 64 draws of 1000 components in 1024 dimensions
    const wide = createConfig({ ...config, dimZ: 1024, prior: "mixture", priorComponents: 1000 });
    const few = { ...images, count: 100 };
    const { sizes, epsilon } = collect(few, wide);
    expect(sizes).toEqual([64, 36]);
    expect(epsilon).toEqual(collect(few, createConfig({ ...config, dimZ: 1024 })).epsilon);
  });

  it("have the training's batch size for an objective that compares images", async () => {
    const settings = createConfig({ dimZ: 2, objective: "mmd", nHidden: [3], batchSize: 7, seed: 3 });
    const model = modelOf(settings, 6);
    const few = { ...images, count: 22 };
    const batches = [...evaluationBatches({ model, size }, few, settings, 1, settings.batchSize)];
    expect(batches.map(({ batch }) => batch.images.shape[0])).toEqual([7, 7, 8]);
    const weights = weylParams(model, () => 1);
    let sum = 0;
    for (const { batch, draws } of batches) {
      const { objective } = await (await engine).call(model.evaluate, { params: weights, batch, draws });
      for (const value of objective.data) sum += value;
    }
    const { objective, elbo } = await evaluate(await trained(settings, weights), few, settings);
    expect(objective).toBeCloseTo(sum / 22, 3);
    expect(Math.abs(objective - elbo)).toBeGreaterThan(0.01);
  });

  it("of one image give the ELBO, without a comparison", async () => {
    const settings = createConfig({ dimZ: 2, objective: "mmd", nHidden: [3] });
    const weights = weylParams(modelOf(settings, 6), () => 1);
    const { objective, elbo } = await evaluate(await trained(settings, weights), { ...images, count: 1 }, settings);
    expect(objective).toBeCloseTo(elbo, 4);
  });

  it("are smaller for larger images", () => {
    const large = { count: 30, offset: 0, pixels: pixelsInMemory(new Uint8Array(30 * 200 * 200), 200 * 200) };
    expect(collect(large, config, { height: 200, width: 200, channels: 1 }).sizes).toEqual([8, 8, 8, 6]);
  });
});

describe("binarized evaluation batches", () => {
  it("by a threshold are white from 0.5", () => {
    const { pixels } = collect(images, createConfig({ ...config, binarize: "threshold" }));
    expect(pixels).toEqual([...BYTES].map((byte) => (byte / 255 > 0.5 ? 255 : 0)));
  });

  it("by draws are white with the pixel's grey as probability, the same for an image every time", () => {
    const dynamic = createConfig({ ...config, binarize: "dynamic" });
    const once = collect(images, dynamic).pixels;
    expect(new Set(once)).toEqual(new Set([0, 255]));
    const expected = BYTES.reduce((sum, byte) => sum + byte / 255, 0);
    const variance = BYTES.reduce((sum, byte) => sum + (byte / 255) * (1 - byte / 255), 0);
    const white = once.filter((byte) => byte === 255).length;
    expect(Math.abs(white - expected)).toBeLessThan(3 * Math.sqrt(variance));
    expect(collect(tail, dynamic).pixels).toEqual(once.slice(1001 * 6));
  });

  it("keep black and white pixels", () => {
    const pixels = Uint8Array.from({ length: 10_000 }, (_, i) => 255 * (i % 2));
    binarize("dynamic", pixels, randomStream(0, "training binarization"));
    expect(pixels.every((byte, i) => byte === 255 * (i % 2))).toBe(true);
  });
});

describe("the mean of binarized images", () => {
  const two = { count: 2, offset: 0, pixels: pixelsInMemory(Uint8Array.of(0, 128, 255, 51, 0, 127), 3) };
  it("is the mean of the grey images or, with a threshold, of the binarized ones", () => {
    const grey = [51 / 255 / 2, 128 / 255 / 2, (255 + 127) / 255 / 2];
    for (const how of ["none", "dynamic"] as const) {
      meanImage(two, 3, how).forEach((mean, i) => {
        expect(mean).toBeCloseTo(grey[i], 12);
      });
    }
    expect([...meanImage(two, 3, "threshold")]).toEqual([0, 0.5, 0.5]);
  });
});

describe("the ELBO of a set of images", () => {
  const { epsilon, pixels } = collect(images, config);
  const reference = (count: number) =>
    elboInFloat64(
      double,
      architecture,
      pixels.slice(0, count * 6).map((byte) => byte / 255),
      epsilon.slice(0, count * 2),
    );

  it("agrees with float64, over several batches", async () => {
    const elbo = await evaluate(await trained(), images, config);
    const { reconstruction, kl } = reference(1101);
    expect(elbo.reconstruction).toBeCloseTo(reconstruction, 4);
    expect(elbo.kl).toBeCloseTo(kl, 4);
    expect(elbo.elbo).toBeCloseTo(reconstruction - kl, 4);
    expect(elbo.objective).toBeCloseTo(elbo.elbo, 6);
  });

  it("comes with the trained bound: importance-weighted, or with a weighted KL term", async () => {
    const iwae = createConfig({ ...config, objective: "iwae", importanceSamples: 3 });
    const drawn = collect(images, iwae).epsilon;
    const expected = elboInFloat64(
      double,
      architecture,
      pixels.map((byte) => byte / 255),
      drawn,
    );
    const weighted = await evaluate(await trained(iwae), images, iwae);
    expect(weighted.objective).toBeCloseTo(expected.importanceWeighted, 4);
    expect(weighted.elbo).toBeCloseTo(expected.reconstruction - expected.kl, 4);
    const beta = createConfig({ ...config, beta: 3 });
    const { objective, reconstruction, kl } = await evaluate(await trained(beta), images, beta);
    expect(objective).toBeCloseTo(reconstruction - 3 * kl, 5);
  });

  it("is the ELBO of the images shown", async () => {
    const { originals, outputs, elbo } = await reconstructImages(await trained(), { ...images, count: 600 }, config);
    expect(elbo.elbo).toBeCloseTo(reference(600).reconstruction - reference(600).kl, 4);
    expect([...originals]).toEqual(pixels.slice(0, 3600).map((byte) => Math.fround(byte / 255)));
    expect(outputs).toHaveLength(3600);
    // The reconstruction term is Σ x·log y + (1 − x)·log(1 − y) of the images shown.
    const sum = outputs.reduce((total, y, i) => {
      const x = pixels[i] / 255;
      return total + x * Math.log(y) + (1 - x) * Math.log(1 - y);
    }, 0);
    expect(sum / 600).toBeCloseTo(elbo.reconstruction, 3);
  });
});

describe("samples", () => {
  it("are numbered: any range equals that part of the whole", async () => {
    const whole = await sampleImages(await trained(), 0, 1101, config.seed);
    const part = await sampleImages(await trained(), 490, 30, config.seed);
    part.forEach((value, i) => {
      expect(value).toBeCloseTo(whole[490 * 6 + i], 5);
    });
    expect(new Set(Array.from({ length: 1101 }, (_, i) => whole[6 * i])).size).toBeGreaterThan(1000);
  });
});

describe("latents", () => {
  it("are posterior means, or the draws behind the reconstructions", async () => {
    const model = await trained();
    const means = await inferLatents(model, { ...images, count: 600 }, config, "means");
    const { mu } = encodeInFloat64(
      double,
      [...BYTES.subarray(599 * 6, 600 * 6)].map((byte) => byte / 255),
    );
    expect(means[599 * 2]).toBeCloseTo(mu[0], 5);
    expect(means[599 * 2 + 1]).toBeCloseTo(mu[1], 5);
    const draws = await inferLatents(model, { ...images, count: 600 }, config, "draws");
    const decoded = await decodeLatents(model, draws);
    const { outputs } = await reconstructImages(model, { ...images, count: 600 }, config);
    expect(Math.max(...decoded.map((value, i) => Math.abs(value - outputs[i])))).toBeLessThan(1e-5);
  });
});

describe("the likelihood by importance sampling", () => {
  const COUNT = 200;
  const SAMPLES = 5000;
  const line = createConfig({ nHidden: [5, 5], dimZ: 1, binarize: "threshold", seed: 9 });
  // The posterior depends on the image, and is wider than the true one, as importance sampling requires.
  const weights = {
    ...weylParams(modelOf(line, 6), (name) => (name.startsWith("encoder") ? 0.5 : 1.5), 31),
    "encoder.2.bias": array([0.1, 1.2]),
  };
  const doubles = Object.fromEntries(
    Object.entries(weights).map(([name, { data }]) => [name, Float64Array.from(data)]),
  );
  const set = { ...images, count: COUNT };
  const pictures = Array.from({ length: COUNT }, (_, i) =>
    [...BYTES.subarray(6 * i, 6 * i + 6)].map((byte) => (byte / 255 > 0.5 ? 1 : 0)),
  );

  const distinct = new Map(pictures.map((x) => [x.join(), x]));
  /** ∫ p(x|z) p(z) f(z) dz by the midpoint rule over ±12 standard deviations of the prior. */
  const integrate = (x: number[], f: (z: number) => number = () => 1) => {
    const [steps, width] = [2000, 24 / 2000];
    let sum = 0;
    for (let i = 0; i < steps; i++) {
      const z = -12 + (i + 0.5) * width;
      sum += Math.exp(logLikelihoodInFloat64(doubles, x, [z]) + logNormal(z, 0, 1)) * f(z) * width;
    }
    return sum;
  };

  it("of a one-dimensional model is within its standard error of the integral", async () => {
    const logLikelihoods = await estimateLogLikelihoods(await trained(line, weights), set, SAMPLES, line);
    // The relative error of an image's estimate follows from the variance of its weights w = p(x, z) / q(z|x). E[w²]
    // under q is the integral of p(x, z) w.
    const truths = new Map(
      [...distinct].map(([key, x]) => {
        const { mu, sigma } = encodeInFloat64(doubles, x);
        const likelihood = integrate(x);
        const square = integrate(x, (z) =>
          Math.exp(logLikelihoodInFloat64(doubles, x, [z]) + logNormal(z, 0, 1) - logNormal(z, mu[0], sigma[0])),
        );
        return [key, { truth: Math.log(likelihood), error: Math.sqrt((square / likelihood ** 2 - 1) / SAMPLES) }];
      }),
    );
    const scores = pictures.map((x, i) => {
      const { truth, error } = truths.get(x.join()) as { truth: number; error: number };
      return { difference: logLikelihoods[i] - truth, error };
    });
    const difference = scores.reduce((sum, score) => sum + score.difference, 0) / COUNT;
    const error = Math.sqrt(scores.reduce((sum, score) => sum + score.error ** 2, 0)) / COUNT;
    expect(error).toBeGreaterThan(0);
    expect(Math.abs(difference)).toBeLessThan(error);
    // Errors of images are normally distributed: 68% within one standard error, 95% within two.
    const within = (errors: number) =>
      scores.filter((score) => Math.abs(score.difference) < errors * score.error).length / COUNT;
    expect(Math.abs(within(1) - 0.683)).toBeLessThan(0.1);
    expect(Math.abs(within(2) - 0.954)).toBeLessThan(0.05);
  });

  it("grows with the number of samples, towards the true value", async () => {
    const model = await trained(line, weights);
    const estimates: number[] = [];
    for (const samples of [1, 5, 2500]) {
      estimates.push(meanAndError(await estimateLogLikelihoods(model, set, samples, line)).mean);
    }
    expect(estimates[1]).toBeGreaterThan(estimates[0]);
    expect(estimates[2]).toBeGreaterThan(estimates[1]);
    const truths = new Map([...distinct].map(([key, x]) => [key, Math.log(integrate(x))]));
    const truth = pictures.reduce((sum, x) => sum + (truths.get(x.join()) as number), 0) / COUNT;
    expect(Math.abs(estimates[2] - truth)).toBeLessThan(0.01);
  });

  it("is the same for any number of images, and on every engine", async () => {
    const few = { ...set, count: 3 };
    const logLikelihoods = await estimateLogLikelihoods(await trained(line, weights), set, 1500, line);
    for (const name of ENGINES) {
      const opened = await open(name);
      const model = await trained(line, weights, Promise.resolve(opened));
      const part = await estimateLogLikelihoods(model, few, 1500, line);
      part.forEach((value, i) => {
        expect(value, name).toBeCloseTo(logLikelihoods[i], 4);
      });
      await opened.close();
    }
  });

  it("does not overflow for very unlikely images", async () => {
    const far = { ...weights, "decoder.2.bias": array([300, 300, 300, 300, 300, 300]) };
    const logLikelihoods = await estimateLogLikelihoods(await trained(line, far), set, 1500, line);
    expect(logLikelihoods.every(Number.isFinite)).toBe(true);
    expect(Math.min(...logLikelihoods)).toBeLessThan(-800);
  });

  it("uses smaller batches for larger images, with the same draws", async () => {
    const large = createConfig({ nHidden: [4], dimZ: 3, binarize: "threshold" });
    const side = 99; // 78 samples at once
    const set = {
      count: 2,
      offset: 0,
      pixels: pixelsInMemory(Uint8Array.from(weyl(2 * side * side, 0, 256)), side * side),
    };
    const parts: number[] = [];
    const real = await engine;
    const watched = Object.assign(Object.create(real), {
      call: (fn: never, inputs: { draws: { [name: string]: { shape: number[] } } }) => {
        parts.push(inputs.draws["posterior.epsilon"].shape[0]);
        return real.call(fn, inputs as never);
      },
    });
    const model = new TrainedModel({
      engine: watched,
      model: modelOf(large, side * side),
      params: firstParams(large, side * side),
      size: { height: side, width: side, channels: 1 },
      config: large,
    });
    const inParts = await estimateLogLikelihoods(model, set, 100, large);
    expect(parts).toEqual([78, 22, 78, 22]);
    expect(inParts.every(Number.isFinite)).toBe(true);
  });
});

describe("active units", () => {
  it("are the dimensions whose mean has a variance above 0.01 over the images", () => {
    // Standard deviations 1, 0 and 0.09 around 5.
    const means = Float32Array.from(
      { length: 300 },
      (_, at) => 5 + (Math.floor(at / 3) % 2 ? 1 : -1) * [1, 0, 0.09][at % 3],
    );
    expect(countActiveUnits(means, 3)).toBe(1);
    expect(
      countActiveUnits(
        means.map((mean) => 5 + (mean - 5) * 1.2),
        3,
      ),
    ).toBe(2);
    expect(countActiveUnits(Float32Array.of(1, 2, 3), 3)).toBe(0);
  });
});

describe("a mean's standard error", () => {
  it("is the standard deviation (n − 1 degrees of freedom) divided by √n", () => {
    // 1, 2, 3, 4: variance 5/3
    expect(meanAndError([1, 2, 3, 4])).toEqual({ mean: 2.5, standardError: expect.closeTo(Math.sqrt(5 / 3 / 4), 10) });
    expect(meanAndError([7])).toEqual({ mean: 7 });
  });
});
