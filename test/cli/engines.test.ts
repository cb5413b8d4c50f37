// Engines from the command line: each one trains for real, and one that is not here says so.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { ENGINES } from "../helpers.js";
import { vae } from "./vae.js";

const TINY = ["train", "--dataset", "digits", "--n-hidden", "32,32", "--batch-size", "50", "--epochs", "1"];

let home: string;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-engines-"));
  await writeTinyMnist(path.join(home, "digits"), 1200, 120);
});
afterAll(() => rmSync(home, { recursive: true }));

/** The command line on a machine where packages are missing (null) or broken (the first line of the error). */
function without(packages: Record<string, string | null>, ...args: string[]) {
  const hook = new URL("../fixtures/unloadable.mjs", import.meta.url).href;
  return vae(args, home, { NODE_OPTIONS: `--import "${hook}"`, UNLOADABLE: JSON.stringify(packages) });
}

describe("vae train --engine", () => {
  it("trains on each engine that is here, to the same validation and test ELBO", async () => {
    const results = [];
    for (const engine of ENGINES) {
      const outcome = await vae([...TINY, "--json", "--engine", engine, "--run", `on-${engine}`], home);
      expect(outcome.code, outcome.stderr).toBe(0);
      expect(outcome.stderr).not.toMatch(/binary is optimized|Warning/); // TensorFlow's and Node's own notes
      const { settings } = JSON.parse(readFileSync(path.join(home, `on-${engine}`, "config.json"), "utf8"));
      expect(settings.engine).toBe(engine);
      const { validation, test } = JSON.parse(outcome.stdout);
      results.push([validation.elbo, test.elbo]);
    }
    for (const [validation, test] of results) {
      expect(validation).toBeCloseTo(results[0][0], 3);
      expect(test).toBeCloseTo(results[0][1], 3);
    }
  });

  it("auto takes the next one where onnxruntime cannot be loaded, and says so and how long that takes", async () => {
    const broken = { "onnxruntime-node": "no binary for this machine", "@tensorflow/tfjs-node": null };
    const { code, stderr } = await without(broken, ...TINY, "--run", "fallback");
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^Engine wasm was taken since onnxruntime-node does not run here \(no binary for this machine\); @tensorflow\/tfjs-node is not installed\.$/m,
    );
    expect(stderr).toMatch(/^This run will take about \d+ s\.$/m);
  });

  it.each([
    ["compiled", "onnxruntime-node", "no binary", "does not run here (no binary). To get it: it runs on Linux"],
    ["compiled", "onnxruntime-node", null, "is not installed. To get it: npm ci"],
    ["tensorflow", "@tensorflow/tfjs-node", null, "is not installed. To get it: where vae is installed, npm install"],
    [
      "tensorflow",
      "@tensorflow/tfjs-node",
      "libtensorflow.so.2: no such file",
      "does not run here (libtensorflow.so.2: no such file). To get it: where vae is installed, npm rebuild",
    ],
  ])("%s is refused in one line where %s is not there or broken (%s)", async (engine, name, message, why) => {
    const { code, stdout, stderr } = await without(
      { [name]: message },
      ...TINY,
      "--engine",
      engine,
      "--run",
      "refused",
    );
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`error: Engine ${engine}: ${name} ${why}`);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("vae engines", () => {
  it("lists those that are here with what computes, and how to get the others", async () => {
    const { code, stdout, stderr } = await without(
      { "onnxruntime-node": "no binary", "@tensorflow/tfjs-node": null },
      "engines",
    );
    expect([code, stderr]).toEqual([0, ""]);
    const version = JSON.parse(readFileSync("node_modules/@tensorflow/tfjs-core/package.json", "utf8")).version;
    expect(stdout).toBe(`engine      what computes         threads
compiled    not here: onnxruntime-node does not run here (no binary).
            To get it: it runs on Linux and Windows (x64, arm64) and on macOS (arm64); there, npm ci reinstalls it
tensorflow  not here: @tensorflow/tfjs-node is not installed.
            To get it: where vae is installed, npm install --no-save --save-prod --ignore-scripts=false @tensorflow/tfjs-node@4.22.0
wasm        TensorFlow.js ${version.padEnd(8)}      1
cpu         TensorFlow.js ${version.padEnd(8)}      1
`);
  });

  it("knows every engine under test, and times a step on each with --bench", async () => {
    const { stdout } = await vae(["engines", "--bench", "--json", "--threads", "1"], home);
    const reports: { name: string; runs: boolean; threads: number; millisecondsPerStep?: number }[] =
      JSON.parse(stdout);
    expect(reports.map(({ name }) => name)).toEqual(["compiled", "tensorflow", "wasm", "cpu"]);
    for (const { name, runs, threads, millisecondsPerStep } of reports) {
      if (!runs) {
        expect(ENGINES).not.toContain(name);
        continue;
      }
      expect(threads).toBe(1);
      expect(millisecondsPerStep).toBeGreaterThan(0);
    }
    for (const engine of ENGINES) expect(reports.find(({ name }) => name === engine)?.runs).toBe(true);
  });
});
