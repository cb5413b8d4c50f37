// vae compare, on runs with known numbers.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createConfig, type GivenSettings } from "../../src/config/config.js";
import { compareRuns } from "../../src/index.js";
import { RunFolder } from "../../src/run/folder.js";
import { RunGroup } from "../../src/run/group.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
let created = 0;

interface Made {
  readonly epochs?: number;
  /** The validation ELBO of the best epoch. */
  readonly elbo?: number;
  readonly sha256?: string;
  readonly parts?: "own";
}

/** Writes a run of `epochs` epochs, the last of which is the best. It is finished if its settings ask for no more. */
async function make(name: string, given: GivenSettings, made: Made = {}) {
  const { epochs = 3, elbo = -100, sha256 = "", parts } = made;
  const settings = createConfig({ epochs: 3, ...given, engine: "wasm", threads: 2 });
  const data = { name: "mnist", height: 2, width: 2, channels: 1, train: 9, validation: 1, test: 5, sha256 };
  const time = new Date(Date.UTC(2026, 0, 1, 0, created++)).toISOString();
  const about = { version: "0.0.0", created: time, settings, data, ...(parts && { parts }) };
  const run = await RunFolder.create(about, { tensors: new Map(), metadata: {} }, at(name));
  const reports = Array.from({ length: epochs }, (_, i) => {
    const value = elbo - 10 * (epochs - 1 - i);
    return {
      epoch: i + 1,
      validation: { objective: value - 1, elbo: value, reconstruction: value + 5, kl: 5 },
      isBest: true,
    };
  });
  await run.writeMetrics(reports);
  await run.close();
}

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-compare-"));
  for (const [seed, elbo] of [-100, -102, -107].entries()) await make(`runs/a/s${seed}`, { beta: 1, seed }, { elbo });
  for (const [seed, elbo] of [-110, -111].entries()) await make(`runs/b/s${seed}`, { beta: 4, seed }, { elbo });
  await make("runs/iwae", { objective: "iwae", importanceSamples: 9, dimZ: 20, nHidden: [300, 100] });
  await make("runs/short", { seed: 9 }, { epochs: 2 });
  await make("runs/none", { seed: 8 }, { epochs: 0 });
  await make("runs/ae", { model: "ae" });
  await make("runs/black", { binarize: "dynamic" });
  await make("runs/other", {}, { sha256: "other" });
  await make("runs/own", {}, { parts: "own" });
});
afterAll(() => rmSync(home, { recursive: true }));

const compare = (...args: string[]) => vae(["compare", ...args], home);
const json = async (...args: string[]) => JSON.parse((await compare("--json", ...args)).stdout);

