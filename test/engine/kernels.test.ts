// Compares each kernel of the compiled engine with the backend `cpu` (plain JavaScript).
import { afterAll, describe, expect, it } from "vitest";
import { kernels } from "../../src/engine/compiled/kernels.js";
import { tf } from "../../src/engine/compiled/tf.js";
import { open, openAt, PLACES } from "../helpers.js";
import { type Inputs, KERNEL_CASES } from "./kernel-cases.js";

const cpu = open("cpu");

it("every kernel has a case", () => {
  expect(new Set(KERNEL_CASES.map(([kernel]) => kernel))).toEqual(new Set(Object.keys(kernels)));
});

/**
 * The first cases of each kernel, without special values: the shading language may compute infinity and NaN as other
 * numbers, and its functions have absolute errors near 0.
 */
const GPU_CASES = KERNEL_CASES.filter(([, what]) => !/special|small/.test(what)).filter(([kernel], i, all) => {
  return all.findIndex(([other]) => other === kernel) > i - 3;
});

describe.each(PLACES.filter(({ name }) => name === "compiled"))("lowered kernels of $title", (place) => {
  const compiled = openAt(place);
  afterAll(async () => (await compiled).close());

  it.each(place.device === "gpu" ? GPU_CASES : KERNEL_CASES)("%s, %s", async (kernel, _what, fn, inputs) => {
    const run = (tensors: Inputs) => ({ result: fn(tensors) });
    const { result } = await (await compiled).call(run, inputs);
    const reference = await cpu;
    let expected = result;
    const { kernelNames } = await tf.profile(async () => {
      expected = (await reference.call(run, inputs)).result;
      return [];
    });
    expect(kernelNames).toContain(kernel);
    expect(result.shape).toEqual(expected.shape);
    expected.data.forEach((value, i) => {
      const actual = result.data[i];
      const at = `[${i}] of ${Object.values(inputs).map(({ data }) => data[i])}`;
      if (Number.isFinite(value)) {
        expect(Math.abs(actual - value), `${at}: ${actual}, not ${value}`).toBeLessThan(
          2e-6 * Math.max(1, Math.abs(value)),
        );
      } else if (place.device === "cpu") expect(actual, at).toBe(value);
    });
  });
});
