// Identities of priors and posteriors: densities integrate to 1, samples follow the density, special cases reduce to
// simpler parts.
import { afterAll, describe, expect, it } from "vitest";
import type { tf } from "../../src/engine/compiled/tf.js";
import type { Posterior, PosteriorFamily, PriorFamily, Sizes } from "../../src/model/parts.js";
import { gaussian } from "../../src/model/posteriors/gaussian.js";
import { iaf } from "../../src/model/posteriors/iaf.js";
import { flow } from "../../src/model/priors/flow.js";
import { standardNormal } from "../../src/model/priors/standard-normal.js";
import { vamp } from "../../src/model/priors/vamp.js";
import { createContext, type Specs, type Tensors } from "../../src/model/specs.js";
import { twoLayerPosterior, twoLayerPrior } from "../../src/model/two-layers.js";
import { randomStream } from "../../src/random.js";
import { type HostArray, sizeOf } from "../../src/tree.js";
import { array, ENGINES, open, relativeError, rowOf, weyl } from "../helpers.js";

const sizes = (dimZ: number): Sizes => ({ ...rowOf(4), classes: 0, pixels: 4, dimZ });
const noEncoder = () => expect.fail("This prior needs no encoder");
const weights = ({ params }: Specs, bound = 0.7) =>
  Object.fromEntries(
    Object.entries(params).map(([name, { shape }], i) => [
      name,
      array(weyl(sizeOf(shape), -bound, bound, 77 * i), shape),
    ]),
  );
const normals = (rows: number, columns: number) =>
  array(randomStream(3, "prior").fillNormals(new Float32Array(rows * columns)), [rows, columns]);

/** A grid of side² points over ±range, as draws of one image, [1, side², 2], and the area of a cell. */
function grid(side: number, range: number) {
  const at = (i: number) => -range + ((i + 0.5) * 2 * range) / side;
  const points = Array.from({ length: side ** 2 }, (_, i) => [at(i % side), at(Math.floor(i / side))]);
  return { points: array(points.flat(), [1, side ** 2, 2]), area: ((2 * range) / side) ** 2 };
}

