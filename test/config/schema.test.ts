import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createConfig, encodeConfig } from "../../src/config/config.js";
import { PRESETS } from "../../src/config/presets.js";
import { SETTINGS } from "../../src/config/settings.js";
import { copyTiny } from "../helpers.js";
import { vae } from "../vae.js";

const schema = JSON.parse(readFileSync("docs/settings.schema.json", "utf8"));
const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, strictRequired: false }).compile(
  schema,
);

/** Valid and invalid JSON values of each setting, at their bounds and in other spellings. */
const CASES: Readonly<Record<string, { right: readonly unknown[]; wrong: readonly unknown[] }>> = {
  dataset: { right: ["mnist", "a b", "ä"], wrong: ["", "a\0", 1, null, ["mnist"], {}] },
  inputDir: { right: ["none", null, "hazy"], wrong: ["", 3, []] },
  size: {
    right: ["own", null, 1, 4096, "28", "4096x1", "028x20", [28, 20], { width: 3, height: 4 }],
    wrong: [0, 4097, 2.5, "4097", "0x3", "28x", "28 x 20", "x", [28], [1, 2, 3], [0, 2], { width: 3 }, true, ""],
  },
  channels: { right: [1, 3, "1", "3", "own", null], wrong: [2, "2", 0, true, ""] },
  background: { right: ["black", "white", "own", null], wrong: ["grey", "Black", 1] },
  layout: { right: ["hwc", "cwh", null], wrong: ["hcw", ""] },
  limit: { right: [0, 4_294_967_295, 5.0], wrong: [-1, 4_294_967_296, 1.5, "5", null] },
  classes: {
    right: [["all"], ["a", "b"], ['"all"', "b"], ["0"]],
    wrong: [[], "all", ["all", "b"], ["b", "all"], [""], [1], null],
  },
  skipBad: { right: [true, false], wrong: ["true", 1, 0, null] },
  model: { right: ["vae", "ae"], wrong: ["VAE", "", null, 1] },
  dimZ: { right: [1, 4096, [3, 2], [3]], wrong: [0, 4097, 1.5, "3", [], [1, 2, 3], [0, 1], null, true] },
  nHidden: { right: [[1], [4096, 1]], wrong: [[], 5, [0], [1.5], ["3"], Array(33).fill(1), "500,500"] },
  keepProb: { right: [0.01, 1], wrong: [0, 1.01, "0.5", null] },
  encoderActivations: { right: [["elu"], ["relu", "silu"]], wrong: [[], "elu", ["sin"], Array(33).fill("elu")] },
  learningRate: { right: [1e-9, 1e30], wrong: [0, -1, 1e31, "0.1"] },
  noise: {
    right: [
      ...[
        null,
        "none",
        "haze",
        "mask:1",
        "mask:0.5",
        "mask:.5",
        "mask:1.00",
        "gaussian:10",
        "gaussian:9.99",
        "haze:5e-1",
      ],
      ...[{ kind: "mask" }, { kind: "mask", strength: 1 }, { kind: "gaussian", strength: 10 }],
    ],
    wrong: [
      ...["", "snow", "mask:", "mask:0", "mask:0.0", "mask:1.01", "mask:2", "mask:-1", "gaussian:10.1", "gaussian:11"],
      ...[
        "haze:x",
        "mask:0.5:1",
        {},
        { kind: "snow" },
        { kind: "mask", strength: 2 },
        { kind: "mask", strength: 0 },
        1,
      ],
    ],
  },
  seed: { right: [0, Number.MAX_SAFE_INTEGER], wrong: [-1, 1.5, "0"] },
  threads: { right: [1, 256], wrong: [0, 257] },
  learningRateMilestones: { right: [[1], [1, 5]], wrong: [[], [0], 3] },
  toString: { right: [], wrong: [1] },
  dimz: { right: [], wrong: [3] },
};

const isValidForProgram = (settings: unknown) => {
  try {
    createConfig(settings as object);
    return true;
  } catch {
    return false;
  }
};

describe("docs/settings.schema.json", () => {
  it.each(Object.entries(CASES))("agrees with the program on %s", (name, { right, wrong }) => {
    for (const [values, isRight] of [
      [right, true],
      [wrong, false],
    ] as const) {
      for (const value of values) {
        const settings = { [name]: value };
        const shown = JSON.stringify(settings);
        expect([shown, isValidForProgram(settings)]).toEqual([shown, isRight]);
        expect([shown, validate(settings)]).toEqual([shown, isRight]);
      }
    }
  });

  it.each(Object.keys(SETTINGS))("agrees with the program on %s of any type", (name) => {
    const values = [
      null,
      true,
      false,
      0,
      1,
      -1,
      0.5,
      3,
      1e9,
      1e40,
      "",
      "x",
      "1",
      "none",
      "own",
      [],
      [1],
      ["x"],
      [1, "x"],
    ];
    for (const value of [...values, [[]], {}, { width: 1 }]) {
      const shown = JSON.stringify({ [name]: value });
      expect([shown, validate({ [name]: value })]).toEqual([shown, isValidForProgram({ [name]: value })]);
    }
  });

  it("has a description of every setting, and every default except that of threads", () => {
    const { $schema, ...properties } = schema.definitions.settings.properties;
    expect(Object.keys(properties)).toEqual(Object.keys(SETTINGS));
    const { threads, ...defaults } = encodeConfig(createConfig({}));
    for (const [name, value] of Object.entries(defaults)) {
      expect(properties[name]).toMatchObject({ description: expect.stringContaining(" "), default: value });
    }
    expect(properties.threads).not.toHaveProperty("default");
  });

  it.each(Object.entries(PRESETS))("accepts the preset %s", (_, { settings }) => {
    expect(validate(settings)).toBe(true);
    expect(validate({ $schema: "./settings.schema.json", ...settings })).toBe(true);
  });
});

describe("a file of --preset", () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(path.join(tmpdir(), "vae-schema-"));
    copyTiny(home);
  });
  afterAll(() => rmSync(home, { recursive: true }));

  it.each([
    ['{"$schema": "./settings.schema.json", "dimZ": 3}', true],
    ['{"settings": {"dimZ": 3}, "data": {}}', true],
    ["{}", true],
    ['{"$schema": "x", "dimZ": 0}', false],
    ['{"settings": {"dimZ": 0}}', false],
    ['{"settings": []}', false],
    ['{"settings": 3}', false],
    ['{"schema": "x"}', false],
    ["[]", false],
    ["3", false],
    ["null", false],
    ['"dimZ"', false],
  ])("%s is accepted by the program and by the schema, or by neither", async (text, isRight) => {
    writeFileSync(path.join(home, "mine.json"), text);
    // The data set is refused after the preset.
    const { stderr } = await vae(["train", "--preset", "mine.json", "--dataset", "nowhere"], home);
    expect(stderr).toContain(isRight ? "nowhere does not exist" : "mine.json");
    expect(validate(JSON.parse(text))).toBe(isRight);
  });

  it("may be the config.json of a run", () => {
    expect(validate(JSON.parse(readFileSync(path.join(home, "run/config.json"), "utf8")))).toBe(true);
  });
});
