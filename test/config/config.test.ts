import { describe, expect, it } from "vitest";
import { checkNeeds, createConfig, encodeConfig, type GivenSettings, parseSetting } from "../../src/config/config.js";
import { PRESETS } from "../../src/config/presets.js";
import { SETTINGS, type SettingName } from "../../src/config/settings.js";
import { UserError } from "../../src/errors.js";

describe("settings", () => {
  it("have the tutorial's values by default", () => {
    expect(createConfig({})).toMatchObject({
      dataset: "mnist",
      epochs: 20,
      batchSize: 128,
      learningRate: 1e-3,
      dimZ: 2,
      nHidden: [500, 500],
      keepProb: 0.9,
      noise: null,
      engine: "auto",
    });
  });

  it.each([
    ["epochs", "7", 7],
    ["learningRate", "1e-4", 1e-4],
    ["learningRate", ".5", 0.5],
    ["keepProb", "1", 1],
    ["seed", "9007199254740991", Number.MAX_SAFE_INTEGER],
    ["dataset", "my digits", "my digits"],
    ["engine", "wasm", "wasm"],
    ["nHidden", "300,200,100", [300, 200, 100]],
    ["nHidden", "64", [64]],
    ["encoderActivations", "relu,tanh", ["relu", "tanh"]],
    ["noise", "mask", { kind: "mask", strength: 0.5 }],
    ["noise", "haze:0.9", { kind: "haze", strength: 0.9 }],
    ["binarize", "dynamic", "dynamic"],
  ] as [SettingName, string, unknown][])("%s may be %s", (name, text, value) => {
    expect(parseSetting(name, text)).toEqual(value);
  });

  const numbers = (Object.keys(SETTINGS) as SettingName[]).filter((name) => "min" in SETTINGS[name]);
  it.each(
    numbers.flatMap((name) =>
      ["", "abc", "-1", "NaN", "Infinity", "1e99", "0x10", "1,,5", " 1", "1 2"].map((text) => [name, text]),
    ),
  )("%s may not be '%s'", (name, text) => {
    expect(() => parseSetting(name as SettingName, text)).toThrow(UserError);
  });

  it.each([
    ["epochs", "0"],
    ["epochs", "1.5"],
    ["learningRate", "0"],
    ["keepProb", "0.009"],
    ["keepProb", "1.01"],
    ["seed", "9007199254740992"],
    ["engine", "gpu"],
    ["dataset", ""],
    ["nHidden", "500,"],
    ["nHidden", "500,0"],
    ["learningRate", "1,5"],
    ["encoderActivations", "elu,sin"],
    ["encoderActivations", ""],
    ["noise", "snow"],
    ["noise", "mask:2"],
    ["adamBeta2", "1"],
  ] as [SettingName, string][])("%s may not have the invalid value '%s'", (name, text) => {
    expect(() => parseSetting(name, text)).toThrow(UserError);
  });

  it.each([
    [{ learningRateMilestones: [5, 5] }, "must increase"],
    [{ epochz: 3 }, 'Unknown setting "epochz"'],
    [{ epochs: "3" }, 'The setting epochs is "3"'],
    [{ nHidden: [] }, "The setting nHidden is []"],
  ])("refuse %j", (given, problem) => {
    expect(() => createConfig(given)).toThrow(problem);
  });

  it.each([
    [{ model: "ae", objective: "iwae" }, "`objective` needs `model: vae`."],
    [{ model: "ae", beta: 1 }, "`beta` needs `model: vae`."],
    [{ model: "ae", sigma: "exp" }, "`sigma` needs `model: vae`."],
    [{ importanceSamples: 5 }, "`importanceSamples` needs `objective: iwae`."],
    [{ objective: "iwae", mcSamples: 2 }, "`mcSamples` needs `objective: elbo` or `objective: free-bits`."],
    [{ learningRateDecay: 0.5 }, "`learningRateDecay` needs `learningRateSchedule: steps`."],
    [{ pixelSigma: 0.5 }, "`pixelSigma` needs `likelihood: gaussian`."],
    [{ layerUnits: 7, dimZ: 5 }, "`layerUnits` needs `dimZ: Z1,Z2`."],
  ] as [GivenSettings, string][])("without effect are refused from a user, not from a preset: %j", (given, problem) => {
    expect(() => checkNeeds(given, createConfig(given))).toThrow(problem);
    expect(() => checkNeeds({}, createConfig(given))).not.toThrow();
  });

  it("of two stochastic layers are accepted with two latent dimensions", () => {
    const given = { layerUnits: 7, dimZ: [5, 3] } as const;
    expect(() => checkNeeds(given, createConfig(given))).not.toThrow();
  });

  it("have one or two latent dimensions, encoded in config.json as given", () => {
    for (const [text, value] of [
      ["5", 5],
      ["100,50", [100, 50]],
    ] as const) {
      expect(parseSetting("dimZ", text)).toEqual(value);
      expect(encodeConfig(createConfig({ dimZ: value })).dimZ).toEqual(value);
    }
    for (const text of ["", "5,", ",5", "5,0", "4,3,2", "4;3", "4097", "4,4097"])
      expect(() => parseSetting("dimZ", text), text).toThrow("one or two whole numbers from 1 to 4096");
  });

  it.each([5, null, [], "dimZ"])("refuse %j instead of an object", (given) => {
    expect(() => createConfig(given as never)).toThrow("Settings must be an object");
  });

  it("survive a round trip through config.json", () => {
    for (const { settings } of Object.values(PRESETS)) {
      const config = createConfig(settings);
      expect(createConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    }
  });

  it("have the tutorial's values in preset tutorial", () => {
    expect(createConfig(PRESETS.tutorial.settings)).toEqual(createConfig({}));
  });
});
