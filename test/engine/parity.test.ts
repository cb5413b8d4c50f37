// Every engine on every function of every kind of model: against float64, and against the plain JavaScript engine.
import { afterAll, describe, expect, it } from "vitest";
import { ENGINES, open, relativeError } from "../helpers.js";
import type { Numbers } from "../parity.js";
import { PARITY } from "../parity.js";

const cpu = open("cpu");

describe.each(ENGINES)("engine %s", (name) => {
  const engine = open(name);
  afterAll(async () => (await engine).close());

  it.each(PARITY.map((one) => [one.what, one] as const))("%s", async (_what, { run, expected, tolerance }) => {
    const actual = await run(await engine);
    expectClose(actual, expected, tolerance);
    if (name !== "cpu") expectClose(actual, await run(await cpu), tolerance);
  });
});

function expectClose(actual: Numbers, expected: Numbers, tolerance: number): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [tensor, numbers] of Object.entries(expected)) {
    expect(relativeError(actual[tensor], numbers), tensor).toBeLessThan(tolerance);
  }
}
