import type { Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import { afterAll, describe, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import "../../src/engine/compiled/gradients.js";
import { tf } from "../../src/engine/compiled/tf.js";
import { bernoulliLogLikelihood, gaussianKl, logMeanExp } from "../../src/model/densities.js";
import { initialParams } from "../../src/model/initialize.js";
import type { Batch } from "../../src/model/model.js";
import { createContext, type Tensors } from "../../src/model/specs.js";
import { randomStream } from "../../src/random.js";
import { array, ENGINES, firstParams, modelOf, open, weyl, weylParams } from "../helpers.js";
import { elboInFloat64 } from "../reference/elbo.js";

const PIXELS = 6;
const CONFIG = createConfig({ nHidden: [5, 5], dimZ: 2 });
const MNIST = createConfig({});

const shapesOf = (config: typeof MNIST, pixels: number) =>
  Object.fromEntries(
    Object.entries(modelOf(config, pixels).parts.specs.params).map(([name, { shape }]) => [name, shape]),
  );

describe("parameters", () => {
  it("have the shapes of the tutorial's networks", () => {
    expect(shapesOf(MNIST, 784)).toEqual({
      "encoder.0.weight": [784, 500],
      "encoder.0.bias": [500],
      "encoder.1.weight": [500, 500],
      "encoder.1.bias": [500],
      "encoder.2.weight": [500, 4],
      "encoder.2.bias": [4],
      "decoder.0.weight": [2, 500],
      "decoder.0.bias": [500],
      "decoder.1.weight": [500, 500],
      "decoder.1.bias": [500],
      "decoder.2.weight": [500, 784],
      "decoder.2.bias": [784],
    });
  });

  it("start with zero biases and weights of variance 2 / fan-in, truncated at two standard deviations", () => {
    const params = firstParams(MNIST, 784, 0);
    expect(params["encoder.0.bias"].data.every((bias) => bias === 0)).toBe(true);
    const { data } = params["encoder.0.weight"];
    const variance = data.reduce((sum, w) => sum + w * w, 0) / data.length;
    expect((variance * 784) / 2).toBeCloseTo(1.3 * 0.7737, 2);
    expect(Math.max(...data.map(Math.abs).filter((_, i) => i < 10_000))).toBeLessThanOrEqual(2 * Math.sqrt(2.6 / 784));
  });

  it("mirror the encoder's layers in the decoder; a plain autoencoder's encoder outputs z", () => {
    const shapes = shapesOf({ ...MNIST, model: "ae", nHidden: [300, 200, 100], dimZ: 7 }, 784);
    const weights = Object.entries(shapes).filter(([name]) => name.endsWith("weight"));
    expect(weights.map(([, shape]) => shape)).toEqual([
      [784, 300],
      [300, 200],
      [200, 100],
      [100, 7],
      [7, 100],
      [100, 200],
      [200, 300],
      [300, 784],
    ]);
  });

  it("with initialWeights glorot are uniform, with variance 2 / (fan-in + fan-out)", () => {
    const { data } = firstParams({ ...MNIST, initialWeights: "glorot" }, 784, 0)["encoder.0.weight"];
    const bound = Math.sqrt(6 / 1284);
    const variance = data.reduce((sum, w) => sum + w * w, 0) / data.length;
    expect(variance / (2 / 1284)).toBeCloseTo(1, 2);
    const largest = data.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.999 * bound);
    // Uniform: a quarter exceeds 3/4 of the bound.
    expect(data.filter((w) => Math.abs(w) > 0.75 * bound).length / data.length).toBeCloseTo(0.25, 2);
  });

  it("with outputBias mean start with a decoder that outputs the mean image", () => {
    const { specs } = modelOf({ ...CONFIG, outputBias: "mean" }, PIXELS).parts;
    const params = initialParams(specs, 0, [0, 0.2, 0.5, 0.9, 1, 0.001]);
    const means = [...params["decoder.2.bias"].data].map((bias) => 1 / (1 + Math.exp(-bias)));
    [0.001, 0.2, 0.5, 0.9, 0.999, 0.001].forEach((mean, i) => {
      expect(means[i]).toBeCloseTo(mean, 6);
    });
    expect(params["decoder.1.bias"].data.every((bias) => bias === 0)).toBe(true);
  });

  it("depend only on the seed", () => {
    expect(firstParams(CONFIG, PIXELS, 1)).toEqual(firstParams(CONFIG, PIXELS, 1));
    expect(firstParams(CONFIG, PIXELS, 1)).not.toEqual(firstParams(CONFIG, PIXELS, 2));
  });
});

describe.each(ENGINES)("on engine %s", (name) => {
  const engine = open(name);
  afterAll(async () => (await engine).close());

  it("the KL term agrees with numerical integration", async () => {
    const cases = [
      [0, 1],
      [1.5, 0.3],
      [-2, 2],
      [0.1, 0.02],
    ];
    const { kl } = await (await engine).call(
      ({ mu, sigma }: { mu: Tensor2D; sigma: Tensor2D }) => ({
        kl: gaussianKl(mu, sigma),
      }),
      {
        mu: array(
          cases.map(([mu]) => mu),
          [4, 1],
        ),
        sigma: array(
          cases.map(([, sigma]) => sigma),
          [4, 1],
        ),
      },
    );
    cases.forEach(([mu, sigma], i) => {
      // ∫ q log(q / p) by the midpoint rule over ±12 standard deviations of q
      const [low, steps] = [mu - 12 * sigma, 20_000];
      const width = (24 * sigma) / steps;
      let integral = 0;
      for (let k = 0; k < steps; k++) {
        const z = low + (k + 0.5) * width;
        const logQ = -0.5 * ((z - mu) / sigma) ** 2 - Math.log(sigma * Math.sqrt(2 * Math.PI));
        const logP = -0.5 * z ** 2 - Math.log(Math.sqrt(2 * Math.PI));
        integral += Math.exp(logQ) * (logQ - logP) * width;
      }
      expect(kl.data[i]).toBeCloseTo(integral, 4);
    });
  });

  it("the likelihood agrees with its definition, and is finite for all logits", async () => {
    const x = [0, 1, 0.25, 0.9];
    const logits = [-3, 0.5, 2, -0.1];
    const call = async (x: number[], logits: number[]) => {
      const inputs = { x: array(x, [1, 1, x.length]), logits: array(logits, [1, 1, x.length]) };
      const { value } = await (await engine).call(
        (tensors: { x: Tensor3D; logits: Tensor3D }) => ({
          value: bernoulliLogLikelihood(tensors.x, tensors.logits),
        }),
        inputs,
      );
      return value.data[0];
    };
    const expected = x.reduce((sum, xi, i) => {
      const y = 1 / (1 + Math.exp(-logits[i]));
      return sum + xi * Math.log(y) + (1 - xi) * Math.log(1 - y);
    }, 0);
    expect(await call(x, logits)).toBeCloseTo(expected, 5);
    expect(await call([1, 0], [500, -500])).toBeCloseTo(0, 5);
    expect(await call([0, 1], [500, -500])).toBeCloseTo(-1000, 2);
    // 784 pixels at logit 0 are 784·log 2: the product of their factors must not overflow. 787 is prime, 224 = 2·112.
    for (const count of [784, 787, 224]) {
      const zeros = new Array(count).fill(0);
      expect(await call(zeros, zeros)).toBeCloseTo(-count * Math.log(2), 2);
    }
  });

  it("logMeanExp and its gradient agree with the definition, without overflow", async () => {
    const rows = [
      [-1, 0.5, 2],
      [-900, -901, -1000],
      [800, 0, 799],
    ];
    const { value, gradient } = await (await engine).call(
      ({ x, weights }: { x: Tensor2D; weights: tf.Tensor1D }) => ({
        value: logMeanExp(x),
        gradient: tf.grad((a) => tf.sum(tf.mul(logMeanExp(a as Tensor2D), weights)))(x),
      }),
      { x: array(rows.flat(), [3, 3]), weights: array([1, -2, 3]) },
    );
    rows.forEach((row, i) => {
      const largest = Math.max(...row);
      const sum = row.reduce((total, x) => total + Math.exp(x - largest), 0);
      expect(value.data[i]).toBeCloseTo(largest + Math.log(sum / 3), 3);
      row.forEach((x, j) => {
        expect(gradient.data[3 * i + j]).toBeCloseTo(([1, -2, 3][i] * Math.exp(x - largest)) / sum, 5);
      });
    });
  });

  it("encode and decode have the documented shapes and ranges", async () => {
    const model = modelOf(CONFIG, PIXELS);
    const outputs = await (await engine).call(
      ({ params, x }: { params: Tensors; x: Tensor2D }) => {
        const context = createContext(params);
        const { mean, sigma } = model.parts.encode(context, x);
        return { mean, sigma: sigma as Tensor2D, outputs: model.parts.decode(context, mean).mean() };
      },
      { params: firstParams(CONFIG, PIXELS, 0), x: array(weyl(18, 0, 1), [3, 6]) },
    );
    expect([outputs.mean.shape, outputs.sigma.shape, outputs.outputs.shape]).toEqual([
      [3, 2],
      [3, 2],
      [3, 6],
    ]);
    expect(outputs.sigma.data.every((sigma) => sigma > 0)).toBe(true);
  });

  it("a plain autoencoder has neither σ nor KL term, and its objective is the reconstruction", async () => {
    const config = { ...CONFIG, model: "ae" } as const;
    const model = modelOf(config, PIXELS);
    const params = firstParams(config, PIXELS, 0);
    const batch = { images: { data: Uint8Array.from(weyl(18, 0, 255)), shape: [3, 6] } };
    const terms = await (await engine).call(model.evaluate, { params, draws: {}, batch });
    expect([...terms.kl.data]).toEqual([0, 0, 0]);
    expect([...terms.objective.data]).toEqual([...terms.reconstruction.data]);
    expect(await (await engine).call(model.encode, { params, batch })).not.toHaveProperty("sigma");
  });

  const B = 3;
  const params = weylParams(modelOf(CONFIG, PIXELS), () => 0.7);
  const images = { data: Uint8Array.from(weyl(B * 6, 0, 255)), shape: [B, 6] };
  const epsilonOf = (draws: number) => array(weyl(B * draws * 2, -2, 2, 7), [B * draws, 2]);

  it.each([
    ["the ELBO of one draw", "elbo", 1],
    ["the ELBO of three draws", "elbo", 3],
    ["the importance-weighted bound of one draw", "iwae", 1],
    ["the importance-weighted bound of three draws", "iwae", 3],
  ] as const)("%s and its gradients agree with finite differences in float64", async (_what, objective, draws) => {
    const model = modelOf({ ...CONFIG, objective }, PIXELS);
    const epsilon = epsilonOf(draws);
    const names = Object.keys(params);
    const { loss, gradients } = await (await engine).call(
      ({ params, draws, batch }: { params: Tensors; draws: Tensors; batch: Batch }) => {
        const { value, grads } = tf.valueAndGrads((...values) => {
          const weights = Object.fromEntries(names.map((n, i) => [n, values[i]]));
          return tf.neg(tf.mean(model.bounds(createContext(weights, draws), batch).objective));
        })(names.map((n) => params[n]));
        return { loss: value, gradients: Object.fromEntries(names.map((n, i) => [n, grads[i]])) };
      },
      { params, draws: { "posterior.epsilon": epsilon }, batch: { images } },
    );

    const double = Object.fromEntries(names.map((n) => [n, Float64Array.from(params[n].data)]));
    const pixels = Array.from(images.data, (byte) => byte / 255);
    const reference = () => {
      const terms = elboInFloat64(double, { pixels: PIXELS, dimZ: 2 }, pixels, [...epsilon.data]);
      return objective === "iwae" ? -terms.importanceWeighted : terms.kl - terms.reconstruction;
    };
    expect(loss.data[0]).toBeCloseTo(reference(), 4);
    const h = 1e-5;
    for (const n of names) {
      const { data } = gradients[n];
      double[n].forEach((value, i) => {
        double[n][i] = value + h;
        const above = reference();
        double[n][i] = value - h;
        const below = reference();
        double[n][i] = value;
        expect(Math.abs(data[i] - (above - below) / (2 * h)), `${n}[${i}]`).toBeLessThan(1e-5);
      });
    }
  });

  it("the importance-weighted bound averages to the ELBO for one draw, and rises with more draws", async () => {
    const draws = 20_000;
    const epsilon = randomStream(1, "training epsilon").fillNormals(new Float32Array(B * draws * 2));
    // Groups the same draws by one, two, five and fifty. Each group is an image of its own.
    const bound = async (k: number) => {
      const groups = draws / k;
      const repeated = Uint8Array.from({ length: B * groups * 6 }, (_, at) => {
        const [row, d] = [Math.floor(at / 6), at % 6];
        return images.data[Math.floor(row / groups) * 6 + d];
      });
      const { objective, reconstruction, kl } = await (await engine).call(
        modelOf({ ...CONFIG, objective: "iwae" }, PIXELS).evaluate,
        {
          params,
          draws: { "posterior.epsilon": { data: epsilon, shape: [B * draws, 2] } },
          batch: { images: { data: repeated, shape: [B * groups, 6] } },
        },
      );
      const data = Array.from(objective.data);
      const average = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
      // They differ only in the KL term: Monte Carlo estimate versus closed form.
      const differences = data.map((value, i) => value - (reconstruction.data[i] - kl.data[i]));
      const difference = average(differences);
      const variance = average(differences.map((value) => (value - difference) ** 2));
      return { mean: average(data), difference, error: Math.sqrt(variance / differences.length) };
    };
    const one = await bound(1);
    expect(Math.abs(one.difference)).toBeLessThan(2 * one.error);
    const means = [one.mean, (await bound(2)).mean, (await bound(5)).mean, (await bound(50)).mean];
    for (let i = 1; i < means.length; i++) expect(means[i]).toBeGreaterThan(means[i - 1]);
  });
});
