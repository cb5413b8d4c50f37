// Hints about trainings that are too short or do not improve.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHint, hintAtFewSteps } from "../../src/commands/hints.js";
import { createConfig } from "../../src/config/config.js";
import type { TrainingStart } from "../../src/index.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { vae } from "../vae.js";

let home: string;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-hints-"));
  await writeTinyMnist(path.join(home, "tiny"), 240, 60);
});
afterAll(() => rmSync(home, { recursive: true }));

describe("too few steps", () => {
  const start = (train: number, epochs: number, batchSize: number) =>
    ({ config: createConfig({ epochs, batchSize }), images: { train, validation: 1, test: 1 } }) as TrainingStart;

  it.each([
    [300, 1, 1, undefined],
    [299, 1, 1, "A training of 299 steps is too short to learn much: try --epochs 4."],
    [100, 2, 100, "A training of 2 steps is too short to learn much: try --epochs 1000."],
    [55_000, 1, 128, undefined],
  ])("%i images, %i epochs, batches of %i", (train, epochs, batchSize, hint) => {
    expect(hintAtFewSteps(start(train, epochs, batchSize))).toBe(hint);
  });

  it("are noted once by train and by sample, and never with --quiet", async () => {
    const args = ["train", "--dataset", "tiny", "--n-hidden", "8", "--batch-size", "2", "--epochs", "1"];
    const trained = await vae([...args, "--run", "run"], home);
    expect(trained.stderr.match(/A training of 110 steps is too short/g)).toHaveLength(1);
    expect((await vae([...args, "--run", "other", "--quiet"], home)).stderr).toBe("");
    const sampled = await vae(["sample", "--run", "run", "--n", "4"], home);
    expect(sampled.stderr).toBe(
      "These weights have had only 110 steps of training, so images are rough. " +
        "Train longer: vae train --resume run --epochs 10\n",
    );
    const more = await vae(["train", "--resume", "run", "--epochs", "10"], home);
    expect([more.code, more.stderr.includes("too short")]).toEqual([0, false]);
    expect((await vae(["sample", "--run", "run", "--n", "4"], home)).stderr).not.toContain("steps of training");
  });
});

describe("an objective that does not improve", () => {
  const hintsOf = (objectives: readonly number[], first = 1) => {
    const hint = createHint({ learningRate: 0.5 });
    return objectives.map((objective, i) => hint(first + i, objective)).filter((text) => text !== undefined);
  };

  it("is noted once, after the third epoch", () => {
    expect(hintsOf([-200, -200, -201, -202, -300])).toEqual([
      "The objective has not improved since the first epoch: try another --learning-rate than 0.5.",
    ]);
    expect(hintsOf([-200, -150, -210, -220])).toEqual([]);
    expect(hintsOf([1700, 1750, 1700])).toEqual([]);
    expect(hintsOf([-200, -200])).toEqual([]);
    expect(hintsOf([-200], 3)).toEqual([]); // a resumed training
  });
});
