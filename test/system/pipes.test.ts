// Real pipes in a shell: input, output, readers that stop early and endless writers.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeNpy, parseNpy } from "../../src/formats/npy.js";
import { datasets, drawImages, loadModel } from "../../src/index.js";
import { npy } from "../fixtures/npy.js";
import { copyTiny } from "../helpers.js";
import { LAUNCHER } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-pipes-"));
  copyTiny(home);
  const shades = (count: number) => Uint8Array.from({ length: count * 49 }, (_, i) => i % 256);
  writeFileSync(at("ten.npy"), encodeNpy({ data: shades(10), shape: [10, 7, 7] }));
  // Their output exceeds the buffer of a pipe.
  writeFileSync(at("many.npy"), encodeNpy({ data: shades(20_000), shape: [20_000, 7, 7] }));
  writeFileSync(at("vast.npy"), npy("<f4", "(99999999999, 7, 7)", new Uint8Array()));
});
afterAll(() => rmSync(home, { recursive: true }));

/** Runs a shell script. VAE stands for the command. */
function shell(script: string) {
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script.replaceAll("VAE", `node '${LAUNCHER}'`)], {
    cwd: home,
  });
  return { code: status, stdout: new Uint8Array(stdout), text: stdout.toString(), stderr: stderr.toString() };
}

describe.skipIf(process.platform === "win32")("pipes", () => {
  it("connect vae encode and vae decode", async () => {
    const { text, stderr } = shell("VAE encode --run run --n 10 | VAE decode --run run --out ten.png");
    expect([text, stderr]).toEqual(["ten.png\n", ""]);
    const model = await loadModel(at("run"));
    const firstTen = datasets.read(await datasets.load(at("tiny")), "test", 0, 10);
    const reconstructed = drawImages(await model.reconstruct(firstTen));
    await model.close();
    const { width, height, data: rgba } = PNG.sync.read(readFileSync(at("ten.png")));
    expect([width, height]).toEqual([reconstructed.width, reconstructed.height]);
    expect(rgba.filter((_, i) => i % 4 === 0)).toEqual(Buffer.from(reconstructed.pixels));
  });

  it("can be given as files", () => {
    const encoded = "VAE encode --run run --input <(cat ten.npy)";
    const { stdout, stderr } = shell(`VAE decode --run run --input <(${encoded}) --format npy | cat`);
    expect(stderr).toBe("");
    expect(parseNpy(stdout, "written").shape).toEqual([10, 7, 7]);
    const preset = shell(`VAE train --dataset nowhere --preset <(echo '{"dimZ": -3}')`);
    expect([preset.code, preset.stderr]).toEqual([
      2,
      expect.stringMatching(/^error: \/dev\/fd\/\d+: The setting dimZ is -3.*\n$/),
    ]);
  });

  it("closed early by the reader end the command without an error", () => {
    for (const [script, expected] of [
      ["VAE encode --run run --input many.npy | head -n 1 | cut -c 1-9", '{"image":\n'],
      ["VAE encode --run run --input many.npy --format npy | head -c 6 | tail -c 5", "NUMPY"],
      ["VAE train --help | head -n 1", "Usage: vae train [options]\n"],
    ]) {
      const { code, text, stderr } = shell(`set -o pipefail; ${script}`);
      expect([code, text, stderr], script).toEqual([0, expected, ""]);
    }
  });

  it.runIf(existsSync("/dev/zero")).each([
    ["encode --run run --input - < /dev/zero", "standard input is not a valid .npy file: it does not begin with"],
    ["encode --run run --input /dev/zero", "/dev/zero is not a valid .npy file: it does not begin with"],
    ["encode --run run --input - < <(cat ten.npy /dev/zero)", "618 bytes in all, and it has more"],
    ["encode --run run --input - < <(cat vast.npy /dev/zero)", "bytes, more than 2 GB. Split it."],
    ["decode < /dev/zero", "standard input is not .npy, .npz, JSON lines or CSV. Convert it."],
    ["decode < <(echo; yes 0.5)", "standard input has more than 200 MB of text."],
    [`decode < <(yes '{"z":[1,2]}')`, "standard input has more than 200 MB of text."],
    ["reconstruct --input /dev/zero --run run", "/dev/zero is a pipe, a socket or a device, not a file."],
  ])("of endless input are refused: %s", (command, problem) => {
    const { code, text, stderr } = shell(`VAE ${command}`);
    expect(stderr).toContain(problem);
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
    expect([code, text]).toEqual([2, ""]);
  });
});
