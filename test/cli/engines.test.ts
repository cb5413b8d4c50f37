// Each engine trains from the command line. Missing or damaged engines: test/system/installs.test.ts.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, inject, it, onTestFinished, vi } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { ENGINES } from "../helpers.js";
import { vae } from "../vae.js";

let home: string;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-engines-"));
  await writeTinyMnist(path.join(home, "digits"), 600, 60);
});
afterAll(() => rmSync(home, { recursive: true }));

it("vae train --engine reaches the same validation and test ELBO on each available engine", async () => {
  const results = [];
  for (const engine of ENGINES) {
    const settings = "--dataset digits --dim-z 3 --n-hidden 32,32 --batch-size 50 --epochs 1 --json".split(" ");
    const outcome = await vae(["train", ...settings, "--engine", engine, "--run", `on-${engine}`], home);
    expect(outcome.code, outcome.stderr).toBe(0);
    const config = JSON.parse(readFileSync(path.join(home, `on-${engine}`, "config.json"), "utf8"));
    expect(config.settings.engine).toBe(engine);
    const { validation, test } = JSON.parse(outcome.stdout);
    results.push([validation.elbo, test.elbo]);
  }
  for (const [validation, test] of results) {
    expect(validation).toBeCloseTo(results[0][0], 3);
    expect(test).toBeCloseTo(results[0][1], 3);
  }
});

it("vae engines lists every engine under test", async () => {
  const { code, stdout, stderr } = await vae(["engines", "--json"], home);
  expect([code, stderr]).toEqual([0, ""]);
  const reports: { name: string; runs: boolean }[] = JSON.parse(stdout);
  expect(reports.map(({ name }) => name)).toEqual(["compiled", "tensorflow", "wasm", "cpu", "gpu"]);
  if (inject("gpu")) expect(reports[4].runs).toBe(true);
  for (const engine of ENGINES) expect(reports.find(({ name }) => name === engine)?.runs).toBe(true);
});

it("vae engines --bench prints the time of each engine that runs, and of the GPU", async () => {
  const tools = "../../src/commands/tools.js";
  const times = { compiled: 1.23, cpu: 456.7, gpu: 0.89 };
  vi.doMock(tools, async (load) => ({
    ...(await load<object>()),
    findEngines: async () => [
      { name: "compiled", runs: true, version: "onnxruntime 1.2.3", threads: 2 },
      { name: "wasm", runs: false, reason: "it is not installed", remedy: "npm ci" },
      { name: "cpu", runs: true, version: "TensorFlow.js 4.5.6", threads: 1 },
    ],
    findGpu: async () => ({ runs: true, name: "A GPU" }),
    timeTrainingStep: async (names: (keyof typeof times)[]) => new Map(names.map((name) => [name, times[name]])),
  }));
  onTestFinished(() => void vi.doUnmock(tools));
  expect(await vae(["engines", "--bench"], home)).toEqual({
    code: 0,
    stdout: `engine      library               threads ms per step
compiled    onnxruntime 1.2.3           2         1.2
wasm        not available: it is not installed.
            To get it: npm ci
cpu         TensorFlow.js 4.5.6         1         457
gpu         compiled, on the GPU                  0.9
            A GPU: --device gpu
`,
    stderr: "",
  });
  const reports: { millisecondsPerStep?: number }[] = JSON.parse(
    (await vae(["engines", "--bench", "--json"], home)).stdout,
  );
  expect(reports.map(({ millisecondsPerStep }) => millisecondsPerStep)).toEqual([1.23, undefined, 456.7, 0.89]);
});
