// Data sets and pictures of a hundred megabytes.
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { PNG } from "pngjs";
import sharp from "sharp";
import { afterEach, beforeEach, expect, it } from "vitest";
import { MAX_IN_MEMORY } from "../../src/data/arrays.js";
import { digestOf, loadDataset } from "../../src/data/dataset.js";
import { pixelsInFile, pixelsInMemory, range } from "../../src/data/pixels.js";
import { encodeNpy } from "../../src/formats/npy.js";
import { readZip } from "../../src/formats/zip.js";
import { idx } from "../fixtures/idx.js";
import { npy } from "../fixtures/npy.js";
import { zip } from "../fixtures/zip.js";
import { LAUNCHER, vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const run = (command: string) => vae(command.split(" "), home);
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-large-"));
});
afterEach(() => rmSync(home, { recursive: true }));

it("a picture holds fewer large images, and too many are refused", async () => {
  writeFileSync(at("large.npy"), encodeNpy({ data: new Uint8Array(8 * 600 * 600), shape: [8, 600, 600] }));
  const flags = "--n-hidden 1 --dim-z 2 --batch-size 2 --epochs 1 --quiet";
  expect((await run(`train --dataset large.npy ${flags} --run large`)).code).toBe(0);
  for (const [name, side] of [
    ["samples/001", 8],
    ["manifold/001", 7],
  ] as const) {
    const { width } = PNG.sync.read(readFileSync(at(`large/pictures/${name}.png`)));
    expect(Math.floor(width / 600)).toBe(side);
  }
  const zeros = (count: number) => new Array(count).fill(0).join(",");
  writeFileSync(at("one.png"), PNG.sync.write(new PNG({ width: 4, height: 3 })));
  const input = new Array(139).fill("one.png").join(" ");
  for (const [command, problem] of [
    ["sample --n 278", "this one would hold 278. Draw fewer, or write one file each: --each FOLDER"],
    ["decode --input z.npy --out z.png", "this one would hold 278. Write them as .npy."],
    [
      "manifold --size 17x17",
      "holds up to 277 images of 600×600, and this one would hold 289. Take fewer columns and rows.",
    ],
    [`interpolate --from ${zeros(24)} --to ${zeros(24)}`, "this one would hold 288. Take fewer rows or steps."],
    [`reconstruct --input ${input}`, "this one would hold 278. Take fewer."],
  ]) {
    writeFileSync(at("z.npy"), encodeNpy({ data: new Float32Array(556), shape: [278, 2] }));
    const { code, stderr } = await run(`${command} --run large`);
    expect(stderr).toContain(problem);
    expect([code, stderr.trim().split("\n")]).toEqual([2, [expect.stringMatching(/^error: /)]]);
  }
});

it("latents of 13,000 images in 4096 dimensions are written as .npz", async () => {
  writeFileSync(at("dots.npy"), encodeNpy({ data: new Uint8Array(60), shape: [60, 1, 1] }));
  const flags = "--n-hidden 1 --dim-z 4096 --batch-size 20 --epochs 1 --quiet";
  expect((await run(`train --dataset dots.npy ${flags} --run dots`)).code).toBe(0);
  writeFileSync(at("many.npy"), encodeNpy({ data: new Uint8Array(13_000), shape: [13_000, 1, 1] }));
  const { code, stderr } = await run("encode --run dots --input many.npy --out many.npz");
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("error")]);
  const archive = readZip(readFileSync(at("many.npz")), "many.npz");
  for (const name of ["z.npy", "sigma.npy"]) {
    expect(archive.get(name)?.read(1e9).length).toBeGreaterThan(4 * 13_000 * 4096);
  }
});

