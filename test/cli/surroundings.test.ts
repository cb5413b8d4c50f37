// What must simply work, whatever surrounds it: pipes, no HOME, other locales, names of all kinds, company.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { vae } from "./vae.js";

const LAUNCHER = fileURLToPath(new URL("../../bin/vae.js", import.meta.url));
let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const SMALL = ["train", "--dataset", "tiny", "--n-hidden", "8", "--epochs", "1", "--batch-size", "50"];

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-surroundings-"));
  await writeTinyMnist(at("tiny"), 240, 60);
  await vae([...SMALL, "--run", "run"], home);
});
afterAll(() => rmSync(home, { recursive: true }));

it("a reader that has seen enough", async () => {
  const child = spawn("sh", ["-c", `node '${LAUNCHER}' engines | head -n 1; node '${LAUNCHER}' --help | head -n 1`], {
    cwd: home,
  });
  let output = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  child.stderr.on("data", (text) => {
    output += text;
  });
  await new Promise((resolve) => child.on("close", resolve));
  expect(output.trim().split("\n")).toHaveLength(2);
});

it("no HOME, another locale, no TERM", async () => {
  const env = { HOME: "", LC_ALL: "tr_TR.UTF-8", LANG: "C", TERM: "" };
  const { code, stdout } = await vae(["evaluate", "--run", "run", "--json"], home, env);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).elbo).toBeLessThan(0);
});

it.each([["with a space"], ["Umläute-数字-🎲"], ["new\nline"], ["-leading-dash"], ["--"], ["quote's"]])(
  "a folder and a file called %j",
  async (name) => {
    const images = await writeTinyMnist(at(`data ${name}`), 240, 60);
    const trained = await vae([...SMALL, `--dataset=${images}`, `--run=runs-${name}/${name}`], home);
    expect(trained.stderr).not.toContain("error");
    const sampled = await vae(["sample", `--run=runs-${name}/${name}`, `--out=${name}.png`], home);
    expect([trained.code, sampled.code]).toEqual([0, 0]);
    expect(existsSync(at(`${name}.png`))).toBe(true);
    const resumed = await vae(["train", `--resume=runs-${name}/${name}`], home);
    expect(resumed.code).toBe(0);
  },
);

it("two trainings at once, in one runs/", async () => {
  mkdirSync(at("both"));
  const args = [...SMALL, "--dataset", at("tiny")];
  const outcomes = await Promise.all([
    vae([...args, "--seed", "1"], at("both")),
    vae([...args, "--run", "runs/b"], at("both")),
  ]);
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
  expect(readdirSync(at("both", "runs"))).toHaveLength(2);
});