describe.each(ENGINES.filter((name) => name !== "tensorflow"))("on engine %s", (name) => {
  const engine = open(name);
  afterAll(async () => (await engine).close());
  const call = async <Out>(fn: (inputs: never) => Out, inputs: object) =>
    (await (await engine).call(fn, inputs as never)) as { readonly [name in keyof Out]: HostArray<Float32Array> };

  const logProbOf = (
    prior: PriorFamily,
    params: object,
    z: HostArray,
    encode: (x: tf.Tensor) => Posterior = noEncoder,
  ) =>
    call(
      ({ params, z }: { params: Tensors; z: tf.Tensor }) => ({
        logProb: prior.build(createContext(params), encode).logProb(z),
      }),
      { params, z },
    );

  const flowPrior = flow.build({ flowLayers: 3, flowUnits: 5 }, sizes(2));
  const layered = { dims: [1, 1] as const, units: 4, sigma: "exp" as const };

  it.each([
    ["a flow", flowPrior],
    ["two layers", twoLayerPrior(layered)],
  ])("the density of %s integrates to 1, and samples follow it", async (_, prior) => {
    const params = weights(prior.specs, 0.5);
    const { points, area } = grid(300, 16);
    const { logProb } = await logProbOf(prior, params, points);
    const mass = Array.from(logProb.data, (value) => Math.exp(value) * area);
    const moment = (weigh: (x: number, y: number) => number) =>
      mass.reduce((sum, share, i) => sum + share * weigh(points.data[2 * i], points.data[2 * i + 1]), 0);
    expect(moment(() => 1)).toBeCloseTo(1, 3);
    const count = 20_000;
    const [name] = Object.keys(prior.specs.draws);
    const { z } = await call(
      ({ params, draws }: { params: Tensors; draws: Tensors }) => ({
        z: prior.build(createContext(params, draws), noEncoder).sample(),
      }),
      { params, draws: { [name]: normals(count, 2) } },
    );
    for (const weigh of [
      (x: number) => x,
      (_: number, y: number) => y,
      (x: number) => x * x,
      (x: number, y: number) => x * y,
    ]) {
      const values = Array.from({ length: count }, (_, i) => weigh(z.data[2 * i], z.data[2 * i + 1]));
      const mean = values.reduce((sum, value) => sum + value, 0) / count;
      const error = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / count;
      expect(Math.abs(mean - moment(weigh))).toBeLessThan(5 * error);
    }
  });

  it("a flow without layers is N(0, 1)", async () => {
    const prior = flow.build({ flowLayers: 0, flowUnits: 5 }, sizes(3));
    const z = array(weyl(12, -2, 2), [2, 2, 3]);
    const [one, other] = [await logProbOf(prior, {}, z), await logProbOf(standardNormal.build({}, sizes(3)), {}, z)];
    expect([...one.logProb.data]).toEqual([...other.logProb.data]);
  });

  it("the density of a flow matches its samples, by a finite-difference determinant", async () => {
    const prior = flow.build({ flowLayers: 4, flowUnits: 5 }, sizes(3));
    const params = weights(prior.specs, 0.7);
    const step = 1 / 256;
    const centres = weyl(12, -1.5, 1.5, 40);
    const moves = [0, 1, 2].flatMap((j) => [step, -step].map((move) => [0, 0, 0].with(j, move)));
    const draws = Array.from({ length: 4 }, (_, i) => centres.slice(3 * i, 3 * i + 3)).flatMap((at) =>
      [[0, 0, 0], ...moves].map((move) => at.map((value, j) => value + move[j])),
    );
    const { z } = await call(
      ({ params, draws }: { params: Tensors; draws: Tensors }) => ({
        z: prior.build(createContext(params, draws), noEncoder).sample(),
      }),
      { params, draws: { z: array(draws.flat(), [28, 3]) } },
    );
    const { logProb } = await logProbOf(prior, params, { ...z, shape: [28, 1, 3] });
    for (let i = 0; i < 28; i += 7) {
      const slope = (j: number, of: number) =>
        (z.data[3 * (i + 1 + 2 * j) + of] - z.data[3 * (i + 2 + 2 * j) + of]) / (2 * step);
      const minor = (a: number, b: number) => slope(1, a) * slope(2, b) - slope(1, b) * slope(2, a);
      const determinant = slope(0, 0) * minor(1, 2) - slope(0, 1) * minor(0, 2) + slope(0, 2) * minor(0, 1);
      const logNormal = draws[i].reduce((sum, u) => sum - 0.5 * u * u - 0.5 * Math.log(2 * Math.PI), 0);
      expect(Math.abs(Math.log(Math.abs(determinant)))).toBeGreaterThan(0.05);
      expect(logProb.data[i]).toBeCloseTo(logNormal - Math.log(Math.abs(determinant)), 2);
    }
  });

  it("a VampPrior draws from the posteriors of its pseudo-inputs, equally often", async () => {
    const prior = vamp.build({ pseudoInputs: 3 }, sizes(2));
    const posterior = (x: tf.Tensor) => gaussian.build({ sigma: "exp" }, sizes(2)).build(createContext({}), x);
    const params = weights(prior.specs, 2);
    const count = 20_000;
    const component = randomStream(3, "prior", 1).fillUniform(new Float32Array(count), 0.5);
    const draws = {
      component: array(
        component.map((value) => value + 0.5),
        [count, 1],
      ),
      epsilon: normals(count, 2),
    };
    const { z } = await call(
      ({ params, draws }: { params: Tensors; draws: Tensors }) => ({
        z: prior.build(createContext(params, draws), posterior).sample(),
      }),
      { params, draws },
    );
    const u = (k: number, j: number) => 1 / (1 + Math.exp(-params.bias.data[j] - params.offsets.data[4 * k + j]));
    for (const j of [0, 1]) {
      const mean = [0, 1, 2].reduce((sum, k) => sum + u(k, j) / 3, 0);
      const second = [0, 1, 2].reduce((sum, k) => sum + (u(k, j) ** 2 + Math.exp(2 * u(k, 2 + j))) / 3, 0);
      const values = Array.from({ length: count }, (_, i) => z.data[2 * i + j]);
      for (const [power, expected] of [
        [1, mean],
        [2, second],
      ]) {
        const moments = values.map((value) => value ** power);
        const average = moments.reduce((sum, value) => sum + value, 0) / count;
        const error = Math.sqrt(moments.reduce((sum, value) => sum + (value - average) ** 2, 0)) / count;
        expect(Math.abs(average - expected)).toBeLessThan(5 * error);
      }
    }
  });

  it("a VampPrior of one pseudo-input equals its posterior", async () => {
    const prior = vamp.build({ pseudoInputs: 1 }, sizes(2));
    // the pixels are μ and log σ
    const posterior = (x: tf.Tensor) => gaussian.build({ sigma: "exp" }, sizes(2)).build(createContext({}), x);
    const params = weights(prior.specs, 2);
    const z = array(weyl(12, -2, 2), [3, 2, 2]);
    const { logProb } = await logProbOf(prior, params, z, posterior);
    const u = Array.from(params.bias.data, (bias, i) => 1 / (1 + Math.exp(-bias - params.offsets.data[i])));
    const expected = Array.from({ length: 6 }, (_, i) =>
      [0, 1].reduce((sum, j) => {
        const t = (z.data[2 * i + j] - u[j]) / Math.exp(u[2 + j]);
        return sum - 0.5 * t * t - u[2 + j] - 0.5 * Math.log(2 * Math.PI);
      }, 0),
    );
    expect(relativeError(logProb.data, expected)).toBeLessThan(1e-5);
  });

  /** Draws z of a posterior, and log q(z) = log N(z; 0, 1) − the ratio. */
  const drawOf = (family: PosteriorFamily, params: object, outputs: HostArray, epsilon: HostArray) =>
    call(
      (inputs: { params: Tensors; outputs: tf.Tensor; epsilon: tf.Tensor }) => {
        const context = createContext(inputs.params, { epsilon: inputs.epsilon });
        const posterior = family.build(context, inputs.outputs);
        const z = posterior.sample();
        const prior = standardNormal.build({}, sizes(family.dimZ)).build(createContext({}), noEncoder);
        return { z, mean: posterior.mean, logRatio: posterior.logRatio(z, prior), logProb: prior.logProb(z) };
      },
      { params, outputs, epsilon },
    );

  it("inverse autoregressive flow without steps is the Gaussian posterior", async () => {
    const outputs = array(weyl(12, -1, 1), [3, 4]);
    const epsilon = array(weyl(12, -2, 2, 50), [6, 2]);
    const none = iaf.build({ sigma: "softplus", iafSteps: 0, iafUnits: 4 }, sizes(2));
    const plain = gaussian.build({ sigma: "softplus" }, sizes(2));
    const [one, other] = [await drawOf(none, {}, outputs, epsilon), await drawOf(plain, {}, outputs, epsilon)];
    expect([...one.z.data]).toEqual([...other.z.data]);
    expect([...one.mean.data]).toEqual([...other.mean.data]);
    expect(relativeError(one.logRatio.data, other.logRatio.data)).toBeLessThan(1e-6);
  });

  it("the encoder's context reaches every dimension of an inverse autoregressive flow, even the only one", async () => {
    for (const Z of [1, 3]) {
      const family = iaf.build({ sigma: "exp", iafSteps: 1, iafUnits: 5 }, sizes(Z));
      const params = weights(family.specs, 1);
      const outputs = weyl(3 * Z, -1, 1);
      const other = outputs.map((value, i) => (i < 2 * Z ? value : value + 1)); // the same μ and σ
      const epsilon = array(weyl(Z, -1, 1, 7), [1, Z]);
      const draws = [outputs, other].map((given) => drawOf(family, params, array(given, [1, 3 * Z]), epsilon));
      const [one, two] = await Promise.all(draws);
      one.z.data.forEach((value, j) => {
        expect(Math.abs(value - two.z.data[j]), `dimension ${j} of ${Z}`).toBeGreaterThan(1e-3);
      });
    }
  });

  it("the density of an inverse autoregressive flow is finite when its gates are closed", async () => {
    const family = iaf.build({ sigma: "exp", iafSteps: 1, iafUnits: 4 }, sizes(2));
    const zeros = Object.entries(weights(family.specs, 1)).map(([name, { shape }]) => [
      name,
      array(new Array(sizeOf(shape)).fill(0), shape),
    ]);
    const params = { ...Object.fromEntries(zeros), "0.gateBias": array([-202, -202]) };
    const { logRatio, logProb } = await drawOf(
      family,
      params,
      array([0, 0, 0, 0, 0, 0], [1, 6]),
      array([0.5, 1], [1, 2]),
    );
    // log N(ε) − 2 log σ(−200), with σ(x) ≈ e^x
    const expected = -0.5 * (0.25 + 1) - Math.log(2 * Math.PI) + 400;
    expect(logProb.data[0] - logRatio.data[0]).toBeCloseTo(expected, 3);
  });

  it.each([
    ["inverse autoregressive flow", iaf.build({ sigma: "exp", iafSteps: 3, iafUnits: 5 }, sizes(2)), 6],
    ["two layers", twoLayerPosterior(layered), 2],
  ])("the density of %s matches its draws", async (_, family, inputs) => {
    // log q(z) = log N(ε) − log |det ∂z/∂ε|, by finite differences
    const params = weights(family.specs, 1);
    const outputs = array(weyl(inputs, -0.5, 0.5, 9), [1, inputs]);
    const step = 1 / 256;
    const centres = weyl(20, -1.5, 1.5, 70);
    const around = [0, 1, 2, 3].map((side) => [0, 0].with(side % 2, side < 2 ? step : -step));
    const epsilon = Array.from({ length: 10 }, (_, i) => centres.slice(2 * i, 2 * i + 2)).flatMap((at) => [
      at,
      ...around.map((move) => [at[0] + move[0], at[1] + move[1]]),
    ]);
    const { z, logRatio, logProb } = await drawOf(family, params, outputs, array(epsilon.flat(), [50, 2]));
    for (let i = 0; i < 50; i += 5) {
      const at = (k: number, j: number) => z.data[2 * (i + k) + j];
      const slope = (k: number, j: number) => (at(k, j) - at(k + 2, j)) / (2 * step);
      const determinant = slope(1, 0) * slope(2, 1) - slope(1, 1) * slope(2, 0);
      const logDensity = epsilon[i].reduce((sum, e) => sum - 0.5 * e * e - 0.5 * Math.log(2 * Math.PI), 0);
      expect(logProb.data[i] - logRatio.data[i]).toBeCloseTo(logDensity - Math.log(Math.abs(determinant)), 2);
    }
  });
});
