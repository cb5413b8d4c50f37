// Identities of objectives.
import { afterAll, describe, expect, it } from "vitest";
import { createConfig, type GivenSettings } from "../../src/config/config.js";
import "../../src/engine/compiled/gradients.js";
import { tf } from "../../src/engine/compiled/tf.js";
import { weighableDraws } from "../../src/model/densities.js";
import { createDraws, fillDraws } from "../../src/model/draws.js";
import { totalCorrelation } from "../../src/model/objectives/beta-tc.js";
import { meanDiscrepancy } from "../../src/model/objectives/mmd.js";
import { OBJECTIVES } from "../../src/model/registry.js";
import { createContext, type Tensors } from "../../src/model/specs.js";
import { randomStream } from "../../src/random.js";
import type { HostArray } from "../../src/tree.js";
import { array, ENGINES, modelOf, open, relativeError, weyl, weylParams } from "../helpers.js";

const B = 20;
const images = { data: Uint8Array.from(weyl(B * 6, 0, 255)), shape: [B, 6] };

/** A model built from settings, with weights and draws. */
function setUp(given: GivenSettings, seed = 0) {
  const model = modelOf(createConfig({ nHidden: [5], keepProb: 1, dimZ: 2, ...given }), 6);
  const draws = createDraws(model.parts.specs, ["posterior"], B, model.draws);
  fillDraws(draws, model.parts.specs, "posterior", randomStream(seed, "training epsilon", 0));
  return { model, params: weylParams(model, () => 1), draws };
}

/** Gradients of the maximized objective. */
const gradientsOf =
  ({ model }: ReturnType<typeof setUp>) =>
  ({ params, draws, images }: { params: Tensors; draws: Tensors; images: tf.Tensor2D }): Tensors => {
    const names = Object.keys(params);
    const loss = (...values: tf.Tensor[]) => {
      const context = createContext(Object.fromEntries(names.map((name, i) => [name, values[i]])), draws, true);
      return tf.mean(model.bounds(context, { images }).maximized) as tf.Scalar;
    };
    const gradients = tf.grads(loss)(names.map((name) => params[name]));
    return Object.fromEntries(names.map((name, i) => [name, gradients[i]]));
  };

