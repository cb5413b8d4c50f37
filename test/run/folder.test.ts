import { execFile, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createConfig, encodeConfig } from "../../src/config/config.js";
import { UserError } from "../../src/errors.js";
import { writeFileAtomically } from "../../src/files/write.js";
import type { RunConfig } from "../../src/run/config.js";
import { RunFolder } from "../../src/run/folder.js";
import { listRuns } from "../../src/run/list.js";
import { firstParams, modelOf } from "../helpers.js";

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
const { specs } = modelOf(runConfig().settings, 4).parts;
const params = firstParams(runConfig().settings, 4, 0);

describe("a run's folder", () => {
  it("is named by data set, latent dimensions, date and time", async () => {
    const run = await RunFolder.create(runConfig(), start);
    expect(run.dir).toMatch(/^runs[\\/]mnist-z2-202601\d\d-\d{6}$/);
    expect(JSON.parse(readFileSync(path.join(run.dir, "config.json"), "utf8"))).toEqual({
      ...runConfig(),
      settings: encodeConfig(runConfig().settings),
    });
  });

  it("is refused if it exists", async () => {
    mkdirSync("mine");
    await expect(RunFolder.create(runConfig(), start, "mine")).rejects.toThrow("mine exists already");
    expect(readdirSync("mine")).toEqual([]);
  });

  it("stores weights unchanged", async () => {
    await (await RunFolder.create(runConfig(), start, "a/b")).writeModel(params, { epoch: "1" });
    const model = await (await RunFolder.open("a/b")).readModel(specs);
    expect(model).toEqual({ params, metadata: { epoch: "1", sha256: expect.any(String) } });
  });

  it("has a line of metrics for each epoch", async () => {
    const run = await RunFolder.create(runConfig(), start, "a");
    await run.writeMetrics([{ epoch: 1 }, { epoch: 2 }]);
    expect(readFileSync("a/metrics.jsonl", "utf8")).toBe('{"epoch":1}\n{"epoch":2}\n');
  });

  it("is by default the newest with a model", async () => {
    await (await RunFolder.create(runConfig("2026-01-01T00:00:00Z"), start, "runs/z-old")).writeModel(params, {});
    await (await RunFolder.create(runConfig("2026-01-03T00:00:00Z"), start, "runs/m-new")).writeModel(params, {});
    await RunFolder.create(runConfig("2026-01-05T00:00:00Z"), start, "runs/a-empty");
    writeFileSync("runs/notes.txt", "not a run");
    await (await RunFolder.create(runConfig("2026-01-06T00:00:00Z"), start, "runs/broken")).writeModel(params, {});
    writeFileSync("runs/broken/config.json", "{");
    utimesSync("runs/broken/config.json", new Date(), new Date("2026-01-02T00:00:00Z"));
    expect((await RunFolder.open()).dir).toBe(path.join("runs", "m-new"));
  });

  it("has no default if a damaged run may be newer", async () => {
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

  it("may have the longest name that the system allows", async () => {
    const name = "r".repeat(255);
    await RunFolder.create(runConfig(), start, name);
    expect(readdirSync(".")).toEqual([name]);
  });

  it("is created after the temporary folders of killed processes, and no others, are deleted", async () => {
    const owners = { 1: spawnSync(process.execPath, ["--version"]).pid, 2: process.ppid, 3: undefined };
    for (const [i, pid] of Object.entries(owners)) {
      mkdirSync(`.${i}-0123456789ab.tmp`);
      if (pid) writeFileSync(`.${i}-0123456789ab.tmp/lock`, JSON.stringify({ pid, host: hostname() }));
    }
    await RunFolder.create(runConfig(), start, "a");
    expect(readdirSync(".").sort()).toEqual([".2-0123456789ab.tmp", ".3-0123456789ab.tmp", "a"]);
  });

  it("is unreadable if its files are too large for a run", async () => {
    for (const name of ["a", "b"]) await RunFolder.create(runConfig(), start, `runs/${name}`);
    truncateSync("runs/a/config.json", 5e9);
    writeFileSync("runs/b/metrics.jsonl", "");
    truncateSync("runs/b/metrics.jsonl", 5e9);
    const { unreadable } = await listRuns();
    expect(unreadable.map(({ problem }) => problem)).toEqual([
      `${path.join("runs", "a", "config.json")} is not the configuration of a run: it has more than 1 MB.`,
      `${path.join("runs", "b", "metrics.jsonl")} is not the metrics of a training: it has more than 100 MB.`,
    ]);
  });

  it("is searched for only in folders", async () => {
    writeFileSync("file", "");
    await expect(listRuns("file")).rejects.toThrow("There is no folder file.");
  });

  it("is created by one of two simultaneous calls, and the other leaves nothing behind", async () => {
    const both = await Promise.allSettled([1, 2].map(() => RunFolder.create(runConfig(), start, "runs/one")));
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const { reason } = both.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(UserError);
    expect(reason.message).toMatch(/^runs\/one exists already/);
    expect(readdirSync("runs")).toEqual(["one"]);
    await expect(RunFolder.resume("runs/one")).rejects.toThrow("is in use by process");
  });

  it("is explained if it is missing", async () => {
    await expect(RunFolder.open()).rejects.toThrow("There is no trained model in runs/");
    await expect(RunFolder.open("nowhere")).rejects.toThrow("nowhere is not the folder of a run");
    const empty = await RunFolder.create(runConfig(), start, "empty");
    await expect(empty.readModel(specs)).rejects.toThrow("empty has no model.safetensors yet");
  });

  it.each([
    ["invalid JSON", "{", "config.json is not valid JSON"],
    ["null", "null", "is not the configuration of a run"],
    ["nothing", "{}", "is not the configuration of a run"],
    ["no settings", JSON.stringify({ ...runConfig(), settings: null }), "settings"],
    [
      "a negative size",
      JSON.stringify({ ...runConfig(), data: { ...runConfig().data, height: -7, width: -7 } }),
      "is missing or invalid",
    ],
    [
      "an unknown setting",
      JSON.stringify({ ...runConfig(), settings: { dimZ: 2, nHidden: [3], colour: 1 } }),
      'Unknown setting "colour"',
    ],
    [
      "a setting out of range",
      JSON.stringify({ ...runConfig(), settings: { dimZ: 4097, nHidden: [3] } }),
      "The setting dimZ is 4097. It must be one or two whole numbers from 1 to 4096.",
    ],
  ])("is refused if config.json holds %s", async (_, text, problem) => {
    await RunFolder.create(runConfig(), start, "a");
    writeFileSync("a/config.json", text);
    await expect(RunFolder.open("a")).rejects.toThrow(problem);
  });

  it("is refused if the weights are of another architecture", async () => {
    const run = await RunFolder.create(runConfig(), start, "a");
    await run.writeModel(firstParams({ ...runConfig().settings, nHidden: [4, 3] }, 4, 0), {});
    await expect(run.readModel(specs)).rejects.toThrow("encoder.0.weight is [4,4], but must be [4,3].");
    await run.writeModel({}, {});
    await expect(run.readModel(specs)).rejects.toThrow("encoder.0.weight is missing, but must be [4,3].");
  });
});

describe("writeFileAtomically", () => {
  it("replaces a file, and leaves no other file", async () => {
    await writeFileAtomically("x", "old");
    await writeFileAtomically("x", "new");
    expect(readFileSync("x", "utf8")).toBe("new");
    expect(readdirSync(".")).toEqual(["x"]);
  });

  it("keeps one of two contents that are written at the same time", async () => {
    const texts = ["a".repeat(1e6), "b".repeat(1e6)];
    await Promise.all(texts.map((text) => writeFileAtomically("x", text)));
    expect(texts).toContain(readFileSync("x", "utf8"));
    expect(readdirSync(".")).toEqual(["x"]);
  });

  it("takes the longest names that the system allows", async () => {
    await writeFileAtomically("x".repeat(255), "whole");
    expect(readdirSync(".")).toEqual(["x".repeat(255)]);
  });

  /** Runs a process that receives a signal while it writes a file. */
  const interrupted = (signal: NodeJS.Signals, before: string) => {
    const script = `
      import { writeFileAtomically } from "${new URL("../../dist/files/write.js", import.meta.url)}";
      ${before}
      await writeFileAtomically("x", "before");
      console.log("listeners", process.listenerCount("${signal}"));
      await writeFileAtomically("x", (async function* () {
        yield "half";
        process.kill(process.pid, "${signal}");
        await new Promise((resolve) => setTimeout(resolve, 10_000));
      })());
    `;
    return new Promise<{ code: unknown; signal: unknown; stdout: string }>((resolve) => {
      execFile(process.execPath, ["--input-type=module", "-e", script], (error, stdout) => {
        resolve({ code: error?.code, signal: error?.signal, stdout });
      });
    });
  };

  it.each(["SIGHUP", "SIGINT", "SIGTERM"] as const)("leaves nothing behind if %s ends the process", async (signal) => {
    const outcome = await interrupted(signal, "");
    expect(outcome).toEqual({ code: null, signal, stdout: "listeners 0\n" });
    expect(readdirSync(".")).toEqual(["x"]);
    expect(readFileSync("x", "utf8")).toBe("before");
  });

  it("leaves a signal to other listeners", async () => {
    const outcome = await interrupted(
      "SIGTERM",
      `process.once("SIGTERM", () => setTimeout(() => process.exit(3), 100));`,
    );
    expect(outcome).toEqual({ code: 3, signal: null, stdout: "listeners 1\n" });
    expect(readdirSync(".")).toEqual(["x"]);
  });

  it("leaves nothing behind if it fails", async () => {
    mkdirSync("taken");
    await expect(writeFileAtomically("taken", "x")).rejects.toThrow();
    expect(readdirSync(".")).toEqual(["taken"]);
  });
});
