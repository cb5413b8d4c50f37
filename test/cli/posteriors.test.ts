// Posteriors other than the Gaussian, and two stochastic layers, in every command.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { vae } from "../vae.js";

let home: string;
const run = (...args: string[]) => vae(args, home);
const TINY = "--dataset tiny --n-hidden 24,16 --batch-size 50 --threads 1 --epochs 1 --binarize dynamic".split(" ");
const KINDS = [
  ["iaf", 4, ["--dim-z", "4", "--set", "posterior=iaf"], "24-16-4 units"],
  ["layers", 7, ["--dim-z", "5,2"], "24-16-5-2 units"],
] as const;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-posteriors-"));
  await writeTinyMnist(path.join(home, "tiny"), 300, 60);
});
afterAll(() => rmSync(home, { recursive: true }));

describe.each(KINDS)("a model with %s", (name, dimZ, flags, units) => {
  beforeAll(async () => {
    const { code, stderr } = await run("train", ...TINY, ...flags, "--run", name);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`${name}: ${units}, `)]);
  });

  it("is evaluated over all its latent dimensions", async () => {
    const { stdout, stderr } = await run("evaluate", "--run", name, "--importance-samples", "20", "--json");
    expect(stderr).toBe("");
    const { elbo, likelihood, dimZ: dimensions } = JSON.parse(stdout);
    expect(dimensions).toBe(dimZ);
    expect(likelihood.nll).toBeLessThan(-elbo);
  });

  it.each([[[]], [["--draws"]]])("has latents without σ, which decode: %j", async (draws) => {
    const { stdout } = await run("encode", "--run", name, "--n", "3", ...draws);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    for (const line of lines) {
      expect(line.z).toHaveLength(dimZ);
      expect(line).not.toHaveProperty("sigma");
    }
    await run("encode", "--run", name, "--n", "3", ...draws, "--out", "z.jsonl");
    const { code, stderr } = await run("decode", "--run", name, "--input", "z.jsonl", "--out", "z.png");
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("resumes to the same bytes as an uninterrupted training", async () => {
    const resumed = await run("train", "--resume", name, "--epochs", "2", "--json", "--quiet");
    const whole = await run("train", ...TINY, ...flags, "--epochs", "2", "--run", `${name}-whole`, "--json", "--quiet");
    expect(JSON.parse(resumed.stdout).test).toEqual(JSON.parse(whole.stdout).test);
    const bytes = (folder: string) => readFileSync(path.join(home, folder, "model.safetensors"));
    expect(bytes(name).equals(bytes(`${name}-whole`))).toBe(true);
  });
});

it.each([
  [
    "--dim-z 5,2 --set prior=mixture",
    "A model of two stochastic layers cannot be combined with --set prior=mixture. Use --set prior=normal.",
  ],
  [
    "--dim-z 5,2 --set posterior=iaf",
    "A model of two stochastic layers cannot be combined with --set posterior=iaf. Use --set posterior=gaussian.",
  ],
  [
    "--dim-z 5,2 --set gradient=path",
    "A model of two stochastic layers cannot be combined with --set gradient=path. Use --set gradient=total.",
  ],
  [
    "--dim-z 5,2 --objective mmd",
    "A model of two stochastic layers cannot be combined with --objective mmd. Use --objective elbo.",
  ],
  ["--dim-z 5,2 --model ae", "A plain autoencoder has one layer of latents. Give one number as --dim-z."],
  [
    "--set posterior=iaf --set prior=vamp",
    "--set prior=vamp cannot be combined with --set posterior=iaf. Use --set posterior=gaussian.",
  ],
  [
    "--set posterior=iaf --objective beta-tc",
    "--set posterior=iaf cannot be combined with --objective beta-tc. Use --objective elbo.",
  ],
  ["--dim-z 1 --set prior=flow", "Prior flow needs two latent dimensions or more: raise --dim-z."],
  ["--dim-z 5 --set layerUnits=9", "--set layerUnits needs --dim-z Z1,Z2."],
])("%s is refused with a message of valid flags", async (flags, problem) => {
  const { code, stderr } = await run("train", ...TINY, ...flags.split(" "), "--run", "refused");
  expect([code, stderr]).toEqual([2, `error: ${problem}\n`]);
});
