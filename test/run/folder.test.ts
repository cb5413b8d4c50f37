import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createConfig } from "../../src/config.js";
import { UserError } from "../../src/errors.js";
import { initialParameters } from "../../src/model/parameters.js";
import type { RunConfig } from "../../src/run/folder.js";
import { RunFolder } from "../../src/run/folder.js";
import { writeFileAtomically } from "../../src/run/write-file.js";

const home = process.cwd();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "vae-run-"));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

function runConfig(created = "2026-01-02T03:04:05.000Z"): RunConfig {
  const settings = createConfig({ dimZ: 2, nHidden: [3, 3] });
  const data = { name: "mnist", height: 2, width: 2, channels: 1, train: 9, validation: 1, test: 5, sha256: "" };
  return { version: "0.0.0", created, settings, data };
}
const start = { tensors: new Map(), metadata: {} };
const params = initialParameters({ pixels: 4, ...runConfig().settings }, 0);

describe("a run's folder", () => {
  it("is named by data set, latent dimensions, date and time", async () => {
    const run = await RunFolder.create(runConfig(), start);
    expect(run.dir).toMatch(/^runs[\\/]mnist-z2-202601\d\d-\d{6}$/);
    expect(JSON.parse(readFileSync(path.join(run.dir, "config.json"), "utf8"))).toEqual(runConfig());
  });

  it("is never one that exists", async () => {
    mkdirSync("mine");
    await expect(RunFolder.create(runConfig(), start, "mine")).rejects.toThrow("mine exists already");
    expect(readdirSync("mine")).toEqual([]);
  });

  it("gives back the weights that it was given", async () => {
    await (await RunFolder.create(runConfig(), start, "a/b")).writeModel(params, { epoch: "1" });
    const model = await (await RunFolder.open("a/b")).readModel();
    expect(model).toEqual({ params, metadata: { epoch: "1", sha256: expect.any(String) } });
  });

  it("has a line of metrics for each epoch", async () => {
    const run = await RunFolder.create(runConfig(), start, "a");
    await run.writeMetrics([{ epoch: 1 }, { epoch: 2 }]);
    expect(readFileSync("a/metrics.jsonl", "utf8")).toBe('{"epoch":1}\n{"epoch":2}\n');
  });

  it("without a name is the newest that has a model", async () => {
    await (await RunFolder.create(runConfig("2026-01-01T00:00:00Z"), start, "runs/z-old")).writeModel(params, {});
    await (await RunFolder.create(runConfig("2026-01-03T00:00:00Z"), start, "runs/m-new")).writeModel(params, {});
    await RunFolder.create(runConfig("2026-01-05T00:00:00Z"), start, "runs/a-empty");
    writeFileSync("runs/notes.txt", "not a run");
    await (await RunFolder.create(runConfig("2026-01-06T00:00:00Z"), start, "runs/broken")).writeModel(params, {});
    writeFileSync("runs/broken/config.json", "{");
    utimesSync("runs/broken/config.json", new Date(), new Date("2026-01-02T00:00:00Z"));
    expect((await RunFolder.open()).dir).toBe(path.join("runs", "m-new"));
  });

  it("without a name is none that a damaged one may be newer than", async () => {
    await (await RunFolder.create(runConfig("2026-01-01T00:00:00Z"), start, "runs/old")).writeModel(params, {});
    await (await RunFolder.create(runConfig("2026-01-02T00:00:00Z"), start, "runs/new")).close();
    writeFileSync("runs/new/config.json", "{");
    const problem = "runs/new may be the newest run, but it cannot be read (runs/new/config.json is not valid JSON):";
    for (const open of [RunFolder.open, RunFolder.resume]) await expect(open()).rejects.toThrow(problem);
    rmSync("runs/old", { recursive: true });
    await expect(RunFolder.open()).rejects.toThrow(problem);
  });

  it("may have a name that looks like a temporary file's", async () => {
    await (await RunFolder.create(runConfig(), start, "runs/v1.2.tmp")).writeModel(params, {});
    expect((await RunFolder.open()).dir).toBe(path.join("runs", "v1.2.tmp"));
  });

  it("is made once by two at a time, and nothing is left of the other", async () => {
    const both = await Promise.allSettled([1, 2].map(() => RunFolder.create(runConfig(), start, "runs/one")));
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const { reason } = both.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(UserError);
    expect(reason.message).toMatch(/^runs\/one exists already/);
    expect(readdirSync("runs")).toEqual(["one"]);
    await expect(RunFolder.resume("runs/one")).rejects.toThrow("is in use by process");
  });

  it("is explained where there is none", async () => {
    await expect(RunFolder.open()).rejects.toThrow("There is no trained model in runs/ here");
    await expect(RunFolder.open("nowhere")).rejects.toThrow("nowhere is not the folder of a run");
    const empty = await RunFolder.create(runConfig(), start, "empty");
    await expect(empty.readModel()).rejects.toThrow("empty has no model.safetensors yet");
  });

  it.each([
    ["no JSON", "{", "config.json is not valid JSON"],
    ["null", "null", "is not the configuration of a run"],
    ["nothing", "{}", "is not the configuration of a run"],
    ["no settings", JSON.stringify({ ...runConfig(), settings: null }), "settings"],
    [
      "a negative size",
      JSON.stringify({ ...runConfig(), data: { ...runConfig().data, height: -7, width: -7 } }),
      "makes no sense",
    ],
    [
      "an unknown setting",
      JSON.stringify({ ...runConfig(), settings: { dimZ: 2, nHidden: [3], colour: 1 } }),
      'no setting "colour"',
    ],
    [
      "a setting out of range",
      JSON.stringify({ ...runConfig(), settings: { dimZ: 4097, nHidden: [3] } }),
      "The setting dimZ is 4097. It must be a whole number from 1 to 4096.",
    ],
  ])("is refused where config.json holds %s", async (_, text, problem) => {
    await RunFolder.create(runConfig(), start, "a");
    writeFileSync("a/config.json", text);
    await expect(RunFolder.open("a")).rejects.toThrow(problem);
  });

  it("is refused where the weights are another architecture's", async () => {
    const run = await RunFolder.create(runConfig(), start, "a");
    await run.writeModel(initialParameters({ pixels: 4, ...runConfig().settings, nHidden: [4, 3] }, 0), {});
    await expect(run.readModel()).rejects.toThrow("encoder.0.weight is [4,4], where [4,3] is needed");
    await run.writeModel({}, {});
    await expect(run.readModel()).rejects.toThrow("encoder.0.weight is missing, where [4,3] is needed");
  });
});

describe("writeFileAtomically", () => {
  it("replaces a file and leaves nothing beside it", async () => {
    await writeFileAtomically("x", "old");
    await writeFileAtomically("x", "new");
    expect(readFileSync("x", "utf8")).toBe("new");
    expect(readdirSync(".")).toEqual(["x"]);
  });

  it("may write one file twice at a time: it becomes one of the two", async () => {
    const texts = ["a".repeat(1e6), "b".repeat(1e6)];
    await Promise.all(texts.map((text) => writeFileAtomically("x", text)));
    expect(texts).toContain(readFileSync("x", "utf8"));
    expect(readdirSync(".")).toEqual(["x"]);
  });

  it("leaves nothing behind where it fails", async () => {
    mkdirSync("taken");
    await expect(writeFileAtomically("taken", "x")).rejects.toThrow();
    expect(readdirSync(".")).toEqual(["taken"]);
  });
});
