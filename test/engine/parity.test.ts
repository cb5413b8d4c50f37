// Every engine on every function of every kind of model: against float64, and against the plain JavaScript engine.
import { afterAll, describe, expect, it } from "vitest";
import { createConfig, type GivenSettings } from "../../src/config/config.js";
import { SETTINGS } from "../../src/config/settings.js";
import { ENGINES, open, relativeError } from "../helpers.js";
import { type Numbers, PARITY } from "../parity.js";
import reference from "../reference/parity.json" with { type: "json" };

const cpu = open("cpu");

it("has a case for every choice of a model, and for its numbers other than the defaults", () => {
  const cases = Object.values(reference.cases).map(({ settings }) => createConfig(settings as GivenSettings));
  const choices = ["model", "objective", "sigma", "likelihood", "encoderActivations", "decoderActivations"] as const;
  const activations = cases.flatMap(({ encoderActivations, decoderActivations }) => [
    ...encoderActivations,
    ...decoderActivations,
  ]);
  for (const name of choices) {
    const used = name.endsWith("Activations") ? activations : cases.map((config) => config[name]);
    expect(new Set<unknown>(used), name).toEqual(new Set<unknown>(SETTINGS[name].choices));
  }
  const numbers = [
    "mcSamples",
    "importanceSamples",
    "beta",
    "klWarmUp",
    "pixelSigma",
    "keepProb",
    "weightDecay",
  ] as const;
  for (const name of [...numbers, "adamBeta1", "adamBeta2", "adamEpsilon", "dimZ", "nHidden", "noise"] as const) {
    expect(
      cases.map((config) => String(config[name])).some((value) => value !== String(SETTINGS[name].default)),
      name,
    ).toBe(true);
  }
});

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
