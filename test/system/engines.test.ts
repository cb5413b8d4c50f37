// Engines in processes of their own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { ENGINES } from "../helpers.js";
import { start, vae } from "../vae.js";

let home: string;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-engines-"));
  await writeTinyMnist(path.join(home, "digits"), 240, 20);
});
afterAll(() => rmSync(home, { recursive: true }));

it.each(ENGINES)("engine %s prints nothing of its own", async (engine) => {
  const settings = "--dataset digits --n-hidden 8 --batch-size 50 --epochs 1 --quiet --json".split(" ");
  const args = ["train", ...settings, "--engine", engine, "--run", engine];
  const { code, stdout, stderr } = await start(args, home).outcome;
  expect([code, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toMatchObject({ run: engine, epochs: 1 });
});

it("vae engines --bench times a step on each engine", async () => {
  const { stdout } = await vae(["engines", "--bench", "--json", "--threads", "1"], home);
  const reports: { name: (typeof ENGINES)[number]; runs: boolean; millisecondsPerStep?: number }[] = JSON.parse(stdout);
  for (const { name, runs, millisecondsPerStep } of reports) {
    if (ENGINES.includes(name)) expect(runs).toBe(true);
    if (runs) expect(millisecondsPerStep).toBeGreaterThan(0);
  }
});
