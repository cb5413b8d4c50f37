// The command that repeats a training, parsed by the command line again.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createConfig, unmetNeed } from "../../src/config/config.js";
import type { SettingName } from "../../src/config/settings.js";
import { decodeSafetensors } from "../../src/formats/safetensors.js";
import { encodePng } from "../../src/index.js";
import { type RunConfig, readRunConfig } from "../../src/run/config.js";
import { repeatCommand } from "../../src/run/repeat.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { weyl } from "../helpers.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-repeat-"));
  await writeTinyMnist(at("it's tiny"), 200, 40);
  for (const folder of ["photos", "noisy"]) {
    for (const [c, name] of ["a, b", "dog", "all", "-1"].entries()) {
      mkdirSync(at(folder, name), { recursive: true });
      for (let i = 0; i < 12; i++) {
        const pixels = Uint8Array.from(weyl(192, 0, 255, 50 * i + c));
        writeFileSync(at(folder, name, `${i}.png`), encodePng({ width: 8, height: 8, channels: 3, pixels }));
      }
    }
  }
});
afterAll(() => rmSync(home, { recursive: true }));

/** The words of a command line, as bash reads it. */
function wordsOf(command: string): string[] {
  const output = execFileSync("bash", ["-c", `printf '%s\\0' ${command}`], { encoding: "utf8" });
  return output.split("\0").slice(0, -1);
}

describe("the command of a run trains the same weights again", () => {
  it.each<[string, string[]]>([
    ["lists and a path to quote", ["--dataset", "it's tiny", "--n-hidden", "8,4", "--set", "encoderActivations=relu"]],
    ["a conditional model, with a toggle", ["--dataset", "it's tiny", "--n-hidden", "8", "--conditional"]],
    [
      "a preset",
      ["--dataset", "it's tiny", "--n-hidden", "8", "--preset", "iwae", "--epochs", "1", "--batch-size", "50"],
    ],
    ["noise, and two layers", ["--dataset", "it's tiny", "--n-hidden", "8", "--noise", "haze", "--dim-z", "3,2"]],
    ["the preset of image files", ["--dataset", "photos", "--size", "8x8"]],
    ["image files with settings that are defaults", ["--dataset", "photos", "--set", "prior=normal", "--dim-z", "2"]],
    ["image files in grey", ["--dataset", "photos", "--channels", "1", "--network", "mlp", "--n-hidden", "4"]],
    ["classes with special names", ["--dataset", "photos", "--classes", '"a, b","all"', "--network", "mlp"]],
    ["a value that begins like a flag", ["--dataset", "photos", "--classes=-1,dog", "--network", "mlp"]],
    ["image pairs", ["--input-dir", "noisy", "--target-dir", "photos", "--network", "mlp"]],
  ])("%s", async (name, args) => {
    const folder = name.replaceAll(/\W/g, "-");
    const train = async (run: string, words: readonly string[]) => {
      const { code, stderr } = await vae([...words, "--run", run, "--quiet", "--threads", "1"], home);
      expect(code, stderr).toBe(0);
      const config = await readRunConfig(at(run));
      const { tensors } = decodeSafetensors(readFileSync(at(run, "model.safetensors")), run);
      return { config, tensors };
    };
    const first = await train(folder, ["train", ...(args.includes("--epochs") ? [] : ["--epochs", "1"]), ...args]);
    const command = repeatCommand(first.config);
    const [vaeWord, ...words] = wordsOf(command);
    expect(vaeWord).toBe("vae");
    const second = await train(`${folder}-again`, words);
    expect(second.tensors, command).toEqual(first.tensors);
    const effective = ({ settings }: RunConfig) =>
      Object.entries(settings).filter(([name]) => !unmetNeed(name as SettingName, settings));
    expect(effective(second.config)).toEqual(effective(first.config));
    expect(command).not.toMatch(/engine|threads/);
  });

  it("and is short for the defaults", async () => {
    const config = await readRunConfig(at("noise--and-two-layers"));
    const { settings } = { ...config, settings: createConfig({ epochs: 3 }) };
    expect(repeatCommand({ ...config, settings })).toBe("vae train --epochs 3");
  });
});
