// Every command in a real process: it exits with code 0, and prints only its result.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { copyTiny } from "../helpers.js";
import { start } from "../vae.js";

let home: string;
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-commands-"));
  copyTiny(home);
});
afterAll(() => rmSync(home, { recursive: true }));

it.each([
  "train --dataset tiny --n-hidden 8 --batch-size 50 --epochs 1 --quiet --run new",
  "reconstruct --run run --n 4",
  "sample --run run --n 4",
  "manifold --run run --size 3x3",
  "latent --run run",
  "interpolate --run run --from 0 --to 1",
  "encode --run run --n 4",
  "evaluate --run run --n 4 --json",
  "data tiny",
  "export --run run",
  "runs --dir .",
  "compare run",
  "train --dataset tiny --n-hidden 8 --batch-size 50 --epochs 1 --quiet --run group --repeat 2",
  "cache",
  "engines",
])("vae %s", async (command) => {
  const { code, stdout, stderr } = await start(command.split(" "), home).outcome;
  const early = command.startsWith("sample") ? expect.stringMatching(/^These weights have had only .*\n$/) : "";
  expect([code, stderr]).toEqual([0, early]);
  expect(stdout).not.toBe("");
});
