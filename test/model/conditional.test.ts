// Conditional models. With one class, they equal unconditional models with another bias in the first layers.
import { afterAll, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import { buildModel, standardPieces } from "../../src/model/build.js";
import { assemble } from "../../src/model/parts.js";
import { array, modelOf, open, relativeError, rowOf, weyl, weylParams } from "../helpers.js";

const cpu = open("cpu");
afterAll(async () => (await cpu).close());

it.each([{}, { objective: "iwae", importanceSamples: 3 }, { model: "ae" }, { prior: "mixture" }] as const)(
  "a model of one class equals the unconditional model, with the label's weights added to its biases: %o",
  async (given) => {
    const [pixels, B] = [6, 4];
    const config = createConfig({ nHidden: [5, 4], keepProb: 1, ...given });
    const plain = modelOf(config, pixels);
    const labelled = modelOf(createConfig({ ...config, conditional: true }), pixels, 1);
    const params = weylParams(labelled, () => 1);
    const same = Object.fromEntries(
      Object.entries(params).map(([name, { data, shape }]) => {
        if (!/^(encoder|decoder)\.0\./.test(name)) return [name, { data, shape }];
        const [weight, bias] = [`${name.slice(0, 8)}0.weight`, `${name.slice(0, 8)}0.bias`].map((one) => params[one]);
        const [inputs, outputs] = weight.shape;
        const first = (inputs - 1) * outputs;
        if (name.endsWith("weight")) return [name, array(data.subarray(0, first), [inputs - 1, outputs])];
        return [name, array(bias.data.map((value, unit) => value + weight.data[first + unit]))];
      }),
    );
    const images = { data: Uint8Array.from(weyl(B * pixels, 0, 256)), shape: [B, pixels] };
    const labels = { data: new Uint8Array(B).fill(1), shape: [B, 1] };
    const L = plain.draws;
    const draws = plain.isDrawn ? { "posterior.epsilon": array(weyl(B * L * 2, -2, 2), [B * L, 2]) } : {};
    const [expected, actual] = [
      await (await cpu).call(plain.evaluate, { params: same, draws, batch: { images } }),
      await (await cpu).call(labelled.evaluate, { params, draws, batch: { images, labels } }),
    ];
    for (const term of ["objective", "reconstruction", "kl"] as const) {
      expect(relativeError(actual[term].data, expected[term].data)).toBeLessThan(1e-5);
    }
  },
);

it("refuses own parts with another number of classes than the images", () => {
  const config = createConfig({ nHidden: [4], conditional: true });
  const input = { ...rowOf(6), classes: 3 };
  const withoutLabels = () => assemble(standardPieces(createConfig({ nHidden: [4] }), rowOf(6)));
  expect(() => buildModel(config, input, withoutLabels)).toThrow(
    "The model that parts returned has 0 classes, and the images have 3.",
  );
  expect(buildModel(config, input, (given, of) => assemble(standardPieces(given, of))).classes).toBe(3);
});

it("refuses a conditional model without a number of classes", () => {
  const config = createConfig({ conditional: true });
  expect(() => standardPieces(config, rowOf(6))).toThrow("`conditional` needs the number of classes of the images");
});
