import { afterAll, expect, it } from "vitest";
import { exportFunction } from "../../src/engine/compiled/export.js";
import { Session } from "../../src/engine/compiled/session.js";
import { tf } from "../../src/engine/compiled/tf.js";
import type { Tensors } from "../../src/model/specs.js";
import { array, open, relativeError, weyl } from "../helpers.js";

const cpu = open("cpu");
afterAll(async () => (await cpu).close());

type Inputs = { readonly params: Tensors; readonly x: tf.Tensor };
const params = { w: array(weyl(12, -1, 1), [3, 4]), b: array(weyl(4, -1, 1), [4]) };

/** Functions of a batch [B, 6]. The shapes of each depend on B in a different way. */
const FUNCTIONS: Record<string, (inputs: Inputs) => Tensors> = {
  "two rows for each image": ({ params, x }) => {
    const rows = tf.reshape(x, [2 * x.shape[0], 3]);
    const h = tf.elu(tf.add(tf.matMul(rows as tf.Tensor2D, params.w as tf.Tensor2D), params.b));
    return { y: tf.reshape(h, [x.shape[0], 8]) };
  },
  "a constant appended to each image": ({ x }) => ({ y: tf.concat([x, tf.fill([x.shape[0], 2], 0.5)], 1) }),
  "seven constants for each image": ({ x }) => {
    const ones = tf.fill([7 * x.shape[0], 2], 1);
    const sums = tf.add(tf.matMul(ones as tf.Tensor2D, tf.fill([2, 3], 0.5) as tf.Tensor2D), 1);
    return { y: tf.add(tf.reshape(sums, [x.shape[0], 21]), tf.mean(x, 1, true)) };
  },
  "means, and the input itself": ({ x }) => ({ y: tf.mean(x, 1, true), x }),
};

it.each(Object.keys(FUNCTIONS))("an exported function takes any batch: %s", async (name) => {
  const file = await exportFunction(
    "f",
    FUNCTIONS[name],
    params,
    { x: { name: "pixels", size: 6 } },
    { description: "", metadata: {} },
  );
  const session = await Session.create(file, 1);
  for (const batch of [1, 5]) {
    const x = array(weyl(6 * batch, -2, 2, batch), [batch, 6]);
    const outputs = await session.run(new Map([["pixels", x]]));
    const expected = await (await cpu).call(FUNCTIONS[name], { params, x });
    expect([...outputs.keys()]).toEqual(Object.keys(expected));
    for (const [output, { data, shape }] of Object.entries(expected)) {
      expect(outputs.get(output)?.shape).toEqual(shape);
      expect(relativeError(outputs.get(output)?.data ?? [], data)).toBeLessThan(1e-6);
    }
  }
  await session.close();
});

it("refuses to export a function whose numbers depend on the batch size", async () => {
  const centred = ({ x }: Inputs) => ({ y: tf.sub(x, tf.mul(tf.sum(x, 0, true), 1 / x.shape[0])) });
  const exporting = exportFunction(
    "encoder",
    centred,
    {},
    { x: { name: "pixels", size: 6 } },
    { description: "", metadata: {} },
  );
  await expect(exporting).rejects.toThrow("The encoder cannot be exported: its numbers depend on the batch size");
});

it("refuses to export a function with an unsupported kernel", async () => {
  const sine = ({ x }: Inputs) => ({ y: tf.sin(x) });
  const exporting = exportFunction(
    "f",
    sine,
    {},
    { x: { name: "pixels", size: 6 } },
    { description: "", metadata: {} },
  );
  await expect(exporting).rejects.toThrow("cannot compile the kernel Sin");
});
