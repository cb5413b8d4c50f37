// The discretized logistic likelihood: probabilities of bytes.
import { afterAll, describe, expect, it } from "vitest";
import "../../src/engine/compiled/gradients.js";
import { tf } from "../../src/engine/compiled/tf.js";
import { logistic } from "../../src/model/likelihoods/logistic.js";
import { createContext, type Tensors } from "../../src/model/specs.js";
import { array, ENGINES, open } from "../helpers.js";

const sizes = { height: 1, width: 1, classes: 0, dimZ: 1 };
const VALUES = Array.from({ length: 256 }, (_, byte) => byte / 255);

describe.each(ENGINES)("on engine %s", (name) => {
  const engine = open(name);
  afterAll(async () => (await engine).close());

  it.each([
    [0, 0],
    [2, -2],
    [-30, -4],
    [3, 3],
  ])("the probabilities of all bytes sum to 1, for output %d and log scale %d", async (output, logScale) => {
    const family = logistic.build({}, { ...sizes, channels: 1, pixels: 1 });
    const fn = ({ params, x, outputs }: { params: Tensors; x: tf.Tensor; outputs: tf.Tensor }) => ({
      logProb: family.build(createContext(params), outputs).logProb(x),
    });
    const { logProb } = await (await engine).call(fn, {
      params: { logScales: array([logScale]) },
      x: array(VALUES, [256, 1]),
      outputs: array(new Array(256).fill(output), [256, 1]),
    });
    expect(logProb.data.reduce((sum, value) => sum + Math.exp(value), 0)).toBeCloseTo(1, 5);
  });

  it("each channel has its own scale, and gradients are finite for outliers under tiny scales", async () => {
    const family = logistic.build({}, { ...sizes, width: 2, channels: 3, pixels: 6 });
    const fn = ({ scales, x, outputs }: { scales: tf.Tensor; x: tf.Tensor; outputs: tf.Tensor }) => {
      const logProb = (logScales: tf.Tensor, y: tf.Tensor) => family.build(createContext({ logScales }), y).logProb(x);
      const [ofScales, ofOutputs] = tf.grads((s: tf.Tensor, y: tf.Tensor) => tf.sum(logProb(s, y)))([scales, outputs]);
      return { logProb: logProb(scales, outputs), ofScales, ofOutputs };
    };
    const result = await (await engine).call(fn, {
      scales: array([-5, 0, 2]), // of 0.1: from 0.0007
      x: array([1, 0.4, 0, 0, 1, 1], [1, 6]),
      outputs: array([-8, 0.1, 8, 8, -8, 0], [1, 6]),
    });
    for (const { data } of Object.values(result)) expect(data.every(Number.isFinite)).toBe(true);
    const sigmoid = (t: number) => 1 / (1 + Math.exp(-t));
    const log = (x: number, output: number, s: number) => {
      const upper = x === 1 ? 1 : sigmoid((x + 1 / 510 - sigmoid(output)) / s);
      return Math.log(upper - (x === 0 ? 0 : sigmoid((x - 1 / 510 - sigmoid(output)) / s)));
    };
    // Red pixels are outliers, beyond float64: −|x − y| / s + 1 / 510 s.
    const [red, green, blue] = [0.1 * Math.exp(-5), 0.1, 0.1 * Math.exp(2)];
    const far = -(1 - sigmoid(-8) - 1 / 510) / red;
    const expected = 2 * far + log(0.4, 0.1, green) + log(0, 8, blue) + log(1, -8, green) + log(1, 0, blue);
    expect(result.logProb.data[0] / expected).toBeCloseTo(1, 5);
  });
});
