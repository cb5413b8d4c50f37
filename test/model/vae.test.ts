import type { Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { afterAll, describe, expect, it } from "vitest";
import { initialParameters, parameterShapes } from "../../src/model/parameters.js";
import type { Batch, Params } from "../../src/model/vae.js";
import { bernoulliLogLikelihood, decode, encode, gaussianKl, reconstruct } from "../../src/model/vae.js";
import { sizeOf } from "../../src/tree.js";
import { array, ENGINE_NAMES, open, weyl } from "../helpers.js";
import { elboInFloat64 } from "../reference/elbo.js";

const ARCHITECTURE = { pixels: 6, nHidden: 5, dimZ: 2 };

describe("parameters", () => {
  it("have the shapes of the tutorial's networks", () => {
    expect(parameterShapes({ pixels: 784, nHidden: 500, dimZ: 2 })).toEqual({
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

  it("start with zero biases, and weights of variance 2 / fan-in, cut at two deviations", () => {
    const params = initialParameters({ pixels: 784, nHidden: 500, dimZ: 2 }, 0);
    expect(params["encoder.0.bias"].data.every((bias) => bias === 0)).toBe(true);
    const { data } = params["encoder.0.weight"];
    const variance = data.reduce((sum, w) => sum + w * w, 0) / data.length;
    expect((variance * 784) / 2).toBeCloseTo(1.3 * 0.7737, 2);
    expect(Math.max(...data.map(Math.abs).filter((_, i) => i < 10_000))).toBeLessThanOrEqual(2 * Math.sqrt(2.6 / 784));
  });

  it("depend on the seed alone", () => {
    expect(initialParameters(ARCHITECTURE, 1)).toEqual(initialParameters(ARCHITECTURE, 1));
    expect(initialParameters(ARCHITECTURE, 1)).not.toEqual(initialParameters(ARCHITECTURE, 2));
  });
});

describe.each(ENGINE_NAMES)("on engine %s", (name) => {
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
      // ∫ q log(q / p) by the midpoint rule over ±12 deviations of q
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

  it("the likelihood agrees with its definition, and is finite at any logits", async () => {
    const x = [0, 1, 0.25, 0.9];
    const logits = [-3, 0.5, 2, -0.1];
    const call = async (x: number[], logits: number[]) => {
      const inputs = { x: array(x, [1, x.length]), logits: array(logits, [1, x.length]) };
      const { value } = await (await engine).call(
        (tensors: { x: Tensor2D; logits: Tensor2D }) => ({
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
  });

  it("encode and decode give what they promise", async () => {
    const params = initialParameters(ARCHITECTURE, 0);
    const outputs = await (await engine).call(
      ({ params, x }: { params: Params; x: Tensor2D }) => {
        const { mu, sigma } = encode(params, x);
        return { mu, sigma, logits: decode(params, mu) };
      },
      { params, x: array(weyl(18, 0, 1), [3, 6]) },
    );
    expect([outputs.mu.shape, outputs.sigma.shape, outputs.logits.shape]).toEqual([
      [3, 2],
      [3, 2],
      [3, 6],
    ]);
    expect(outputs.sigma.data.every((sigma) => sigma > 0)).toBe(true);
  });

  it("gradients agree with finite differences in float64", async () => {
    const params = Object.fromEntries(
      Object.entries(parameterShapes(ARCHITECTURE)).map(([name, shape], i) => [
        name,
        array(weyl(sizeOf(shape), -0.7, 0.7, 100 * i), shape),
      ]),
    );
    const B = 3;
    const batch = {
      images: { data: Uint8Array.from(weyl(B * 6, 0, 255)), shape: [B, 6] },
      epsilon: array(weyl(B * 2, -2, 2, 7), [B, 2]),
    };
    const names = Object.keys(params);
    const { loss, gradients } = await (await engine).call(
      ({ params, batch }: { params: Params; batch: Batch }) => {
        const { value, grads } = tf.valueAndGrads((...values) => {
          const { reconstruction, kl } = reconstruct(Object.fromEntries(names.map((n, i) => [n, values[i]])), batch);
          return tf.mean(tf.sub(kl, reconstruction));
        })(names.map((n) => params[n]));
        return { loss: value, gradients: Object.fromEntries(names.map((n, i) => [n, grads[i]])) };
      },
      { params, batch },
    );

    const double = Object.fromEntries(names.map((n) => [n, Float64Array.from(params[n].data)]));
    const pixels = Array.from(batch.images.data, (byte) => byte / 255);
    const reference = () => {
      const { reconstruction, kl } = elboInFloat64(double, ARCHITECTURE, pixels, [...batch.epsilon.data]);
      return kl - reconstruction;
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
});
