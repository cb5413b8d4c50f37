// Helpers for the tests of data sets. Images have 8×8 pixels: the pixel at row r and column c of image i is
// (13·i + 7·r + 3·c) mod 256, and its label is i mod 2.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import type { Given } from "../../src/config/entries.js";
import type { Dataset, ImageSet } from "../../src/data/dataset.js";
import * as datasets from "../../src/data/datasets.js";
import { range } from "../../src/data/pixels.js";
import { npy } from "../fixtures/npy.js";

export const COUNT = 24;
export const SIDE = 8;
export const PIXELS = SIDE * SIDE;

let home: string;
export const at = (...place: string[]) => path.join(home, ...place);

/** Creates an empty folder with a cache of its own: for each test of a file or, shared, for all of them. */
export function useHome({ isShared = false } = {}): void {
  const [before, after] = isShared ? [beforeAll, afterAll] : [beforeEach, afterEach];
  before(() => {
    home = mkdtempSync(path.join(tmpdir(), "vae-cases-"));
    vi.stubEnv("VAE_CACHE", at("cache"));
  });
  after(() => {
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true });
  });
}

export const pixel = (i: number, row: number, column: number) => (13 * i + 7 * row + 3 * column) % 256;
/** The pixels of image i, by rows. */
export const image = (i: number, of = pixel) =>
  Array.from({ length: PIXELS }, (_, at) => of(i, Math.floor(at / SIDE), at % SIDE));
/** The pixels of images first to first + count − 1. */
export const images = (first = 0, count = COUNT, of = pixel) =>
  Array.from({ length: count }, (_, i) => image(first + i, of)).flat();
export const labels = (first = 0, count = COUNT) => Array.from({ length: count }, (_, i) => (first + i) % 2);

export function write(place: string, content: Uint8Array | string): void {
  mkdirSync(path.dirname(at(place)), { recursive: true });
  writeFileSync(at(place), content);
}

/** A grey PNG of image i, of 8 or 16 bits. */
export async function png(place: string, i: number, { scale = 1 } = {}): Promise<void> {
  mkdirSync(path.dirname(at(place)), { recursive: true });
  const values = image(i).map((value) => value * scale);
  const data = scale === 1 ? Uint8Array.from(values) : Uint16Array.from(values);
  await sharp(data, { raw: { width: SIDE, height: SIDE, channels: 1 } })
    .toColourspace(scale === 1 ? "b-w" : "grey16")
    .png()
    .toFile(at(place));
}

/** Writes images `first` to `first + count − 1` as PNG, into folders of their classes by default. */
export async function pngs(folder: string, first: number, count: number, hasClasses = true): Promise<void> {
  for (let i = first; i < first + count; i++) {
    await png(`${folder}/${hasClasses ? `${i % 2}/` : ""}${String(i).padStart(2, "0")}.png`, i);
  }
}

export const typed = (type: string, values: ArrayLike<number>, shape = "(24, 8, 8)") => {
  const arrays = {
    "|u1": Uint8Array,
    "<u2": Uint16Array,
    "<i4": Int32Array,
    "<f4": Float32Array,
    "<f8": Float64Array,
    "|i1": Int8Array,
  };
  const array = arrays[type as keyof typeof arrays].from(Array.from(values));
  return npy(type, shape, new Uint8Array(array.buffer));
};

export const load = (place: string, options: Given<datasets.DataOptions> = {}) => datasets.load(at(place), options);

export const SPLITS = ["train", "validation", "test"] as const;
/** Collects the pixels, label and split of each image of a data set, by the image's number. */
export function collect(data: Dataset, numberOf = numberByName) {
  const found = new Map<number, { pixels: number[]; label: number | undefined; split: string }>();
  for (const split of SPLITS) {
    const set = data[split];
    const bytes = set.pixels.read(range(0, set.count));
    const size = data.height * data.width * data.channels;
    for (let i = 0; i < set.count; i++) {
      const pixels = [...bytes.subarray(i * size, (i + 1) * size)];
      found.set(numberOf(set, i), { pixels, label: set.labels?.[i], split });
    }
  }
  return found;
}

/** The number of an image: its file's name, or its row. */
function numberByName(set: ImageSet, i: number): number {
  const { file, row } = set.origin?.(i) ?? {};
  return file === undefined ? (row as number) : Number(/(\d+)\.\w+$/.exec(file)?.[1]);
}

/** Expects the exact pixels and labels of all images. */
export function expectAll(
  data: Dataset,
  { of = pixel, hasLabels = true, count = COUNT, numberOf = numberByName } = {},
): void {
  const found = collect(data, numberOf);
  expect([...found.keys()].sort((a, b) => a - b)).toEqual([...range(0, count)]);
  for (const [i, { pixels, label }] of found) {
    expect(pixels).toEqual(image(i, of));
    expect(label).toBe(hasLabels ? i % 2 : undefined);
  }
}

export const splitOf = (data: Dataset, split: string) =>
  [...collect(data)].flatMap(([i, found]) => (found.split === split ? i : [])).sort((a, b) => a - b);
export const counts = ({ train, validation, test }: Dataset) => [train.count, validation.count, test.count];
export const numbers = (first: number, count: number) => [...range(first, count)];
