// Folders and files with unusual names.
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { copyTiny } from "../helpers.js";
import { vae } from "../vae.js";

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-names-"));
  copyTiny(home);
});
afterEach(() => rmSync(home, { recursive: true }));

it.each([["with a space"], ["Umläute-数字-🎲"], ["new\nline"], ["-leading-dash"], ["--"], ["quote's"]])(
  "train, sample and --resume accept a folder and a file named %j",
  async (name) => {
    renameSync(path.join(home, "tiny"), path.join(home, `data ${name}`));
    const run = `runs-${name}/${name}`;
    const settings = "--dim-z 3 --n-hidden 8 --epochs 1 --batch-size 50".split(" ");
    const trained = await vae(["train", `--dataset=data ${name}`, `--run=${run}`, ...settings], home);
    expect(trained.stderr).not.toContain("error");
    const sampled = await vae(["sample", `--run=${run}`, `--out=${name}.png`], home);
    const resumed = await vae(["train", `--resume=${run}`], home);
    expect([trained.code, sampled.code, resumed.code]).toEqual([0, 0, 0]);
    expect(existsSync(path.join(home, `${name}.png`))).toBe(true);
  },
);
