// Compares each engine, on all functions of all kinds of models, with NumPy in float64 and with engine cpu.
import { afterAll, describe, expect, it } from "vitest";
import { createConfig, type GivenSettings } from "../../src/config/config.js";
import { SETTINGS } from "../../src/config/settings.js";
import { MODEL_SETTINGS } from "../../src/model/settings.js";
import { open, openAt, PLACES, relativeError } from "../helpers.js";
import { type Numbers, PARITY, type ParityCase } from "../parity.js";
import reference from "../reference/parity.json" with { type: "json" };

const cpu = open("cpu");
/** The results of engine cpu, by case. */
const onCpu = new Map<ParityCase, Promise<Numbers>>();
/** Settings with the same choices. */
const ACTIVATIONS = ["encoderActivations", "decoderActivations", "convActivation"];

it("has a case for every choice of each setting, and for numbers other than the defaults", () => {
  const cases = Object.values(reference.cases).map(({ settings }) => createConfig(settings as GivenSettings));
  // These cases set the initial weights themselves.
  const { initialWeights, outputBias, ...ofModel } = MODEL_SETTINGS;
  const { klWarmUp, weightDecay, adamBeta1, adamBeta2, adamEpsilon, noise } = SETTINGS;
  const settings = { ...ofModel, klWarmUp, weightDecay, adamBeta1, adamBeta2, adamEpsilon, noise };
  for (const [name, setting] of Object.entries(settings)) {
    const alike = /Activations?$/.test(name) ? ACTIVATIONS : [name];
    const used = cases.flatMap((config) => alike.flatMap((key): unknown => config[key as keyof typeof settings]));
    if ("choices" in setting) expect(new Set(used), name).toEqual(new Set(setting.choices));
    else expect(new Set(used.map(String)), name).not.toEqual(new Set([String(setting.default)]));
  }
});

describe.each(PLACES)("engine $title", (place) => {
  const engine = openAt(place);
  afterAll(async () => (await engine).close());

  it.each(PARITY.map((one) => [one.what, one] as const))("%s", async (_what, one) => {
    const { run, expected, tolerance, isLong } = one;
    const actual = await run(await engine);
    // Kernels of a GPU add in another order, and differ by the last bits, which fifty steps amplify.
    const allowed = place.device === "gpu" && isLong ? 2 * tolerance : tolerance;
    expectClose(actual, expected, allowed);
    if (place.name === "cpu") return;
    if (!onCpu.has(one)) onCpu.set(one, cpu.then(run));
    expectClose(actual, (await onCpu.get(one)) as Numbers, allowed);
  });
});

function expectClose(actual: Numbers, expected: Numbers, tolerance: number): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [tensor, numbers] of Object.entries(expected)) {
    expect(relativeError(actual[tensor], numbers), tensor).toBeLessThan(tolerance);
  }
}
