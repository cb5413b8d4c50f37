// Images one pixel wide or high, from the data to every picture.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeNpy } from "../../src/formats/npy.js";
import { NOISES } from "../../src/noise.js";
import { vae } from "../vae.js";

const LENGTH = 4096;
const MAX_SIDE = 16_384;

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const run = (command: string) => vae(command.split(" "), home);
const sizeOf = (file: string) => {
  const { width, height } = PNG.sync.read(readFileSync(at(file)));
  return [width, height];
};
const SMALL = "--n-hidden 4 --dim-z 2 --batch-size 20 --epochs 1 --threads 1 --quiet";

/** Signals of sine waves with 2 to 5 periods. */
const wave = (i: number, length: number) =>
  Uint8Array.from({ length }, (_, t) => 127.5 * (1 + Math.sin((2 * Math.PI * (2 + (i % 4)) * t) / length + i)));
const waves = (count: number, shape: readonly number[], length: number) => {
  const data = new Uint8Array(count * length);
  for (let i = 0; i < count; i++) data.set(wave(i, length), i * length);
  return encodeNpy({ data, shape: [count, ...shape] });
};

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-signals-"));
  writeFileSync(at("tall.npy"), waves(60, [LENGTH, 1], LENGTH));
  writeFileSync(at("ten.npy"), waves(10, [LENGTH, 1], LENGTH));
  writeFileSync(at("wide.npy"), waves(40, [1, LENGTH], LENGTH));
  writeFileSync(at("dots.npy"), waves(60, [1, 1], 1));
  writeFileSync(at("colours.npy"), waves(40, [2, 600, 3], 3600));
  writeFileSync(at("short.npy"), waves(60, [6, 1], 6));
  mkdirSync(at("files"));
  for (let i = 0; i < 40; i++) {
    const image = sharp(Buffer.from(wave(i, LENGTH)), { raw: { width: LENGTH, height: 1, channels: 1 } });
    await image
      .toColourspace("b-w")
      .png()
      .toFile(at("files", `${i}.png`));
  }
});
afterAll(() => rmSync(home, { recursive: true }));

/** Expects all pictures of a run to have a size that viewers open. */
function checkPictures(name: string): void {
  const files = readdirSync(at(name, "pictures"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".png"),
  );
  expect(files.length).toBeGreaterThanOrEqual(5);
  for (const file of files) {
    for (const side of sizeOf(`${name}/pictures/${file}`)) expect(side, file).toBeLessThanOrEqual(MAX_SIDE);
  }
}

describe("signals of 4096×1", () => {
  it("are trained on, and drawn by every command", async () => {
    const { stdout } = await run("data tall.npy --out sheet.png");
    const shown = Number(/^60 images of 1×4096: (\d+) to train/.exec(stdout)?.[1]);
    expect(sizeOf("sheet.png")).toEqual([2 + shown * 18, 4100]);

    expect((await run(`train --dataset tall.npy ${SMALL} --noise haze --run tall`)).code).toBe(0);
    checkPictures("tall");
    for (const command of [
      "sample --n 30 --out samples.png",
      "reconstruct --n 3 --noise mask --out reconstructions.png",
      "manifold --size 9x7 --out manifold.png",
      "interpolate --from 0,1,2 --to 3,4,5 --steps 2 --out way.png",
      "latent --out latent.svg",
      "export --out exported",
      "encode --input ten.npy --out z.npy",
      "decode --input z.npy --out decoded.png",
    ]) {
      const { code, stderr } = await run(`${command} --run tall`);
      expect([code, stderr.includes("error")], `${command}: ${stderr}`).toEqual([0, false]);
    }
    expect(sizeOf("samples.png")).toEqual([2 + 30 * 18, 4100]);
    expect(sizeOf("decoded.png")).toEqual([2 + 10 * 18, 4100]);
    for (const file of ["reconstructions.png", "manifold.png", "way.png"]) {
      for (const side of sizeOf(file)) expect(side, file).toBeLessThanOrEqual(MAX_SIDE);
    }
    expect(existsSync(at("exported", "decoder.onnx"))).toBe(true);
  });

  it("are refused if one picture cannot hold them", async () => {
    const { code, stderr } = await run("sample --n 10000 --run tall");
    expect([code, stderr]).toEqual([
      2,
      "error: A picture holds up to 1525 images of 1×4096, and this one would hold 10000. " +
        "Draw fewer, or write one file each: --each FOLDER\n",
    ]);
    const manifold = await run("manifold --size 100x100 --run tall");
    expect(manifold.stderr).toMatch(/holds up to 1525 images of 1×4096, and this one would hold 10000\. /);
    expect(manifold.code).toBe(2);
  });
});

it.each([
  ["wide.npy --size 4096x1", "4096×1"],
  ["files", "4096×1"],
  ["dots.npy", "1×1"],
  ["colours.npy", "600×2 in colour"],
])("images of %s are trained on and drawn", async (dataset, shape) => {
  const name = dataset.split(" ")[0].split(".")[0];
  expect((await run(`data ${dataset} --out ${name}.png`)).stdout).toContain(` images of ${shape}: `);
  for (const side of sizeOf(`${name}.png`)) expect(side).toBeLessThan(5000);
  const { code, stderr } = await run(`train --dataset ${dataset} ${SMALL} --run run-${name}`);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("error")]);
  checkPictures(`run-${name}`);
});

it.each(Object.keys(NOISES))("noise %s corrupts signals, as their pictures show", async (kind) => {
  const { code, stderr } = await run(`train --dataset short.npy ${SMALL} --noise ${kind} --run ${kind}`);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("error")]);
  const [clean, noisy] = ["inputs", "inputs-noisy"].map((name) =>
    PNG.sync.read(readFileSync(at(kind, "pictures", `${name}.png`))),
  );
  expect([noisy.width, noisy.height]).toEqual([clean.width, clean.height]);
  const changed = noisy.data.filter((value, i) => value !== clean.data[i]).length;
  expect(changed / clean.data.length).toBeGreaterThan(0.05);
});
