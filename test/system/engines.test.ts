// Engines in real processes.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { ENGINES } from "../helpers.js";
import { start } from "../vae.js";

let home: string;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-engines-"));
  await writeTinyMnist(path.join(home, "digits"), 240, 20);
});
afterAll(() => rmSync(home, { recursive: true }));

it.each(ENGINES)("engine %s prints no messages of its library", async (engine) => {
  const settings = "--dataset digits --n-hidden 8 --batch-size 50 --epochs 1 --quiet --json".split(" ");
  const args = ["train", ...settings, "--engine", engine, "--run", engine];
  const { code, stdout, stderr } = await start(args, home).outcome;
  expect(code).toBe(0);
  if (engine === "tensorflow")
    expect(stderr).not.toMatch(/binary is optimized|Warning/); // TensorFlow's other notes cannot be silenced
  else expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject({ run: engine, epochs: 1 });
});

it("vae engines --bench times a step on each engine, with as many threads as asked", async () => {
  const withoutGpu = { VK_ICD_FILENAMES: "none" }; // SwiftShader takes minutes on a busy machine
  const { stdout } = await start(["engines", "--bench", "--json", "--threads", "1"], home, withoutGpu).outcome;
  const reports: { name: string; runs: boolean; threads?: number; millisecondsPerStep?: number }[] = JSON.parse(stdout);
  const running = reports.filter(({ name, runs }) => runs && name !== "gpu");
  expect(running.map(({ name }) => name)).toEqual(expect.arrayContaining([...ENGINES]));
  for (const { name, threads, millisecondsPerStep } of running) {
    expect(threads, name).toBe(1);
    expect(millisecondsPerStep, name).toBeGreaterThan(0);
  }
});