describe("vae compare", () => {
  it("shows differing settings, metrics of the best epochs, and means with sample deviations", async () => {
    const { code, stdout, stderr } = await compare("runs/a", "runs/b", "--out", "curves.svg");
    // Of −100, −102, −107: mean −103, squares 9 + 1 + 16, deviation √13. Of −110, −111: √½.
    expect(stdout).toBe(`Best validation epoch, nats per image of grey pixels:
run   beta  seed  best epoch  −objective   −ELBO  reconstruction    KL
a/s0  1     0     3/3             101.00  100.00          −95.00  5.00
a/s1  1     1     3/3             103.00  102.00          −97.00  5.00
a/s2  1     2     3/3             108.00  107.00         −102.00  5.00
b/s0  4     0     3/3             111.00  110.00         −105.00  5.00
b/s1  4     1     3/3             112.00  111.00         −106.00  5.00

Finished runs that differ only in the seed, mean ± standard deviation (n − 1):
settings  runs     −objective          −ELBO  reconstruction           KL
beta=1       3  104.00 ± 3.61  103.00 ± 3.61   −98.00 ± 3.61  5.00 ± 0.00
beta=4       2  111.50 ± 0.71  110.50 ± 0.71  −105.50 ± 0.71  5.00 ± 0.00
curves.svg
`);
    expect([code, stderr]).toEqual([
      0,
      "Different objectives cannot be compared (ELBO; ELBO at β 4), but the ELBO can.\n",
    ]);
    const svg = readFileSync(at("curves.svg"), "utf8");
    for (const text of ["beta=1", "beta=4", "Validation, nats per image of grey pixels"]) expect(svg).toContain(text);
  });

  it("prints one JSON value, and draws only to the given path", async () => {
    const result = await json("runs/a", "runs/b");
    expect(result.differing).toEqual(["beta", "seed"]);
    expect(result.folder).toBe(at("runs"));
    expect(result.runs.map(({ name, values }: { name: string; values: object }) => [name, values])).toEqual([
      ["a/s0", { beta: 1, seed: 0 }],
      ["a/s1", { beta: 1, seed: 1 }],
      ["a/s2", { beta: 1, seed: 2 }],
      ["b/s0", { beta: 4, seed: 0 }],
      ["b/s1", { beta: 4, seed: 1 }],
    ]);
    const [{ n, values, validation, runs }] = result.repeats;
    expect([n, values, runs]).toEqual([3, { beta: 1 }, ["runs/a/s0", "runs/a/s1", "runs/a/s2"]]);
    expect(validation.elbo.mean).toBeCloseTo(-103, 12);
    expect(validation.elbo.deviation).toBeCloseTo(Math.sqrt(13), 12);
    expect(existsSync(at("compare.svg"))).toBe(false);
    expect((await compare("--json", "runs/a", "--out", "json.svg")).code).toBe(0);
    expect(existsSync(at("json.svg"))).toBe(true);
  });

  it("writes the picture to the runs' folder, or to the current one if they have no common folder", async () => {
    const lastLine = async (...runs: string[]) => (await compare(...runs)).stdout.trimEnd().split("\n").at(-1);
    expect(await lastLine("runs/a")).toBe(path.join("runs", "a", "compare.svg"));
    expect(await lastLine("runs/short", "runs/iwae")).toBe(path.join("runs", "compare.svg"));
    expect(await lastLine("runs/short", "runs/a")).toBe("compare.svg");
    for (const file of ["runs/a/compare.svg", "runs/compare.svg", "compare.svg"])
      expect(existsSync(at(file))).toBe(true);
  });

  it("leaves out settings without effect, and shows lists as --set takes them", async () => {
    const { stdout } = await compare("runs/iwae", "runs/a/s0");
    expect(stdout.split("\n").slice(1, 8)).toEqual([
      "run   objective  dimZ  nHidden  importanceSamples",
      "iwae  iwae       20    300,100  9",
      "a/s0  elbo       2     500,500  –",
      "",
      "run   best epoch  −objective   −ELBO  reconstruction    KL",
      "iwae  3/3             101.00  100.00          −95.00  5.00",
      "a/s0  3/3             101.00  100.00          −95.00  5.00",
    ]);
  });

  it("wraps wide tables into blocks, and repeats the names", async () => {
    const wide = { encoderActivations: ["relu"], decoderActivations: ["elu"], likelihood: "gaussian" } as const;
    await make("runs/wide", { ...wide, noise: "mask", weightDecay: 0.1, adamEpsilon: 0.001, outputBias: "mean" });
    const { stdout } = await compare("runs/wide", "runs/a/s0");
    const lines = stdout.split("\n");
    const heads = lines.filter((line) => line.startsWith("run "));
    expect(heads.length).toBeGreaterThan(2);
    expect(heads.at(-1)).toMatch(/^run +best epoch +−ELBO +reconstruction +KL$/);
    expect(lines.filter((line) => line.startsWith("a/s0 "))).toHaveLength(heads.length);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("shows six runs with long names distinguishably on 80 columns", async () => {
    const names = [1, 2, 3, 4, 5, 6].map((n) => `long/${"experiment-".repeat(5)}${n}-of-the-year`);
    for (const [i, name] of names.entries()) {
      await make(name, { beta: i, learningRate: 0.001 * (i + 1), dataset: `/data/${"deep/".repeat(20)}${i}` });
    }
    const { stdout } = await compare("long");
    const lines = stdout.split("\n");
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    const shown = lines.filter((line) => line.startsWith("exp")).map((line) => line.split(" ")[0]);
    expect(new Set(shown).size).toBe(6);
    for (const name of shown) expect(name).toMatch(/^experi.*….*-[1-6]-of-the-year$/);
    const settings = shown.length / 6 - 1; // blocks
    expect(lines.filter((line) => /^run +best epoch .* KL$/.test(line))).toHaveLength(1);
    expect(settings).toBeGreaterThanOrEqual(1);
  });

  it("shows test results, and their spread if every run has one", async () => {
    const test = (elbo: number) => ({ objective: elbo, elbo, reconstruction: elbo + 7, kl: 7 });
    const tested = async (name: string, seed: number, elbo: number, epoch = 3) => {
      await make(name, { seed });
      writeFileSync(at(name, "test.json"), JSON.stringify({ epoch, test: test(elbo) }));
    };
    await tested("tested/a", 0, -90);
    await tested("tested/b", 1, -92);
    const { stdout } = await compare("tested");
    expect(stdout).toContain(
      `
Test with the weights of that epoch:
run  −objective  −ELBO  reconstruction    KL
a         90.00  90.00          −83.00  7.00
b         92.00  92.00          −85.00  7.00
`
        .replaceAll("−objective  ", "")
        .replaceAll("     90.00  90", "90")
        .replaceAll("     92.00  92", "92"),
    );
    const { runs, repeats } = await json("tested");
    expect(runs.map((run: { test: object }) => run.test)).toEqual([test(-90), test(-92)]);
    expect(repeats[0].test.elbo).toEqual({ mean: -91, deviation: Math.SQRT2 });
    await tested("tested/c", 2, -50, 2); // of weights that a later epoch has surpassed
    const more = await json("tested");
    expect(more.runs[2]).not.toHaveProperty("test");
    expect(more.repeats[0]).toMatchObject({ n: 3, test: {} });
  });

  it("shows the progress of unfinished runs, and leaves them out of the means", async () => {
    const { stdout } = await compare("runs/a", "runs/short", "runs/none");
    expect(stdout).toMatch(/^short +9 +2\/2 stopped +100\.00/m);
    expect(stdout).toMatch(/^none +8 +–\/0 stopped +– +– +–$/m);
    expect(stdout).toMatch(/^all the same +3 /m);
    expect((await compare("runs/none")).stderr).toContain("No epoch has finished yet");
  });

  it("counts a run and a seed once", async () => {
    await make("runs/again", { beta: 1, seed: 0 });
    const { runs, repeats } = await json("runs/a", "runs/a/s0", "runs/again");
    expect(runs).toHaveLength(4);
    expect(repeats.map(({ n }: { n: number }) => n)).toEqual([3]);
  });

  it.each([
    ["runs/black", "Numbers of different pixels cannot be compared: grey pixels; dynamically binarized pixels."],
    ["runs/other", "The runs have different images, so their numbers cannot be compared."],
    ["runs/ae", "An autoencoder has no ELBO, so only its reconstruction can be compared."],
    ["runs/own", "Some runs have the user's own parts, which no setting describes: runs/own."],
  ])("refuses in one line to compare: %s", async (run, problem) => {
    const { code, stderr } = await compare("runs/a/s0", run);
    expect([code, stderr]).toEqual([0, `${problem}\n`]);
  });

  it("shows no ELBO of an autoencoder", async () => {
    expect((await compare("runs/ae")).stdout).toContain(
      "run  best epoch  reconstruction\nae   3/3                 −95.00\n",
    );
    expect((await compare("runs/ae", "runs/a/s0")).stdout).toMatch(/^ae +ae +3\/3 +101\.00 +– +−95\.00 +–$/m);
  });

  it("names unreadable runs and runs without a finished epoch", async () => {
    await make("broken/x", {});
    await make("broken/y", {});
    writeFileSync(at("broken/y/config.json"), "{");
    const { code, stderr } = await compare("broken");
    expect([code, stderr]).toEqual([0, "Cannot be read: broken/y/config.json is not valid JSON.\n"]);
    const config = createConfig({});
    const group = await RunGroup.create(
      at("group"),
      ["x", "y", "z"].map((name) => ({ name, config })),
    );
    expect((await compare("group")).stderr).toBe("error: There is no run in group.\n");
    await make("group/y", {});
    await group.close();
    expect((await compare("group")).stderr).toBe("2 of the 3 runs of group have not begun.\n");
  });

  it.each([
    [["nowhere"], "nowhere is not the folder of a run: it has no config.json."],
    [["empty"], "There is no run in empty."],
    [["broken/y"], "broken/y/config.json is not valid JSON."],
    [["runs/a", "--out", "x.png"], "Give a name that ends in .svg."],
    [["odd"], "odd/group.json is not the plan of a group of runs."],
    [["climbing"], "climbing/group.json is not the plan of a group of runs."],
  ])("refuses %j", async (args, problem) => {
    mkdirSync(at("empty"), { recursive: true });
    for (const [name, plan] of [
      ["odd", "{}"],
      ["climbing", '{"runs":[{"name":"..","settings":{}}]}'],
    ]) {
      if (existsSync(at(name))) continue;
      await make(`${name}/x`, {});
      writeFileSync(at(name, "group.json"), plan);
    }
    const { code, stdout, stderr } = await compare(...args);
    expect(stderr).toContain(problem);
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
    expect([code, stdout]).toEqual([2, ""]);
  });
});

describe("compareRuns", () => {
  it("keeps the given order, and refuses an empty list", async () => {
    const { runs, svg } = await compareRuns([at("runs/short"), at("runs/a")]);
    expect(runs.map(({ name }) => name)).toEqual(["short", "a/s0", "a/s1", "a/s2"]);
    expect(svg).toMatch(/^<svg /);
    await expect(compareRuns([])).rejects.toThrow("The runs is []. It must be an array, and not empty.");
  });

  it("reads terms that are null in JSON because they were not finite", async () => {
    await make("gaps/a", {});
    await make("gaps/b", { seed: 1 });
    const validation = { objective: -3, elbo: null, reconstruction: null, kl: null };
    writeFileSync(at("gaps/b/metrics.jsonl"), `${JSON.stringify({ epoch: 1, validation, isBest: true })}\n`.repeat(3));
    const { stdout, code } = await compare("gaps");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^b +1 +1\/3 +– +– +–$/m);
    expect(stdout).not.toMatch(/NaN|null|Infinity/);
  });
});
