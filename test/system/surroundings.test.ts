// Unusual environments: no HOME, another locale, a concurrent training.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { copyTiny } from "../helpers.js";
import { start } from "../vae.js";

let home: string;
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-surroundings-"));
  copyTiny(home);
});
afterAll(() => rmSync(home, { recursive: true }));

it("vae evaluate works without HOME and TERM, in another locale", async () => {
  const env = { HOME: "", LC_ALL: "tr_TR.UTF-8", LANG: "C", TERM: "" };
  const { code, stdout } = await start(["evaluate", "--run", "run", "--json"], home, env).outcome;
  expect(code).toBe(0);
  expect(JSON.parse(stdout).elbo).toBeLessThan(0);
});

it("libraries print nothing and write nothing to HOME, be it missing or empty", async () => {
  const user = path.join(home, "user");
  mkdirSync(user);
  for (const HOME of ["/nonexistent", user]) {
    const { code, stderr } = await start("reconstruct --run run --n 1 --seed 1".split(" "), home, { HOME }).outcome;
    expect([code, stderr]).toEqual([0, ""]);
  }
  expect(readdirSync(user)).toEqual([]);
});

it("vae accepts a command line of 60 kB", async () => {
  const args = Array.from({ length: 6000 }, () => ["--seed", "7"]).flat();
  const { code, stderr } = await start(["reconstruct", "--run", "run", "--n", "1", ...args], home).outcome;
  expect([code, stderr]).toEqual([0, ""]);
});

it("two concurrent trainings share one runs/", async () => {
  const both = path.join(home, "both");
  mkdirSync(both);
  const args = `train --dataset ${path.join(home, "tiny")} --n-hidden 8 --epochs 1 --batch-size 50`.split(" ");
  const outcomes = await Promise.all([
    start([...args, "--seed", "1"], both).outcome,
    start([...args, "--run", "runs/b"], both).outcome,
  ]);
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
  expect(readdirSync(path.join(both, "runs"))).toHaveLength(2);
});
