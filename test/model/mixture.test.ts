import { afterAll, describe, expect, it } from "vitest";
import { mixture } from "../../src/model/priors/mixture.js";
import { createContext, type Tensors } from "../../src/model/specs.js";
import { randomStream } from "../../src/random.js";
import { array, ENGINES, open, rowOf } from "../helpers.js";

const SHARES = [0.2, 0.5, 0.3];
const MEANS = [-3, 0, 2];
const SIGMAS = [0.5, 1, 0.1];
const prior = mixture.build({ priorComponents: 3 }, { ...rowOf(1), classes: 0, pixels: 1, dimZ: 1 });
const noEncoder = () => expect.fail("A mixture needs no encoder");
const params = {
  logits: array(SHARES.map((share) => Math.log(share) + 5)),
  means: array(MEANS, [3, 1]),
  logSigmas: array(SIGMAS.map(Math.log), [3, 1]),
};

describe.each(ENGINES)("a mixture prior on engine %s", (name) => {
  const engine = open(name);
  afterAll(async () => (await engine).close());

  it("has a density that integrates to 1, with the mean of the mixture", async () => {
    const [steps, width] = [4000, 16 / 4000];
    const z = array(
      Array.from({ length: steps }, (_, i) => -8 + (i + 0.5) * width),
      [steps, 1, 1],
    );
    const { logProb } = await (await engine).call(
      ({ params, z }: { params: Tensors; z: Tensors[string] }) => ({
        logProb: prior.build(createContext(params), noEncoder).logProb(z),
      }),
      { params, z },
    );
    const densities = Array.from(logProb.data, Math.exp);
    expect(densities.reduce((sum, density) => sum + density * width, 0)).toBeCloseTo(1, 4);
    const mean = densities.reduce((sum, density, i) => sum + density * width * z.data[i], 0);
    expect(mean).toBeCloseTo(
      SHARES.reduce((sum, share, k) => sum + share * MEANS[k], 0),
      4,
    );
  });

  it("samples components in proportion to their weights, with their means and standard deviations", async () => {
    const count = 20_000;
    const stream = randomStream(1, "prior");
    const draws = {
      component: array(
        stream.fillUniform(new Float32Array(count), 0.5).map((value) => value + 0.5),
        [count, 1],
      ),
      epsilon: array(stream.fillNormals(new Float32Array(count)), [count, 1]),
    };
    draws.component.data.set([0, 1]); // the ends of the uniform draw choose the first and the last component
    draws.epsilon.data.set([0, 0]);
    const { z } = await (await engine).call(
      ({ params, draws }: { params: Tensors; draws: Tensors }) => ({
        z: prior.build(createContext(params, draws), noEncoder).sample(),
      }),
      { params, draws },
    );
    expect([z.data[0], z.data[1]]).toEqual([MEANS[0], MEANS[2]]);
    let start = 0;
    SHARES.forEach((share, k) => {
      const end = start + share;
      const own = [...z.data].filter((_, i) => draws.component.data[i] >= start && draws.component.data[i] < end);
      start = end;
      expect(Math.abs(own.length / count - share)).toBeLessThan(3 * Math.sqrt((share * (1 - share)) / count));
      const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
      const variance = own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length;
      expect(Math.abs(mean - MEANS[k])).toBeLessThan((4 * SIGMAS[k]) / Math.sqrt(own.length));
      expect(Math.sqrt(variance) / SIGMAS[k]).toBeCloseTo(1, 1);
    });
  });
});