describe.each(ENGINES.filter((name) => name !== "tensorflow"))("on engine %s", (name) => {
  const engine = open(name);
  afterAll(async () => (await engine).close());
  const normals = (rows: number, columns: number, index: number) =>
    array(randomStream(1, "prior", index).fillNormals(new Float32Array(rows * columns)), [rows, columns]);

  it("the β-TC objective with weight 1 is the ELBO", async () => {
    const { model, params, draws } = setUp({ objective: "beta-tc", tcWeight: 1, beta: 0.7 });
    const plain = setUp({ beta: 0.7 });
    const inputs = { params, draws, batch: { images } };
    const [one, other] = [
      await (await engine).call(model.evaluate, inputs),
      await (await engine).call(plain.model.evaluate, inputs),
    ];
    expect(relativeError(one.objective.data, other.objective.data)).toBeLessThan(1e-6);
  });

  it("the total correlation is 0 for equal posteriors, and positive for correlated dimensions", async () => {
    const fn = ({ z, mean, sigma }: Record<"z" | "mean" | "sigma", tf.Tensor>) => ({
      tc: totalCorrelation({ z, posterior: { mean, sigma } as never }),
    });
    const call = async (mean: HostArray) => {
      const z = { ...mean, shape: [B, 1, 2] };
      return (await (await engine).call(fn, { z, mean, sigma: array(new Array(2 * B).fill(0.5), [B, 2]) })).tc.data;
    };
    for (const value of await call(array(new Array(2 * B).fill(0.3), [B, 2]))) expect(value).toBeCloseTo(0, 5);
    const same = array(
      weyl(B, -5, 5).flatMap((value) => [value, value]),
      [B, 2],
    );
    for (const value of await call(same)) expect(value).toBeGreaterThan(0.5);
  });

  it("the mean discrepancy averages to 0 for draws from one distribution, and grows with a shift", async () => {
    const fn = ({ a, b }: { a: tf.Tensor; b: tf.Tensor }) => ({ d: meanDiscrepancy(a, b) });
    const distances: number[] = [];
    for (let i = 0; i < 40; i++) {
      const { d } = await (await engine).call(fn, { a: normals(B, 2, 2 * i), b: normals(B, 2, 2 * i + 1) });
      distances.push(d.data[0]);
    }
    const mean = distances.reduce((sum, d) => sum + d, 0) / distances.length;
    const deviation = Math.sqrt(distances.reduce((sum, d) => sum + (d - mean) ** 2, 0) / distances.length);
    expect(Math.abs(mean)).toBeLessThan((3 * deviation) / Math.sqrt(distances.length));
    const shifted = normals(B, 2, 1).data.map((value) => value + 2);
    const { d } = await (await engine).call(fn, { a: normals(B, 2, 0), b: array(shifted, [B, 2]) });
    expect(d.data[0]).toBeGreaterThan(10 * deviation);
  });

  it("with gradient path, evaluation returns the ELBO", async () => {
    const { model, params, draws } = setUp({ gradient: "path", beta: 0.7 });
    const { objective, reconstruction, kl } = await (await engine).call(model.evaluate, {
      params,
      draws,
      batch: { images },
    });
    const expected = reconstruction.data.map((value, i) => value - 0.7 * kl.data[i]);
    expect(relativeError(objective.data, expected)).toBeLessThan(1e-6);
  });

  it("weighableDraws multiplies the gradient by the shares", async () => {
    const fn = ({ z }: { z: tf.Tensor }) => ({
      gradient: tf.grad((z: tf.Tensor) => {
        const draws = weighableDraws(z);
        draws.weigh(tf.sum(draws.z, 2));
        return tf.sum(tf.square(draws.z));
      })(z),
    });
    const { gradient } = await (await engine).call(fn, { z: array([1, 2, 3, 4], [1, 2, 2]) });
    expect([...gradient.data]).toEqual([2 * 3, 4 * 3, 6 * 7, 8 * 7]);
  });

  it("with gradient path, the encoder has no gradient if q(z|x) is the true posterior", async () => {
    // If the decoder ignores z, the true posterior is the prior: here q(z|x) = N(0, 1).
    for (const given of [{}, { objective: "iwae", importanceSamples: 3 }] as GivenSettings[]) {
      const path = setUp({ ...given, gradient: "path", sigma: "exp", mcSamples: 1 });
      const zero = (array: HostArray) => ({ ...array, data: new Float32Array(array.data.length) });
      const params = Object.fromEntries(
        Object.entries(path.params).map(([name, values]) => [
          name,
          name.startsWith("encoder.1.") || name === "decoder.0.weight" ? zero(values) : values,
        ]),
      );
      const gradients = await (await engine).call(gradientsOf(path), { params, draws: path.draws, images });
      for (const [name, { data }] of Object.entries(gradients)) {
        if (name.startsWith("encoder.")) for (const value of data) expect(value, name).toBeCloseTo(0, 6);
        if (name === "decoder.1.bias") expect(Math.max(...data.map(Math.abs)), name).toBeGreaterThan(0.01);
      }
    }
  });
});

it("an objective sets comparesImages if and only if it sets numbersPerPair", () => {
  for (const [objective, { comparesImages = false }] of Object.entries(OBJECTIVES)) {
    const { model } = setUp({ objective } as GivenSettings);
    expect(model.parts.objective.numbersPerPair !== undefined, objective).toBe(comparesImages);
  }
});

it.each([{}, { beta: 0.3 }])("with gradient path, gradients have the same mean: %j", async (weight) => {
  const engine = await open("cpu");
  const rounds = 400;
  const measure = async (given: GivenSettings) => {
    const columns: number[][] = [];
    for (let seed = 0; seed < rounds; seed++) {
      const one = setUp({ sigma: "exp", objective: "iwae", importanceSamples: 2, ...weight, ...given }, seed);
      const gradients = await engine.call(gradientsOf(one), { params: one.params, draws: one.draws, images });
      columns.push([...gradients["encoder.1.weight"].data]);
    }
    const mean = columns[0].map((_, i) => columns.reduce((sum, row) => sum + row[i], 0) / rounds);
    const variance = columns[0].map((_, i) => columns.reduce((sum, row) => sum + (row[i] - mean[i]) ** 2, 0) / rounds);
    return { mean, variance };
  };
  const [total, path] = [await measure({}), await measure({ gradient: "path" })];
  total.mean.forEach((value, i) => {
    const error = Math.sqrt((total.variance[i] + path.variance[i]) / rounds);
    expect(Math.abs(value - path.mean[i])).toBeLessThan(4.5 * error);
  });
  await engine.close();
});
