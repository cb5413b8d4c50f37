import { describe, expect, it } from "vitest";
import type { SettingName } from "../src/config.js";
import { createConfig, parseSetting, SETTINGS } from "../src/config.js";
import { UserError } from "../src/errors.js";

describe("settings", () => {
  it("have the tutorial's values where nothing is said", () => {
    expect(createConfig({})).toMatchObject({
      dataset: "mnist",
      epochs: 20,
      batchSize: 128,
      learningRate: 1e-3,
      dimZ: 2,
      nHidden: 500,
      keepProb: 0.9,
      noise: "none",
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
  ] as [SettingName, string, unknown][])("%s may be %s", (name, text, value) => {
    expect(parseSetting(name, text)).toBe(value);
  });

  const numbers = (Object.keys(SETTINGS) as SettingName[]).filter((name) => "min" in SETTINGS[name]);
  it.each(
    numbers.flatMap((name) =>
      ["", "abc", "-1", "NaN", "Infinity", "1e99", "0x10", "1,5", " 1", "1 2"].map((text) => [name, text]),
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
  ] as [SettingName, string][])("%s may not be '%s' either", (name, text) => {
    expect(() => parseSetting(name, text)).toThrow(UserError);
  });
});