it("a large byte array in Fortran order gives the same images as in row-major order", async () => {
  const size = 100 * 100;
  const count = Math.ceil(MAX_IN_MEMORY / size) + 10;
  const [rows, columns] = [new Uint8Array(count * size), new Uint8Array(count * size)];
  for (let image = 0; image < count; image++) {
    for (let pixel = 0; pixel < size; pixel++) {
      const value = (7 * image + 3 * (pixel % 100) + Math.floor(pixel / 100)) % 251;
      rows[image * size + pixel] = value;
      columns[image + count * (Math.floor(pixel / 100) + 100 * (pixel % 100))] = value;
    }
  }
  for (const [order, values] of Object.entries({ False: rows, True: columns })) {
    const header = `{'descr': '|u1', 'fortran_order': ${order}, 'shape': (${count}, 100, 100), }`;
    writeFileSync(at(`${order}.npy`), npy(header, new Uint8Array()));
    appendFileSync(at(`${order}.npy`), values);
  }
  const [plain, fortran] = [await loadDataset(at("False.npy")), await loadDataset(at("True.npy"))];
  expect(digestOf(fortran)).toBe(digestOf(plain));
  expect([fortran.height, fortran.width, fortran.train.count]).toEqual([100, 100, plain.train.count]);
});

it("a large array is read from disk with the same bytes, compressed or not", async () => {
  const size = 100 * 100;
  const count = Math.ceil(MAX_IN_MEMORY / size) + 10;
  const large = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) large[i * size] = i % 251;
  const header = idx([count, 100, 100], []);
  writeFileSync(at("large-idx3"), header);
  appendFileSync(at("large-idx3"), large);
  const packed = gzipSync(Buffer.concat([header, large]), { level: 1 });
  const before = process.memoryUsage().arrayBuffers;
  const plain = await loadDataset(at("large-idx3"));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20e6);
  writeFileSync(at("large.gz"), packed);
  expect(digestOf(await loadDataset(at("large.gz")))).toBe(digestOf(plain));
  expect(digestOf(plain)).toMatch(/^[0-9a-f]{64}$/);
  const { train, validation, test } = plain;
  const shades = [train, validation, test].flatMap((set) =>
    Array.from(range(0, set.count), (image) => set.pixels.read([image])[0]),
  );
  const expected = Array.from({ length: count }, (_, i) => i % 251);
  expect(shades.sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
  const some = [5, 6, 7, 3, 3, count - 1, 0];
  expect(pixelsInFile(at("large-idx3"), header.length, size).read(some)).toEqual(
    pixelsInMemory(large, size).read(some),
  );
});

it("memory does not grow with the number of 16-bit images", async () => {
  const create = { width: 3000, height: 3000, channels: 4, background: { r: 1, g: 2, b: 3, alpha: 1 } } as const;
  const bytes = await sharp({ create }).toColourspace("rgb16").png().toBuffer();
  mkdirSync(at("deep"));
  for (let i = 0; i < 8; i++) writeFileSync(at("deep", `${i}.png`), bytes);
  expect(maxMemory("data", "deep", "--size", "8")).toBeLessThan(1.2e9);
}, 120_000);

it("only the used arrays of an archive are decompressed", () => {
  const large = npy("|u1", "(50000000,)", new Uint8Array(50e6));
  const others = Array.from({ length: 24 }, (_, i) => [`other${i}.npy`, large]);
  const x = npy("|u1", "(24, 8, 8)", new Uint8Array(1536));
  writeFileSync(at("x.npz"), zip({ "x.npy": x, ...Object.fromEntries(others) }));
  expect(maxMemory("data", "x.npz")).toBeLessThan(600e6);
}, 120_000);

/** Runs a command in its own process. @returns its peak memory in bytes */
function maxMemory(...command: readonly string[]): number {
  const report = "process.on('exit', () => console.error(process.resourceUsage().maxRSS))";
  const args = ["--import", `data:text/javascript,${report}`, LAUNCHER, ...command];
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: home,
    encoding: "utf8",
    env: { ...process.env, VAE_CACHE: at("cache") },
  });
  expect([status, stderr]).toEqual([0, expect.stringMatching(/^\d+$/m)]);
  return 1000 * Number(stderr.trim().split("\n").at(-1));
}
