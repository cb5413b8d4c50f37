// Small files that expand to large data are refused by their headers: nothing is decoded or cached.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { expect, it } from "vitest";
import { loadDataset } from "../../src/data/dataset.js";
import { cached } from "../../src/files/cache.js";
import { train } from "../../src/training/train.js";
import { npy } from "../fixtures/npy.js";
import { zip } from "../fixtures/zip.js";
import { copyTiny } from "../helpers.js";
import { vae } from "../vae.js";
import { at, useHome, write } from "./cases.js";

useHome();

const header = (shape: string, type = "|u1") =>
  npy(`{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`, new Uint8Array());
/** A compressed array of 360 MB by its header, long enough for that size to be plausible. */
const packed = () => gzipSync(Buffer.concat([header("(1000, 600, 600)"), randomBytes(500_000)]));

/** Twelve images of one colour, of 8 or 16 bits. */
async function photos(folder: string, space: "b-w" | "rgb16"): Promise<void> {
  mkdirSync(at(folder));
  const blank = sharp({ create: { width: 2000, height: 1500, channels: 3, background: "#123" } });
  const bytes = await blank.toColourspace(space).png().toBuffer();
  for (let i = 0; i < 12; i++) writeFileSync(at(folder, `${i}.png`), bytes);
}

/** The cache folder may exist, but must be empty. */
const expectNothingCached = () => expect(existsSync(at("cache")) ? readdirSync(at("cache")) : []).toEqual([]);

async function trainOn(dataset: string, settings: Parameters<typeof train>[0] = {}): Promise<void> {
  for await (const _ of train({ ...settings, dataset: at(dataset) }, { run: at("run") }));
}

it.each([
  ["images of 8 bits", "photos", () => photos("photos", "b-w"), "2000×1500"],
  ["images of 16 bits", "deep", () => photos("deep", "rgb16"), "2000×1500 in colour"],
  ["an array in gzip", "x.npy.gz", async () => write("x.npy.gz", packed()), "600×600"],
])("refuses a model that is too large for %s before decoding", async (_, name, make, shape) => {
  await make();
  await expect(trainOn(name)).rejects.toThrow(
    new RegExp(`^For images of ${shape} this model has [\\d,]+ parameters, more than 120,000,000\\.`),
  );
  expectNothingCached();
  expect(existsSync(at("run"))).toBe(false);
});

it.each([
  ["x.npy", async () => write("x.npy", npy("|u1", "(24, 8, 8)", new Uint8Array(1536)))],
  ["x.npz", async () => write("x.npz", zip({ "x.npy": npy("|u1", "(24, 8, 8)", new Uint8Array(1536)) }))],
  ["photos", () => photos("photos", "b-w")],
])("onShape can refuse the shape of %s", async (name, make) => {
  await make();
  const shapes: unknown[] = [];
  const onShape = (shape: unknown) => {
    shapes.push(shape);
    throw new Error("refused");
  };
  await expect(loadDataset(at(name), { onShape })).rejects.toThrow("refused");
  const [height, width] = name === "photos" ? [1500, 2000] : [8, 8];
  expect(shapes).toEqual([{ height, width, channels: 1 }]);
  expectNothingCached();
});

it("refuses a batch that does not fit in memory", async () => {
  write("x.npy", header("(24, 4096, 4096)"));
  truncateSync(at("x.npy"), header("(24, 4096, 4096)").length + 24 * 4096 ** 2);
  const [found, remedy] = [
    "A step with batches of 65536 images of 4096×4096 needs more than 9\\.9 TB of memory",
    "Give a smaller `batchSize`, `size` or `nHidden`\\.",
  ];
  await expect(trainOn("x.npy", { nHidden: [1], batchSize: 65_536 })).rejects.toThrow(
    new RegExp(`^${found}, and there are [\\d.,]+ [MGT]B\\. ${remedy}$`),
  );
});

it.each([
  { prior: "mixture", priorComponents: 1000 },
  { prior: "vamp", pseudoInputs: 1000 },
] as const)("refuses a prior whose densities do not fit in memory: %j", async (prior) => {
  write("small.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (24, 8, 8), }", new Uint8Array(24 * 64)));
  // 65,536 draws × 1000 components × 4096 dimensions, 4 bytes each
  await expect(trainOn("small.npy", { nHidden: [1], batchSize: 65_536, dimZ: 4096, ...prior })).rejects.toThrow(
    /^A step with batches of 65536 .* needs more than 1\.1 TB of memory, .* or a prior of fewer components\.$/,
  );
});

