import { expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import { Session } from "../../src/engine/compiled/session.js";
import { encodeOnnx } from "../../src/model/onnx.js";
import { initialParameters } from "../../src/model/parameters.js";
import { array } from "../helpers.js";

it.each([
  ["softplus", [1e-6, Math.LN2 + 1e-6, 30]],
  ["exp", [Math.exp(-20), 1, Math.exp(30)]],
] as const)("an exported encoder has σ by %s also where it is tiny or huge", async (sigma, expected) => {
  const config = { pixels: 4, ...createConfig({ sigma, dimZ: 3, nHidden: [2] }) };
  const params = initialParameters(config, 0);
  params["encoder.1.weight"].data.fill(0);
  params["encoder.1.bias"].data.set([0, 0, 0, -20, 0, 30]);
  if (sigma === "softplus") params["encoder.1.bias"].data[3] = -100;
  const session = await Session.create(encodeOnnx(config, params, {}).encoder, 1);
  const outputs = await session.run(new Map([["pixels", array([0, 0.5, 1, 0], [1, 4])]]));
  await session.close();
  outputs.get("sigma")?.data.forEach((value, i) => {
    expect(value / expected[i]).toBeCloseTo(1, 5);
  });
  expect.assertions(3);
});
