// Compares log p(x|z) and bits per dimension of the discretized logistic likelihood with PyTorch in float64
// (reference/logistic.py).
import { afterAll, describe, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import type { tf } from "../../src/engine/compiled/tf.js";
import { bitsPerDim } from "../../src/inference/information.js";
import { buildParts } from "../../src/model/build.js";
import { Model } from "../../src/model/model.js";
import { createContext, type Tensors } from "../../src/model/specs.js";
import { array, ENGINES, open, relativeError, weyl, weylParams } from "../helpers.js";
import reference from "../reference/logistic.json" with { type: "json" };

const { batch: B, draws: L, dimZ, nHidden, cases } = reference;
const config = createConfig({ likelihood: "logistic", nHidden, dimZ, sigma: "exp", mcSamples: L });

function setUp({ height, width, channels }: (typeof cases)["grey"]) {
  const D = height * width * channels;
  const model = new Model(buildParts(config, { height, width, channels, classes: 0 }));
  const boundOf = (name: string) => (name.endsWith("logScales") ? 2 : name.endsWith("weight") ? 1 : 0.5);
  const pixels = weyl(B * D, -40, 296).map((value) => Math.floor(Math.min(255, Math.max(0, value))));
  return { D, model, params: weylParams(model, boundOf), images: { data: Uint8Array.from(pixels), shape: [B, D] } };
}

/** Expects numbers within 1e-4 of `expected`. */
function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(Math.abs(actual[i] - value), `number ${i}`).toBeLessThan(1e-4);
}

describe.each(ENGINES)("on engine %s, against PyTorch,", (name) => {
  const engine = open(name);
  afterAll(async () => (await engine).close());

  it.each(Object.entries(cases))("log p(x|z), %s", async (_, expected) => {
    const { D, model, params, images } = setUp(expected);
    const fn = ({ params, x, z }: { params: Tensors; x: tf.Tensor; z: tf.Tensor }) => ({
      logLikelihood: model.parts.decode(createContext(params), z).logProb(x),
    });
    const { logLikelihood } = await (await engine).call(fn, {
      params,
      x: array(
        Array.from(images.data, (byte) => byte / 255),
        [B, D],
      ),
      z: array(weyl(B * L * dimZ, -2, 2, 5000), [B * L, dimZ]),
    });
    expect(logLikelihood.shape).toEqual([B, L]);
    expect(relativeError(logLikelihood.data, expected.logLikelihood)).toBeLessThan(1e-6);
  });

  it.each(Object.entries(cases))("bits per dimension, %s", async (_, expected) => {
    const { D, model, params, images } = setUp(expected);
    const inputs = {
      params,
      batch: { images },
      draws: { "posterior.epsilon": array(weyl(B * L * dimZ, -2, 2, 1000), [B * L, dimZ]) },
    };
    const { objective } = await (await engine).call(model.evaluate, inputs);
    const { logMeanWeight } = await (await engine).call(model.logMeanImportanceWeight, inputs);
    const inBits = ({ data }: { readonly data: ArrayLike<number> }) =>
      Array.from(data, (value) => bitsPerDim(-value, D));
    expectClose(inBits(objective), expected.bits.elbo);
    expectClose(inBits(logMeanWeight), expected.bits.nll);
  });
});
