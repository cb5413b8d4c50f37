// Extreme numbers: training succeeds or fails with an explanation, and saves no weight of NaN.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeSafetensors } from "../../src/formats/safetensors.js";
import { idx, writeTinyMnist } from "../fixtures/idx.js";
import { ENGINES } from "../helpers.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);

/** Images whose pixel number i is value(i). */
function write(name: string, value: (i: number) => number): void {
  mkdirSync(at(name));
  for (const [part, count] of [
    ["train", 240],
    ["t10k", 20],
  ] as const) {
    const pixels = Uint8Array.from({ length: count * 49 }, (_, i) => value(i));
    writeFileSync(at(name, `${part}-images-idx3-ubyte`), idx([count, 7, 7], pixels));
  }
}

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-numbers-"));
  await writeTinyMnist(at("digits"), 240, 20);
  write("black", () => 0);
  write("white", () => 255);
  write("constant", () => 77);
  write("chequered", (i) => (i % 2) * 255);
});
afterAll(() => rmSync(home, { recursive: true }));

let trained = 0;
async function train(dataset: string, engine: string, ...args: string[]) {
  const run = `run-${trained++}`;
  const small = "--dim-z 3 --n-hidden 16 --batch-size 20 --epochs 2 --threads 1 --set checkpointSeconds=0".split(" ");
  const outcome = await vae(["train", "--dataset", dataset, "--engine", engine, "--run", run, ...small, ...args], home);
  const files = readdirSync(at(run, "checkpoint")).map((name) => path.join(run, "checkpoint", name));
  if (existsSync(at(run, "model.safetensors"))) files.push(path.join(run, "model.safetensors"));
  const isWhole = files.every((file) =>
    [...decodeSafetensors(readFileSync(at(file)), file).tensors.values()].every(({ data }) =>
      data.every(Number.isFinite),
    ),
  );
  return { ...outcome, files, isWhole };
}

describe.each(ENGINES.filter((name) => name === "compiled" || name === "wasm"))("on engine %s", (engine) => {
  it.each(["black", "white", "constant", "chequered"])("images that are all %s", async (dataset) => {
    for (const more of [[], ["--set", "outputBias=mean", "--binarize", "dynamic"], ["--set", "likelihood=gaussian"]]) {
      const { code, stdout, isWhole } = await train(dataset, engine, ...more);
      expect([code, isWhole]).toEqual([0, true]);
      expect(stdout).toMatch(/^Test −ELBO -?[\d.]+ /);
    }
  });

  it.each(["10", "1e6", "1e30"])("a learning rate of %s", async (rate) => {
    const { code, stderr, files, isWhole } = await train("digits", engine, "--learning-rate", rate);
    expect(isWhole).toBe(true);
    expect(files.length).toBeGreaterThan(0);
    if (code === 0) expect(stderr).toContain("far worse than a grey picture");
    else
      expect(stderr).toMatch(
        /\nerror: The loss, the weights or their gradients became infinite or NaN .* Try a smaller --learning-rate/,
      );
    expect(stderr).toMatch(
      new RegExp(`smaller (learningRate|--learning-rate) than ${Number(rate).toString().replace("+", "\\+")}`),
    );
  });
});
