import { expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import { exportFunction } from "../../src/engine/compiled/export.js";
import { Session } from "../../src/engine/compiled/session.js";
import { array, firstParams, modelOf } from "../helpers.js";

it.each([
  ["softplus", [1e-6, Math.LN2 + 1e-6, 30]],
  ["exp", [Math.exp(-20), 1, Math.exp(30)]],
] as const)("an exported encoder has σ by %s also where it is tiny or huge", async (sigma, expected) => {
  const config = createConfig({ sigma, dimZ: 3, nHidden: [2] });
  const params = firstParams(config, 4);
  params["encoder.1.weight"].data.fill(0);
  params["encoder.1.bias"].data.set([0, 0, 0, -20, 0, 30]);
  if (sigma === "softplus") params["encoder.1.bias"].data[3] = -100;
  const { exportedEncoder } = modelOf(config, 4);
  const file = await exportFunction(
    "encoder",
    exportedEncoder,
    params,
    { x: { name: "pixels", size: 4 } },
    { description: "", metadata: {} },
  );
  const session = await Session.create(file, 1);
  for (const batch of [1, 3]) {
    const outputs = await session.run(new Map([["pixels", array(new Array(4 * batch).fill(0.5), [batch, 4])]]));
    const { data, shape } = outputs.get("sigma") ?? array([]);
    expect(shape).toEqual([batch, 3]);
    data.forEach((value, i) => {
      expect(value / expected[i % 3]).toBeCloseTo(1, 5);
    });
  }
  await session.close();
});