it.each([
  [{ nHidden: [1], dimZ: 4096, objective: "beta-tc" }, "70 TB", "nHidden"], // 65,536² pairs × 4096 dimensions
  [{ nHidden: [4096], mcSamples: 1000 }, "1\\.1 TB", "nHidden"], // 65,536,000 draws × 4096 units
  [{ network: "conv", filters: [1024], mcSamples: 1000 }, "4\\.4 TB", "filters"], // × (4·4·1024 + 256 + 8·8)
] as const)("refuses a model whose layers or pairs do not fit in memory: %j", async (settings, needed, width) => {
  write("small.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (24, 8, 8), }", new Uint8Array(24 * 64)));
  await expect(trainOn("small.npy", { batchSize: 65_536, ...settings })).rejects.toThrow(
    new RegExp(`needs more than ${needed} of memory, .*\\. Give .* or \`${width}\`\\.$`),
  );
});

it("a model refuses images of another shape before they are decoded", async () => {
  copyTiny(at());
  write("x.npy.gz", packed());
  for (const [command, problem] of [
    ["evaluate --run run --dataset x.npy.gz", "x.npy.gz has images of 600×600, and arrays are not scaled to"],
    [
      "train --resume run --dataset x.npy.gz",
      "x.npy.gz is not the data set that run was trained on: it has images of 600×600, not",
    ],
  ]) {
    const { code, stderr } = await vae(command.split(" "), at());
    expect([code, stderr]).toEqual([2, expect.stringContaining(problem)]);
    expect(stderr).not.toContain("cannot be read now");
    expectNothingCached();
  }
});

it("refuses data that do not fit on the disk of the cache", async () => {
  const problem =
    /^The cache needs [\d,]+ TB for these images, and the disk of \S+ has [\d.,]+ [kMGT]B left\. Set VAE_CACHE/;
  async function* make(reserve: (bytes: number) => Promise<void>) {
    yield Buffer.from("some");
    await reserve(1e17);
  }
  await expect(cached({ key: ["large"], sources: [], make })).rejects.toThrow(problem);
  // Sparse, so that its length is plausible for 500 TB.
  write("x.npy.gz", gzipSync(Buffer.concat([header("(50000000000, 100, 100)"), new Uint8Array(20_000)])));
  truncateSync(at("x.npy.gz"), 1e12);
  const { code, stderr } = await vae(["data", "x.npy.gz"], at());
  expect([code, stderr]).toEqual([1, expect.stringMatching(new RegExp(problem.source.replace("^", "^error: ")))]);
  expectNothingCached();
});

it("ignores integers in an archive that are too large for labels", async () => {
  const ids = npy("<i8", "(24,)", new Uint8Array(new BigInt64Array(24).fill(2n ** 60n).buffer));
  const x = npy("|u1", "(24, 8, 8)", new Uint8Array(1536));
  write("x.npz", zip({ "x.npy": x, "ids.npy": ids }));
  expect((await loadDataset(at("x.npz"))).notes).toContainEqual(expect.stringMatching(/^Not used in .*: ids\.$/));
  write("y.npz", zip({ "x.npy": x, "y.npy": ids }));
  const { train: images, notes } = await loadDataset(at("y.npz"));
  expect(images.labels).toBeUndefined();
  expect(notes).toContainEqual(expect.stringMatching(/^Ignored: .*y is not a valid \.npy file: it holds 11529/));
});

it("refuses a TIFF of a hundred thousand images", async () => {
  const count = 100_000;
  const bytes = Buffer.alloc(8 + 6 * count); // directories without tags, one after the other
  bytes.write("II*\0", "latin1");
  for (let i = 0; i <= count; i++) bytes.writeUInt32LE(i < count ? 8 + 6 * i : 0, i === 0 ? 4 : 4 + 6 * i);
  for (let i = 0; i < 12; i++) write(`pages/${i}.tif`, bytes);
  await expect(loadDataset(at("pages"))).rejects.toThrow("holds more than 10000 images, and only the first is read");
});

it("refuses a compressed file that is neither an array nor text before decompressing it", async () => {
  write("x.csv.gz", gzipSync(Buffer.concat([Buffer.from("label,pixel0\n"), Buffer.alloc(20e6)])));
  await expect(loadDataset(at("x.csv.gz"))).rejects.toThrow("x.csv.gz is neither an image nor an array");
  expectNothingCached();
});
