import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatDefault } from "../../src/commands/flags.js";
import { withFlags } from "../../src/commands/io.js";
import { checkNeeds, createConfig } from "../../src/config/config.js";
import type { Setting } from "../../src/config/entries.js";
import { SETTINGS, type SettingName } from "../../src/config/settings.js";
import { standardPieces } from "../../src/model/build.js";
import { flagOf } from "../../src/shell.js";
import { vae } from "../vae.js";

let home: string;
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-needs-"));
});
afterAll(() => rmSync(home, { recursive: true }));

/** A setting as a flag (--dim-z 2) or as --set prior=vamp. */
const words = (name: string, value: string) =>
  "flag" in SETTINGS[name as SettingName] ? [flagOf(name), value] : ["--set", `${name}=${value}`];
const nameOf = (name: string) => words(name, "")[0].replace("--set", `--set ${name}`);

/** Settings that need another one, and the values of it with which they have no effect. */
const UNMET: Readonly<Record<string, readonly string[]>> = {
  model: ["ae"],
  network: ["mlp", "conv"],
  objective: ["mmd", "elbo"],
  posterior: ["gaussian"],
  prior: ["normal"],
  likelihood: ["bernoulli"],
  learningRateSchedule: ["constant"],
  dimZ: ["2"],
};

const NEEDS = (Object.entries(SETTINGS) as [SettingName, Setting<unknown>][]).flatMap(([name, { needs = {} }]) =>
  Object.entries(needs).flatMap(([other, values]) => {
    const unmet = Object.hasOwn(UNMET, other) ? UNMET[other].find((value) => !values.includes(value)) : undefined;
    return unmet === undefined ? [] : [[name, other, values, unmet] as const];
  }),
);

describe("a setting without effect", () => {
  it("occurs in more than 30 pairs", () => expect(NEEDS.length).toBeGreaterThan(30));

  it.each(NEEDS)("%s is refused by flags without %s of %j", async (name, other, values, unmet) => {
    // Its other needs are met. For a plain autoencoder, they would be refused first.
    const others = Object.entries(SETTINGS[name].needs ?? {}).filter(([key]) => key !== other && key !== "model");
    const met = other === "model" ? [] : others.flatMap(([key, [value]]) => words(key, value));
    const { code, stdout, stderr } = await vae(
      ["train", ...met, ...words(name, formatDefault(name)), ...words(other, unmet)],
      home,
    );
    const needed = values.map((value) => words(other, value).join(" ")).join(" or ");
    expect(stderr).toBe(`error: ${nameOf(name)} needs ${needed}.\n`);
    expect([code, stdout]).toEqual([2, ""]);
  });
});

describe("two incompatible settings", () => {
  const choices = (Object.entries(SETTINGS) as [SettingName, Setting<unknown>][]).flatMap(([name, setting]) => {
    const values = "choices" in setting ? (setting.choices as readonly string[]) : [];
    const wrap = (value: string) => (Array.isArray(setting.default) ? [value] : value);
    return values.filter((value) => value !== setting.default).map((value) => [name, wrap(value)] as const);
  });
  const all = [...choices, ["dimZ", [5, 3]] as const, ["beta", 2] as const, ["klWarmUp", 1] as const];

  it("are refused with a message that names flags", () => {
    const refusals = all.flatMap((one) => all.flatMap((other) => refusalOf([one, other]) ?? []));
    expect(new Set(refusals).size).toBeGreaterThan(20);
    for (const refusal of refusals) {
      expect(refusal).toMatch(/--(set \w+|[a-z-]+)/);
      expect(refusal).not.toMatch(/`|(?<!--set )\b[a-z]+[A-Z]\w*/);
    }
  });
});

/** The error of the command line for settings that exclude each other; undefined if they are valid. */
function refusalOf(pair: readonly (readonly [string, unknown])[]): string | undefined {
  const given = Object.fromEntries(pair);
  try {
    const config = createConfig(given);
    checkNeeds(given, config);
    standardPieces(config, { height: 8, width: 8, channels: 1 });
    return undefined;
  } catch (error) {
    return withFlags((error as Error).message);
  }
}
