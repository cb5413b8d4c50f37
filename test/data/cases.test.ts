// Inputs from the field: what users of such tools have, and what they expect. Images have 8×8 pixels: the pixel at row
// r and column c of image i is (13·i + 7·r + 3·c) mod 256, and its label is i mod 2.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { PNG } from "pngjs";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Given } from "../../src/config/entries.js";
import type { DataOptions, Dataset, ImageSet } from "../../src/data/dataset.js";
import * as datasets from "../../src/data/datasets.js";
import { decodeImages } from "../../src/data/image-files.js";
import { range } from "../../src/data/pixels.js";
import { UserError } from "../../src/errors.js";
import { encodeZip } from "../../src/formats/zip.js";
import { idx } from "../fixtures/idx.js";
import { npy } from "../fixtures/npy.js";

const COUNT = 24;
const SIDE = 8;
const PIXELS = SIDE * SIDE;

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-cases-"));
});
afterEach(() => rmSync(home, { recursive: true }));

const pixel = (i: number, row: number, column: number) => (13 * i + 7 * row + 3 * column) % 256;
/** The pixels of image i, by rows. */
const image = (i: number, of = pixel) =>
  Array.from({ length: PIXELS }, (_, at) => of(i, Math.floor(at / SIDE), at % SIDE));
/** The pixels of images first to first + count − 1. */
const images = (first = 0, count = COUNT, of = pixel) =>
  Array.from({ length: count }, (_, i) => image(first + i, of)).flat();
const labels = (first = 0, count = COUNT) => Array.from({ length: count }, (_, i) => (first + i) % 2);

function write(place: string, content: Uint8Array | string): void {
  mkdirSync(path.dirname(at(place)), { recursive: true });
  writeFileSync(at(place), content);
}

/** A grey PNG of image i, of 8 or 16 bits. */
async function png(place: string, i: number, { scale = 1 } = {}): Promise<void> {
  mkdirSync(path.dirname(at(place)), { recursive: true });
  const values = image(i).map((value) => value * scale);
  const data = scale === 1 ? Uint8Array.from(values) : Uint16Array.from(values);
  await sharp(data, { raw: { width: SIDE, height: SIDE, channels: 1 } })
    .toColourspace(scale === 1 ? "b-w" : "grey16")
    .png()
    .toFile(at(place));
}

/** Images `first` to `first + count − 1` in class folders. */
async function pngs(folder: string, first: number, count: number, hasClasses = true): Promise<void> {
  for (let i = first; i < first + count; i++) {
    await png(`${folder}/${hasClasses ? `${i % 2}/` : ""}${String(i).padStart(2, "0")}.png`, i);
  }
}

const typed = (type: string, values: ArrayLike<number>, shape = "(24, 8, 8)") => {
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

const load = (place: string, options: Given<DataOptions> = {}) => datasets.load(at(place), options);

const SPLITS = ["train", "validation", "test"] as const;
/** All images of a data set: their pixels, labels, and splits, by the numbers of the images. */
function collect(data: Dataset, numberOf = numberByName) {
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

/** Checks pixels and labels of all images, exactly. */
function expectAll(data: Dataset, { of = pixel, hasLabels = true, count = COUNT, numberOf = numberByName } = {}): void {
  const found = collect(data, numberOf);
  expect([...found.keys()].sort((a, b) => a - b)).toEqual([...range(0, count)]);
  for (const [i, { pixels, label }] of found) {
    expect(pixels).toEqual(image(i, of));
    expect(label).toBe(hasLabels ? i % 2 : undefined);
  }
}

const splitOf = (data: Dataset, split: string) =>
  [...collect(data)].flatMap(([i, found]) => (found.split === split ? i : [])).sort((a, b) => a - b);
const counts = ({ train, validation, test }: Dataset) => [train.count, validation.count, test.count];
const numbers = (first: number, count: number) => [...range(first, count)];

describe("folders of splits", () => {
  it.each([
    ["train", "val", "test"],
    ["Training", "VALIDATION", "Testing"],
    ["train", "valid", "eval"],
    ["train", "dev", "test"],
    ["wrap/train", "wrap/validation", "wrap/test"],
    ["a/b/train", "a/b/val", "a/b/test"],
    ["train/train", "val/val", "test/test"],
  ])("%s, %s, %s divide the images", async (train, validation, test) => {
    await pngs(`data/${train}`, 0, 16);
    await pngs(`data/${validation}`, 16, 4);
    await pngs(`data/${test}`, 20, 4);
    const data = await load("data");
    expectAll(data);
    expect(SPLITS.map((split) => splitOf(data, split))).toEqual([numbers(0, 16), numbers(16, 4), numbers(20, 4)]);
    expect([data.classes, data.notes]).toEqual([["0", "1"], []]);
  });

  it("may lie in class folders", async () => {
    for (const [split, first, count] of [
      ["train", 0, 16],
      ["val", 16, 4],
      ["test", 20, 4],
    ] as const) {
      for (let i = first; i < first + count; i++) await png(`data/${i % 2}/${split}/${i}.png`, i);
    }
    const data = await load("data");
    expectAll(data);
    expect(SPLITS.map((split) => splitOf(data, split))).toEqual([numbers(0, 16), numbers(16, 4), numbers(20, 4)]);
    expect(data.classes).toEqual(["0", "1"]);
  });

  it("without a test hold out a part of train, and validate with valid", async () => {
    await pngs("data/train", 0, 16);
    await pngs("data/valid", 16, 8);
    const data = await load("data");
    expectAll(data);
    expect(counts(data)).toEqual([14, 8, 2]);
    expect([splitOf(data, "validation"), data.classes]).toEqual([numbers(16, 8), ["0", "1"]]);
  });

  it("may have flat test images, and classes that others lack", async () => {
    await pngs("data/train", 0, 12);
    await png("data/train/rare/12.png", 12);
    await pngs("data/test", 20, 4, false);
    const data = await load("data");
    expect([data.classes, data.test.labels, data.test.count]).toEqual([["0", "1", "rare"], undefined, 4]);
    rmSync(at("data/test"), { recursive: true });
    await png("data/test/other/20.png", 20);
    const other = await load("data");
    expect(other.classes).toEqual(["0", "1", "other", "rare"]);
    expect([...(other.test.labels ?? [])]).toEqual([2]);
  });

  it("say in one line what they do not use", async () => {
    await pngs("data/train", 0, 12);
    await pngs("data/test", 12, 2);
    await pngs("data/unlabeled", 14, 3, false);
    await pngs("data/eval", 17, 2, false);
    await png("data/19.png", 19);
    const data = await load("data");
    expect(counts(data).reduce((a, b) => a + b)).toBe(14);
    expect(data.classes).toEqual(["0", "1"]);
    expect(data.notes).toEqual([
      "6 images not used, outside of train/, test/: 2 in eval/, 3 in unlabeled/, 1 in no folder.",
    ]);
  });

  it.each([
    ["training_set/training_set", "test_set/test_set"],
    ["seg_train", "seg_test"],
    ["train_64x64", "test_64x64"],
    ["Train Data", "Test Data"],
    ["DATASET_TRAIN", "DATASET_TEST"],
    ["trainA", "testA"],
  ])("may have other words in common: %s, %s", async (train, test) => {
    await pngs(`data/${train}`, 0, 16);
    await pngs(`data/${test}`, 16, 8);
    const data = await load("data");
    expectAll(data);
    expect([splitOf(data, "test"), data.classes]).toEqual([numbers(16, 8), ["0", "1"]]);
  });

  it("of several data sets are refused", async () => {
    for (const name of ["trainA", "trainB", "testA", "testB"]) await pngs(`data/${name}`, 0, 4, false);
    await expect(load("data")).rejects.toThrow(
      "The folders testA, trainA, testB, trainB are splits of several data sets. Give a folder of one.",
    );
  });

  it("in a wrapping folder or in classes leave out what lies beside them, and say so", async () => {
    await pngs("wrapped/data/train", 0, 12);
    await pngs("wrapped/data/test", 12, 2);
    await pngs("wrapped/samples", 14, 2, false);
    await png("wrapped/16.png", 16);
    const wrapped = await load("wrapped");
    expect([splitOf(wrapped, "test"), wrapped.classes]).toEqual([numbers(12, 2), ["0", "1"]]);
    expect(wrapped.notes).toEqual(["3 images not used, outside of train/, test/: 2 in samples/, 1 in no folder."]);
    for (const [folder, first] of [
      ["cats/train", 0],
      ["cats/test", 6],
      ["dogs/train", 8],
      ["rare/test", 14],
      ["birds", 16],
    ] as const) {
      await pngs(`classes/${folder}`, first, 2, false);
    }
    await png("classes/18.png", 18);
    const classes = await load("classes");
    expect(classes.classes).toEqual(["cats", "dogs", "rare"]);
    expect([splitOf(classes, "test"), counts(classes).reduce((a, b) => a + b)]).toEqual([[6, 7, 14, 15], 8]);
    expect(classes.notes).toEqual(["3 images not used, outside of train/, test/: 2 in birds/, 1 in no folder."]);
  });

  it("may hold their images in a folder called images, which is no class", async () => {
    for (const i of numbers(0, 16)) await png(`data/train/${i % 2}/images/${i}.png`, i);
    await pngs("data/val/images", 16, 8, false);
    const data = await load("data");
    expect([data.classes, data.validation.labels]).toEqual([["0", "1"], undefined]);
    await pngs("flat/train/images", 0, 16, false);
    expect((await load("flat")).classes).toBeUndefined();
  });

  it("are not guessed from one class called train", async () => {
    for (const [folder, first] of [
      ["car", 0],
      ["plane", 8],
      ["train", 16],
    ] as const) {
      await pngs(`data/${folder}`, first, 8, false);
    }
    await expect(load("data")).rejects.toThrow(
      "has a folder train beside car, plane, which hold more images. Rename it if it is a class;",
    );
  });

  it("need images to train on", async () => {
    await pngs("data/val", 0, 12);
    await pngs("data/test", 12, 12);
    await expect(load("data")).rejects.toThrow("has folders of splits (test, val), but none to train on.");
  });
});

describe("class folders", () => {
  it("may lie in a wrapping folder", async () => {
    await pngs("data/images", 0, 24);
    const data = await load("data");
    expectAll(data);
    expect(data.classes).toEqual(["0", "1"]);
  });

  it("beside loose images give no classes, and say so", async () => {
    await pngs("data", 0, 23);
    await png("data/23.png", 23);
    const data = await load("data");
    expectAll(data, { hasLabels: false });
    expect(data.notes).toEqual([
      `${at("data")} has no classes: 1 of its 24 images lie outside of class folders, such as 23.png.`,
    ]);
  });

  it("are compared in Unicode NFC", async () => {
    for (let i = 0; i < 24; i++) await png(`${`data/${i % 2 ? "café" : "thé"}`.normalize("NFD")}/${i}.png`, i);
    const data = await load("data", { classes: ["café"] });
    expect(data.classes).toEqual(["café", "thé"].map((name) => name.normalize("NFC")));
    expect([...collect(data).keys()].every((i) => i % 2 === 1)).toBe(true);
    expect(counts(data).reduce((a, b) => a + b)).toBe(12);
  });

  it("may be links, which are followed once", async () => {
    await pngs("elsewhere", 0, 24);
    mkdirSync(at("data"));
    for (const name of ["0", "1"]) symlinkSync(at("elsewhere", name), at("data", name));
    expectAll(await load("data"));
    symlinkSync(at("data"), at("data/0/loop"));
    await expect(load("data")).rejects.toThrow("0/loop (it is a link to a folder that is read already)");
    expectAll(await load("data", { skipBad: true }));
  });

  it("named by bytes that are not UTF-8 are reported", async () => {
    await pngs("data", 0, 24);
    writeFileSync(Buffer.concat([Buffer.from(`${at("data")}/0/`), Buffer.of(0xff), Buffer.from(".png")]), "");
    await expect(load("data")).rejects.toThrow("its name is not UTF-8: rename it");
    expectAll(await load("data", { skipBad: true }));
  });

  it("skip folders of thumbnails, and count them", async () => {
    await pngs("data", 0, 24);
    for (const folder of ["@eaDir", "0/.thumbnails", "1/__MACOSX"]) await png(`data/${folder}/x/99.png`, 99);
    const data = await load("data");
    expectAll(data);
    expect(data.notes).toEqual(["3 files in folders of thumbnails ignored."]);
  });
});

describe("files that are ignored", () => {
  it("are counted by their endings", async () => {
    await pngs("data", 0, 12, false);
    for (let i = 12; i < 16; i++) write(`data/${i}.HEIC`, "x");
    write("data/notes.txt", "");
    const data = await load("data");
    expectAll(data, { hasLabels: false, count: 12 });
    expect(data.notes).toEqual(["5 files ignored: 4 .HEIC (convert to PNG or JPEG), 1 .txt."]);
  });

  it("are named where there are no images", async () => {
    for (let i = 0; i < COUNT; i++) {
      write(`data/a/b/${i}.pgm`, Buffer.concat([Buffer.from("P5 8 8 255\n"), Buffer.from(image(i))]));
    }
    write("data/all.zip", "PK");
    await expect(load("data")).rejects.toThrow(
      /holds no images: only 24 \.pgm \(convert to PNG or JPEG\), 1 \.zip \(unpack first\)\. Images are files that end in \.avif, /,
    );
    mkdirSync(at("empty/inner"), { recursive: true });
    await expect(load("empty")).rejects.toThrow("holds no images: it and its sub-folders are empty.");
  });

  it("do not include what sharp decodes, in any case of the ending", async () => {
    for (let i = 0; i < COUNT; i++) {
      const raw = sharp(Uint8Array.from(image(i)), { raw: { width: 8, height: 8, channels: 1 } });
      const [ending, format] = (
        [
          ["PNG", "png"],
          ["TiFf", "tiff"],
          ["WEBP", "webp"],
        ] as const
      )[i % 3];
      mkdirSync(at("data"), { recursive: true });
      await raw
        .toColourspace("b-w")
        .toFormat(format, { lossless: true, compression: format === "tiff" ? "lzw" : undefined })
        .toFile(at(`data/${i}.${ending}`));
    }
    write(
      "vector/0.SVG",
      '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="4" height="8" fill="white"/></svg>',
    );
    for (const i of [1, 2])
      write(
        `vector/${i}.svg`,
        '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="4" height="8" fill="white"/></svg>',
      );
    const data = await load("data", { channels: 1 });
    expectAll(data, { hasLabels: false });
    const vector = await load("vector", { channels: 1 });
    expect(collect(vector).get(0)?.pixels.slice(0, 8)).toEqual([255, 255, 255, 255, 0, 0, 0, 0]);
  });

  it("are told apart by content", async () => {
    await pngs("data", 0, 12, false);
    write("data/page.png", "<!DOCTYPE html><html></html>");
    write("data/pointer.jpg", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
    write("data/phone.jpg", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"));
    const { bad } = await datasets.inspect(at("data"));
    const whys = new Map(bad.map(({ file, why }) => [file, why]));
    expect(whys.get("page.png")).toMatch(/^it is a web page/);
    expect(whys.get("pointer.jpg")).toMatch(/^it is a Git LFS pointer.*git lfs pull/);
    expect(whys.get("phone.jpg")).toMatch(/^it is an? HEIC image/);
  });
});

describe("a folder of images and arrays", () => {
  const array = () => typed("|u1", images());

  it("holds the arrays, if their names say so", async () => {
    for (let i = 0; i < 4; i++) await png(`data/plot-${i}.png`, i);
    write("data/MNIST/raw/train-images-idx3-ubyte", idx([24, 8, 8], images()));
    const data = await load("data");
    expectAll(data, { hasLabels: false });
    expect(data.notes).toEqual(["4 files ignored: 4 .png."]);
  });

  it("holds the images, if the arrays are labels or tables", async () => {
    await pngs("data", 0, 24, false);
    write("data/train_labels.npy", typed("<i4", labels(), "(24,)"));
    write("data/train.csv", "file,label\n00.png,0\n");
    write("data/train_boxes.tsv", "1\t2\t3\t4\n");
    const data = await load("data");
    expectAll(data, { hasLabels: false });
    expect(data.notes).toEqual(["3 files ignored: 1 .csv, 1 .tsv, 1 .npy."]);
  });

  it("is refused if that is unclear", async () => {
    await pngs("data", 0, 4, false);
    write("data/digits.npy", array());
    await expect(load("data")).rejects.toThrow(
      "holds 4 image files and arrays such as digits.npy. Give the path of the",
    );
    expectAll(await load("data/digits.npy"), { hasLabels: false });
  });

  it("is no run because of a class called checkpoint", async () => {
    await pngs("data/checkpoint", 0, 12, false);
    await pngs("data/other", 12, 12, false);
    write("data/config.json", "{}");
    expect((await load("data")).classes).toEqual(["checkpoint", "other"]);
  });
});

describe("sizes and colours", () => {
  const blank = (place: string, width: number, height: number, isColour = false) => {
    const picture = new PNG({ width, height });
    picture.data.fill(200);
    for (let i = 3; i < picture.data.length; i += 4) picture.data[i] = 255;
    if (isColour) picture.data[0] = 0;
    write(place, PNG.sync.write(picture, { colorType: isColour ? 2 : 0 }));
  };

  it("that differ are listed with a suggestion, before anything else, in vae data too", async () => {
    for (let i = 0; i < 5; i++) blank(`photos/${i}.png`, 640, 480);
    for (let i = 0; i < 6; i++) blank(`photos/odd-${i}.png`, 300 + i, 200);
    write("photos/broken.png", "hello");
    const problem =
      /photos holds 11 images in 7 sizes: 640×480 \(5\), 300×200 \(odd-0\.png\), .*, …\. Use `size: 64`\.$/;
    await expect(load("photos")).rejects.toThrow(problem);
    await expect(datasets.inspect(at("photos"))).rejects.toThrow(problem);
    expect((await datasets.inspect(at("photos"), { size: 64 })).bad.map(({ file }) => file)).toEqual(["broken.png"]);
    blank("small/0.png", 28, 28);
    blank("small/1.png", 28, 28);
    blank("small/2.png", 27, 28);
    await expect(load("small")).rejects.toThrow("3 images in 2 sizes: 28×28 (2), 27×28 (2.png). Use `size: 28x28`.");
  });

  it("follow one rule for all splits", async () => {
    for (let i = 0; i < 12; i++) blank(`sizes/train/${i}.png`, 8, 8);
    blank("sizes/test/0.png", 9, 8);
    await expect(load("sizes")).rejects.toThrow("holds 13 images in 2 sizes: 8×8 (12), 9×8 (test/0.png)");
    for (let i = 0; i < 12; i++) blank(`colours/train/${i}.png`, 8, 8);
    blank("colours/test/0.png", 8, 8, true);
    const data = await load("colours");
    expect(data.channels).toBe(3);
    expect([...data.test.pixels.read([0]).subarray(0, 6)]).toEqual([0, 200, 200, 200, 200, 200]);
  });

  it("of grey images stored in colour, and of animations, are noted", async () => {
    for (let i = 0; i < 3; i++) {
      const picture = new PNG({ width: 8, height: 8 });
      picture.data.fill(255);
      picture.data.fill(10 * i, 0, 3);
      write(`data/${i}.png`, PNG.sync.write(picture, { colorType: 2 }));
    }
    expect((await load("data")).notes).toEqual([
      "All images are grey, but stored in colour. `channels: 1` makes the model smaller.",
    ]);
    expect((await load("data", { channels: 1 })).notes).toEqual([]);
    const frames = Buffer.from([...new Array(192).fill(200), ...new Array(192).fill(50)]);
    for (let i = 0; i < 3; i++) {
      mkdirSync(at("moving"), { recursive: true });
      await sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
        .webp({ lossless: true })
        .toFile(at(`moving/${i}.webp`));
    }
    const moving = await load("moving", { channels: 1 });
    expect(moving.notes).toEqual(
      [`${at("moving")}: all pixels are 200.`, "Only the first frame is used of 3 files."].reverse(),
    );
    expect(new Set(moving.train.pixels.read([0]))).toEqual(new Set([200]));
  });

  it("become grey as in Pillow: 0.299 red, 0.587 green, 0.114 blue", async () => {
    for (let i = 0; i < 3; i++) {
      const picture = new PNG({ width: 3, height: 1 });
      picture.data.set([255, 0, 0, 255, 0, 255, 0, 255, 10, 100, 200, 255]);
      write(`data/${i}.png`, PNG.sync.write(picture));
    }
    // PIL.Image.open(file).convert("L")
    expect([...(await load("data", { channels: 1 })).test.pixels.read([0])]).toEqual([76, 150, 84]);
  });
});

describe("the scale of pixels", () => {
  const bit = (i: number, row: number, column: number) => (pixel(i, row, column) >= 128 ? 255 : 0);
  const bits = () => images(0, COUNT, bit).map((value) => value / 255);

  it.each([
    ["bytes", "|u1"],
    ["int32", "<i4"],
    ["floats", "<f4"],
  ])("0 and 1 as %s are black and white", async (_, type) => {
    write("x.npy", typed(type, bits()));
    const data = await load("x.npy");
    expectAll(data, { of: bit, hasLabels: false });
    const said = type === "<f4" ? [] : [`${at("x.npy")} has only the values 0 and 1, read as x * 255.`];
    expect(data.notes).toEqual(said);
  });

  it("0 and 1 in image files are black and white", async () => {
    for (let i = 0; i < COUNT; i++) {
      mkdirSync(at("data"), { recursive: true });
      const raw = Uint8Array.from(image(i, bit), (value) => value / 255);
      await sharp(raw, { raw: { width: 8, height: 8, channels: 1 } })
        .toColourspace("b-w")
        .png()
        .toFile(at(`data/${i}.png`));
    }
    const data = await load("data");
    expectAll(data, { of: bit, hasLabels: false });
    expect(data.notes).toEqual([`${at("data")} has only the values 0 and 1, read as x * 255.`]);
  });

  it.each([9, 10, 12, 14])("%i bits in uint16, in .npy and PNG, lose the lower ones", async (depth) => {
    const scale = 2 ** (depth - 8);
    write(
      "x.npy",
      typed(
        "<u2",
        images().map((value) => value * scale),
      ),
    );
    for (let i = 0; i < COUNT; i++) await png(`data/${i}.png`, i, { scale });
    for (const place of ["x.npy", "data"]) {
      const data = await load(place);
      expectAll(data, { hasLabels: false });
      const most = 255 * scale;
      expect(data.notes).toEqual([`${at(place)} has values from 0 to ${most}: ${depth} bits, read as x // ${scale}.`]);
    }
  });

  it("16 bits lose the lower eight", async () => {
    write(
      "x.npy",
      typed(
        "<u2",
        images().map((value) => value * 257),
      ),
    );
    for (let i = 0; i < COUNT; i++) await png(`data/${i}.png`, i, { scale: 257 });
    for (const place of ["x.npy", "data"]) expectAll(await load(place), { hasLabels: false });
  });

  it("is one for all splits", async () => {
    const save = (split: string, first: number, count: number, map: (value: number) => number, type = "<u2") =>
      write(`data/x_${split}.npy`, typed(type, images(first, count).map(map), `(${count}, 8, 8)`));
    save("train", 0, 18, (value) => value * 16);
    save("test", 18, 6, (value) => value * 3);
    const data = await load("data");
    expect([...data.test.pixels.read([0])]).toEqual(image(18).map((value) => Math.floor((value * 3) / 16)));
    for (const [train, test, type] of [
      [(value: number) => value / 255, (value: number) => value, "<f4"],
      [(value: number) => value, (value: number) => (value > 99 ? 1 : 0), "|u1"],
      [(value: number) => value / 65_025, (value: number) => value / 255, "<f4"],
    ] as const) {
      save("train", 0, 18, train, type);
      save("test", 18, 6, test, type);
      await expect(load("data")).rejects.toThrow(/has splits on different scales: the (train|test) images have values/);
    }
  });

  it("is one for all splits of image files", async () => {
    for (let i = 0; i < 12; i++) await png(`data/train/${i}.png`, i);
    mkdirSync(at("data/test"));
    for (let i = 0; i < 2; i++) {
      const mask = Uint8Array.from(image(i), (value) => value & 1);
      await sharp(mask, { raw: { width: 8, height: 8, channels: 1 } })
        .toColourspace("b-w")
        .png()
        .toFile(at(`data/test/${i}.png`));
    }
    await expect(load("data")).rejects.toThrow("the test images have values from 0 to 1, others from 0 to 213.");
  });

  it.each([
    ["just over 1", "<f4", (value: number) => (value / 255) * (1 + 1e-7), ""],
    ["from −1 to 1", "<f4", (value: number) => value / 127.5 - 1, "has values from -1 to 1, read as (x + 1) / 2."],
    ["from 0 to 255 as floats", "<f8", (value: number) => value, "has values from 0 to 255, read as x / 255."],
    ["divided by 255 twice", "<f4", (value: number) => value / 65_025, "divided by 255 twice, read as x * 255."],
    [
      "overshooting",
      "<f4",
      (value: number) => (value / 255) * 1.04 - 0.02,
      "has values from -0.02 to 1.02, read as x.clip(0, 1).",
    ],
  ])("%s is read", async (name, type, map, said) => {
    write("x.npy", typed(type, images().map(map)));
    const data = await load("x.npy");
    const clipped = (i: number, row: number, column: number) =>
      Math.round(Math.max(0, Math.min(1, Math.fround((pixel(i, row, column) / 255) * 1.04 - 0.02))) * 255);
    expectAll(data, { hasLabels: false, ...(name === "overshooting" && { of: clipped }) });
    expect(data.notes.join()).toContain(said);
    expect(data.notes).toHaveLength(said ? 1 : 0);
  });

  it.each([
    ["|i1", (value: number) => value - 128, '(x.astype("float32") + 128) / 255'],
    ["<i4", (value: number) => value * 1e6, "x / 255000000"],
    ["<f4", (value: number) => value / 10, "x / 25.5"],
    ["<f8", (value: number) => value - 1000, '(x.astype("float32") + 1000) / 255'],
  ])("%s of no usual scale is refused with a formula, which gives the images", async (type, map, formula) => {
    const values = images().map(map);
    write("x.npy", typed(type, values));
    const error = await load("x.npy").then(undefined, (error) => error);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toContain(`, save ${formula} as float32, for all splits alike.`);
    // The formula, computed as NumPy does.
    const [, add = "0", by] = /(?:\+ ([\d.]+)\) )?\/ ([\d.]+)$/.exec(formula) ?? [];
    write(
      "x.npy",
      typed(
        "<f4",
        values.map((value) => Math.fround(value + Number(add)) / Number(by)),
      ),
    );
    expectAll(await load("x.npy"), { hasLabels: false });
  });

  it("is refused where a value is NaN or infinite, with the image", async () => {
    const values = images().map((value) => value / 255);
    values[5 * PIXELS + 3] = Number.NaN;
    write("x.npy", typed("<f4", values));
    await expect(load("x.npy")).rejects.toThrow(`Image 5 of ${at("x.npy")} holds NaN.`);
  });

  it("of constant or nearly black images is doubted", async () => {
    write("x.npy", typed("|u1", images().fill(7)));
    expect((await load("x.npy")).notes).toEqual([`${at("x.npy")}: all pixels are 7.`]);
    write(
      "x.npy",
      typed(
        "|u1",
        images().map((value) => value >> 4),
      ),
    );
    expect((await load("x.npy")).notes).toEqual([
      `${at("x.npy")}: the brightest pixel is 15 of 255, almost black. If 15 is white, save x / 15 as float32.`,
    ]);
  });

  it("is printed by vae data: range and mean", async () => {
    write("x.npy", typed("|u1", images()));
    const { pixels } = await datasets.inspect(at("x.npy"));
    const all = images();
    expect(pixels).toEqual({ min: 0, max: 255, mean: all.reduce((a, b) => a + b) / all.length });
  });
});

describe("drawings on transparency", () => {
  /** Grey with alpha: a drawing of one shade whose shape is the transparency. */
  async function drawing(place: string, i: number, shade: number): Promise<void> {
    mkdirSync(path.dirname(at(place)), { recursive: true });
    const pixels = image(i).flatMap((alpha) => [shade, alpha]);
    await sharp(Uint8Array.from(pixels), { raw: { width: 8, height: 8, channels: 2 } })
      .png()
      .toFile(at(place));
  }

  it("lie on white if black hides them", async () => {
    for (let i = 0; i < COUNT; i++) await drawing(`data/${i}.png`, i, 0);
    const data = await load("data", { channels: 1 });
    expectAll(data, { of: (i, row, column) => 255 - pixel(i, row, column), hasLabels: false });
    expect(data.background).toBe("white");
    expect(data.notes).toEqual(["24 of 24 images are dark on transparency: the background of all images is white."]);
    const black = await load("data", { background: "black" });
    expect(new Set(black.train.pixels.read([0]))).toEqual(new Set([0]));
    expect(black.notes[0]).toBe("24 of 24 images are dark on transparency. `background: white` shows them.");
  });

  it("become visible among single images by inverting them", async () => {
    await drawing("0.png", 0, 0);
    const shape = { height: 8, width: 8, channels: 1 };
    const hidden = await decodeImages([at("0.png")], shape, { invert: false, background: "black" });
    expect(hidden.notes).toEqual([
      `${at("0.png")} is dark on transparency, which becomes black. Give \`invert\` to show it.`,
    ]);
    const { pixels, notes } = await decodeImages([at("0.png")], shape, { invert: true, background: "black" });
    expect([[...pixels], notes]).toEqual([image(0), []]);
  });

  it("lie on black otherwise", async () => {
    for (let i = 0; i < COUNT; i++) await drawing(`data/${i}.png`, i, 255);
    const data = await load("data", { channels: 1 });
    expectAll(data, { hasLabels: false });
    expect([data.background, data.notes]).toEqual(["black", []]);
  });
});

describe("the order of values in arrays", () => {
  const colour = (i: number, row: number, column: number, channel: number) =>
    (pixel(i, row, column) + 80 * channel) % 256;
  const all = (order: string) => {
    const sizes = { n: COUNT, h: SIDE, w: SIDE, c: 3 };
    const axes = [...order] as (keyof typeof sizes)[];
    const values: number[] = [];
    const fill = (depth: number, at: Record<string, number>) => {
      if (depth === axes.length) return void values.push(colour(at.n, at.h, at.w, at.c));
      for (let i = 0; i < sizes[axes[depth]]; i++) fill(depth + 1, { ...at, [axes[depth]]: i });
    };
    fill(0, {});
    return values;
  };
  const expectColours = (data: Dataset) => {
    expect(data.channels).toBe(3);
    for (const [i, { pixels }] of collect(data)) {
      const expected = Array.from({ length: 3 * PIXELS }, (_, at) =>
        colour(i, Math.floor(at / 24), Math.floor(at / 3) % 8, at % 3),
      );
      expect(pixels).toEqual(expected);
    }
  };

  it("is that of channels last or first, by the shape", async () => {
    write("last.npy", typed("|u1", all("nhwc"), "(24, 8, 8, 3)"));
    write("first.npy", typed("|u1", all("nchw"), "(24, 3, 8, 8)"));
    expectColours(await load("last.npy"));
    expectColours(await load("first.npy"));
    write("grey.npy", typed("|u1", images(), "(24, 1, 8, 8)"));
    expectAll(await load("grey.npy"), { hasLabels: false });
    write("both.npy", typed("|u1", images(0, 9), "(64, 3, 1, 3)"));
    await expect(load("both.npy")).rejects.toThrow("Give `layout: hwc` if the last axis is the channels");
  });

  it("of colour in rows must be given", async () => {
    write("rows.npy", typed("|u1", all("nchw"), "(24, 192)"));
    await expect(load("rows.npy")).rejects.toThrow(
      "`size: 8x8`, and `layout: hwc` or `layout: chw` if they are in colour",
    );
    await expect(load("rows.npy", { size: 8 })).rejects.toThrow(
      "`layout: chw` if they are three planes, as in CIFAR-10",
    );
    expectColours(await load("rows.npy", { size: 8, layout: "chw" }));
    write("pixels.npy", typed("|u1", all("nhwc"), "(24, 192)"));
    expectColours(await load("pixels.npy", { size: 8, layout: "hwc" }));
    write("matlab.npy", typed("|u1", all("ncwh"), "(24, 192)"));
    expectColours(await load("matlab.npy", { size: 8, layout: "cwh" }));
  });

  it("is row-major, or Fortran order by the header: in .npy, .npz and gzip, of bytes and other types", async () => {
    const fortran = (type: string, values: Uint8Array, shape: string) =>
      npy(`{'descr': '${type}', 'fortran_order': True, 'shape': ${shape}, }`, values);
    const bytes = Uint8Array.from(all("cwhn"));
    const colours = fortran("|u1", bytes, "(24, 8, 8, 3)");
    write("x.npy", colours);
    write("x.npy.gz", gzipSync(colours));
    write("x.npz", encodeZip([["x.npy", colours]]));
    write("floats.npy", fortran("<f4", new Uint8Array(Float32Array.from(bytes).buffer), "(24, 8, 8, 3)"));
    for (const file of ["x.npy", "x.npy.gz", "x.npz", "floats.npy"]) expectColours(await load(file));
    const byColumns = Array.from({ length: PIXELS }, (_, at) => images().filter((_, i) => i % PIXELS === at)).flat();
    write("rows.npy", fortran("|u1", Uint8Array.from(byColumns), "(24, 64)"));
    expectAll(await load("rows.npy", { size: 8 }), { hasLabels: false });
  });

  it("of images along the last axis, of four channels and of one image is explained", async () => {
    const save = (shape: string, length: number) => write("x.npy", typed("|u1", new Array(length).fill(9), shape));
    save("(8, 8, 3, 24)", 8 * 8 * 3 * 24);
    await expect(load("x.npy")).rejects.toThrow("save np.moveaxis(x, -1, 0)");
    save("(8, 8, 24)", 8 * 8 * 24);
    await expect(load("x.npy")).rejects.toThrow("save np.moveaxis(x, -1, 0)");
    save("(24, 8, 8, 4)", 24 * 256);
    await expect(load("x.npy")).rejects.toThrow("save x[..., :3]");
    save("(20, 30, 3)", 1800);
    await expect(load("x.npy")).rejects.toThrow("This is one colour image");
  });

  it("of rows is refused where it may be that of columns", async () => {
    write("columns.npy", typed("|u1", new Array(784 * 100).fill(9), "(784, 100)"));
    await expect(load("columns.npy")).rejects.toThrow(
      "the images may be its columns. If so, save x.T; if not, give their `size`, such as `size: 10x10`.",
    );
    expect((await load("columns.npy", { size: 10 })).width).toBe(10);
    write("one.npy", typed("|u1", new Array(64 * 64).fill(9), "(64, 64)"));
    await expect(load("one.npy")).rejects.toThrow(
      "as one square image has. If the rows are images, give their `size`, such as `size: 8x8`.",
    );
    write("slices.npy", typed("|u1", new Array(28 * 28 * 20).fill(9), "(28, 28, 20)"));
    await expect(load("slices.npy")).rejects.toThrow("save np.moveaxis(x, -1, 0). If not, give their `size: 20x28`.");
    expect((await load("slices.npy", { size: [20, 28] })).train.count).toBeGreaterThan(20);
  });

  it("of EMNIST is by columns, known by its name", async () => {
    const columns = images(0, COUNT, (i, row, column) => pixel(i, column, row));
    write("data/emnist-tiny-train-images-idx3-ubyte", idx([24, 8, 8], columns));
    write("data/emnist-tiny-train-labels-idx1-ubyte", idx([24], labels()));
    const data = await load("data");
    expectAll(data);
    expect(data.notes[0]).toMatch(/is stored by columns, as EMNIST is\. `layout: hwc` if it is not\.$/);
    expectAll(await load("data/emnist-tiny-train-images-idx3-ubyte"));
    write("emnist-letters/train-images-idx3-ubyte", idx([24, 8, 8], columns));
    expectAll(await load("emnist-letters"), { hasLabels: false });
    const lines = labels().map((label, i) => [label, ...columns.slice(64 * i, 64 * i + 64)].join(","));
    write("emnist-letters-train.csv", lines.join("\n"));
    expectAll(await load("emnist-letters-train.csv"));
    write("plain.npy", typed("|u1", columns));
    expectAll(await load("plain.npy", { layout: "whc" }), { hasLabels: false });
  });
});

describe("arrays and tables", () => {
  const train = (first = 0, count = 18) => typed("|u1", images(first, count), `(${count}, 8, 8)`);
  const classes = (first = 0, count = 18, type = "<i4", shape = `(${count},)`) =>
    typed(type, labels(first, count), shape);
  /** Row i of train is image i, row i of validation and test are images first + i. */
  const numberOf = (firsts: Record<string, number>) => (set: ImageSet, i: number) => {
    const { split = "train", row = 0 } = set.origin?.(i) ?? {};
    return (firsts[split] ?? 0) + row;
  };

  it.each([
    ["keras", ["x_train", "y_train", "x_test", "y_test"]],
    ["kmnist", ["train_imgs", "train_labels", "test_imgs", "test_labels"]],
    ["camel", ["XTrain", "yTrain", "XTest", "yTest"]],
    ["joined", ["xtrain", "ytrain", "xtest", "ytest"]],
  ])("of .npz with the names of %s", async (_, [x, y, xTest, yTest]) => {
    const entries = [
      [x, train()],
      [y, classes()],
      [xTest, train(18, 6)],
      [yTest, classes(18, 6)],
    ] as const;
    write("data.npz", encodeZip(entries.map(([name, content]) => [`${name}.npy`, content])));
    const data = await load("data.npz");
    expectAll(data, { numberOf: numberOf({ test: 18 }) });
    expect([data.test.count, data.notes]).toEqual([6, []]);
  });

  it("of .npz with the names of MedMNIST", async () => {
    const column = (first: number, count: number) => classes(first, count, "|u1", `(${count}, 1)`);
    const entries = [
      ...[
        ["train_images", train(0, 14)],
        ["val_images", train(14, 4)],
        ["test_images", train(18, 6)],
      ],
      ...[
        ["train_labels", column(0, 14)],
        ["val_labels", column(14, 4)],
        ["test_labels", column(18, 6)],
      ],
    ] as [string, Uint8Array][];
    write("medmnist.npz", encodeZip(entries.map(([name, content]) => [`${name}.npy`, content])));
    const data = await load("medmnist.npz");
    expectAll(data, { numberOf: numberOf({ validation: 14, test: 18 }) });
    expect(counts(data)).toEqual([14, 4, 6]);
  });

  it("of two .npz, as KMNIST has them", async () => {
    write("data/kmnist-train-imgs.npz", encodeZip([["arr_0.npy", train()]]));
    write("data/kmnist-train-labels.npz", encodeZip([["arr_0.npy", classes()]]));
    write("data/kmnist-test-imgs.npz", encodeZip([["arr_0.npy", train(18, 6)]]));
    write("data/kmnist-test-labels.npz", encodeZip([["arr_0.npy", classes(18, 6)]]));
    expectAll(await load("data"), { numberOf: numberOf({ test: 18 }) });
    write(
      "two.npz",
      encodeZip([
        ["arr_0.npy", typed("|u1", images())],
        ["arr_1.npy", classes(0, 24)],
      ]),
    );
    expectAll(await load("two.npz"));
  });

  it("of .npy with labels beside them, as a folder and as a file", async () => {
    write("data/x_train.npy", typed("|u1", images()));
    write("data/y_train.npy", classes(0, 24));
    expectAll(await load("data"));
    expectAll(await load("data/x_train.npy"));
    write("plain/digits.npy", typed("|u1", images()));
    write("plain/labels.npy", classes(0, 24));
    expectAll(await load("plain"));
  });

  it("with one-hot labels and QMNIST's", async () => {
    const oneHot = labels().flatMap((label) => (label ? [0, 1] : [1, 0]));
    write("data/x_train.npy", typed("|u1", images()));
    write("data/y_train.npy", typed("<f4", oneHot, "(24, 2)"));
    expectAll(await load("data"));
    const rows = labels().flatMap((label) => [label, 4, 99, 7, 0, 0, 0, 0]);
    const bytes = new DataView(new ArrayBuffer(12 + 4 * rows.length));
    [0x0c02, 24, 8, ...rows].forEach((value, i) => {
      bytes.setInt32(4 * i, value);
    });
    write("qmnist/qmnist-train-labels-idx2-int", new Uint8Array(bytes.buffer));
    write("qmnist/train-images-idx3-ubyte", idx([24, 8, 8], images()));
    expectAll(await load("qmnist"));
    write("data/y_train.npy", typed("<f4", oneHot.fill(0.5), "(24, 2)"));
    const data = await load("data");
    expectAll(data, { hasLabels: false });
    expect(data.notes[0]).toMatch(/y_train\.npy are ignored: their shape is \(24, 2\), and one class/);
  });

  it("of IDX beside folders of the same names", async () => {
    for (const [part, first, count] of [
      ["train", 0, 18],
      ["t10k", 18, 6],
    ] as const) {
      write(`data/${part}-images.idx3-ubyte`, idx([count, 8, 8], images(first, count)));
      write(
        `data/${part}-images-idx3-ubyte/${part}-images-idx3-ubyte`,
        idx(
          [count, 8, 8],
          images()
            .slice(0, 64 * count)
            .fill(9),
        ),
      );
    }
    const data = await load("data");
    expectAll(data, { hasLabels: false, numberOf: numberOf({ test: 18 }) });
    expect(data.notes[0]).toMatch(/^Not used: t10k-images-idx3-ubyte\/t10k-/);
    rmSync(at("data/train-images.idx3-ubyte"));
    rmSync(at("data/t10k-images.idx3-ubyte"));
    expect((await load("data")).train.pixels.read([0])[0]).toBe(9);
  });

  it("of Kaggle's CSV, with a header or without, with semicolons, compressed", async () => {
    const rows = range(0, COUNT);
    const header = ["label", ...Array.from({ length: PIXELS }, (_, i) => `pixel${i}`)];
    const lines = Array.from(rows, (i) => [i % 2, ...image(i)]);
    write("with.csv", [header, ...lines].map((line) => line.join(",")).join("\n"));
    write("without.csv", lines.map((line) => line.join(",")).join("\n"));
    write(
      "other.csv",
      [["", ...header], ...lines.map((line, i) => [i, ...line])].map((line) => line.join(";")).join("\r\n"),
    );
    write("packed.csv.gz", gzipSync(lines.map((line) => line.join(",")).join("\n")));
    for (const name of ["with.csv", "without.csv", "other.csv", "packed.csv.gz"]) expectAll(await load(name));
    const fer = Array.from(rows, (i) => `${i % 2},"${image(i).join(" ")}",${i < 18 ? "Training" : "PublicTest"}`);
    write("fer.csv", ["emotion,pixels,Usage", ...fer].join("\n"));
    expectAll(await load("fer.csv"), { numberOf: numberOf({ test: 18 }) });
    write(
      "named.csv",
      [["label", "file", ...header.slice(1)], ...lines.map(([label, ...rest], i) => [label, `f${i}`, ...rest])]
        .map((line) => line.join(","))
        .join("\n"),
    );
    const named = await load("named.csv");
    expectAll(named);
    expect(named.notes).toEqual([`Columns of text in ${at("named.csv")} are ignored: file.`]);
  });

  it("of CSV that pandas or NumPy wrote without names", async () => {
    const rows = range(0, COUNT);
    const join = (lines: readonly (readonly (string | number)[])[]) => lines.map((line) => line.join(",")).join("\n");
    const plain = Array.from(rows, (i) => image(i));
    const numbered = Array.from({ length: PIXELS }, (_, i) => i);
    write("numbered.csv", join([numbered, ...plain]));
    const data = await load("numbered.csv");
    expectAll(data, { hasLabels: false, numberOf: (set, i) => set.origin?.(i).row ?? 0 });
    expect(data.notes).toEqual([`The first line of ${at("numbered.csv")} is read as names of columns.`]);
    write("index.csv", join(plain.map((line, i) => [i, ...line])));
    expectAll(await load("index.csv"), { hasLabels: false });
    write("last.csv", join(plain.map((line, i) => [...line, i % 2])));
    expectAll(await load("last.csv"));
    write("last.txt", plain.map((line, i) => [...line, i % 2].join(" ")).join("\n"));
    expectAll(await load("last.txt"));
    write("both.csv", join(plain.map((line, i) => [i % 2, ...line.slice(1), i % 2])));
    await expect(load("both.csv")).rejects.toThrow(
      'Add a first line with names of the columns, where "label" names the labels.',
    );
    const header = Array.from({ length: PIXELS }, (_, i) => `pixel${i}`);
    write("odd.csv", join([["ImageNo", "kind", ...header], ...plain.map((line) => [1, 1, ...line])]));
    await expect(load("odd.csv")).rejects.toThrow(
      'has columns that are no pixels: ImageNo, kind. Name the labels "label"',
    );
    write("digit.csv", join([["image_id", "digit", ...header], ...plain.map((line, i) => [i, i % 2, ...line])]));
    expectAll(await load("digit.csv"));
  });

  it("of .npz with other arrays", async () => {
    const pack = (entries: Record<string, Uint8Array>) =>
      encodeZip(Object.entries(entries).map(([name, content]) => [`${name}.npy`, content]));
    const index = typed("<i4", numbers(0, 24), "(24,)");
    const scalar = typed("<i4", [28], "()");
    write(
      "a.npz",
      pack({ index, height: scalar, class_ids: typed("<i4", [3, 4], "(2,)"), data: typed("|u1", images()) }),
    );
    const data = await load("a.npz");
    expectAll(data, { hasLabels: false });
    expect(data.notes).toEqual([`Not used of ${at("a.npz")}: index, height, class_ids.`]);
    const noisy = typed("|u1", images().fill(0));
    write("b.npz", pack({ x_train_noisy: noisy, x_train: typed("|u1", images()), y_train: classes(0, 24) }));
    expectAll(await load("b.npz"));
    write("c.npz", pack({ masks: noisy, photos: noisy }));
    await expect(load("c.npz")).rejects.toThrow(
      "holds several arrays of images: masks, photos. Save the right one alone.",
    );
    const text = npy("<U3", "(24,)", new Uint8Array(24 * 12));
    write("d.npz", pack({ x_train: typed("|u1", images()), y_train: text }));
    const unlabelled = await load("d.npz");
    expectAll(unlabelled, { hasLabels: false });
    expect(unlabelled.notes[0]).toMatch(/^Ignored: .*d\.npz\/y_train holds texts, not numbers/);
    const damaged = pack({ x_train: typed("|u1", images()), x_test: typed("|u1", images()) });
    damaged[damaged.length - 400] ^= 1;
    write("e.npz", damaged);
    await expect(load("e.npz")).rejects.toThrow("e.npz");
  });

  it("with labels of another data set, or in tables", async () => {
    write("data/a_train_images.npy", typed("|u1", images()));
    write("data/b_train_labels.npy", classes(0, 24));
    expectAll(await load("data"), { hasLabels: false });
    write("table/x_train.npy", typed("|u1", images()));
    write("table/y_train.csv", ["id,label", ...labels().map((label, i) => `${i},${label}`)].join("\n"));
    expectAll(await load("table"));
    write("table/y_train.csv", labels().join("\n"));
    expectAll(await load("table"));
    write("beside/data.npy", typed("|u1", images()));
    write("beside/targets.npy", classes(0, 24));
    expectAll(await load("beside/data.npy"));
    const eight = labels().flatMap((label) => [1 - label, label, 0, 0, 0, 0, 0, 0]);
    write("beside/targets.npy", typed("<i4", eight, "(24, 8)"));
    expectAll(await load("beside"));
  });

  it("prefers val to dev", async () => {
    write("data/x_train.npy", train());
    write("data/x_dev.npy", typed("|u1", images(0, 6).fill(0), "(6, 8, 8)"));
    write("data/x_val.npy", train(18, 6));
    const { validation } = await load("data");
    expect(validation.count).toBe(6);
    expect([...validation.pixels.read([0])]).toEqual(image(18 + (validation.origin?.(0).row ?? 0)));
  });

  it("of .amat, binarized or with a last column of labels", async () => {
    const bit = (i: number, row: number, column: number) => (pixel(i, row, column) >= 128 ? 255 : 0);
    const lines = Array.from(range(0, COUNT), (i) =>
      image(i, bit)
        .map((value) => value / 255)
        .join(" "),
    );
    write("binarized.amat", lines.join("\n"));
    expectAll(await load("binarized.amat"), { of: bit, hasLabels: false });
    for (const [split, first, count] of [
      ["train", 0, 14],
      ["valid", 14, 4],
      ["test", 18, 6],
    ] as const) {
      write(`folder/binarized_mnist_${split}.amat`, lines.slice(first, first + count).join("\n"));
    }
    const folder = await load("folder");
    expectAll(folder, { of: bit, hasLabels: false, numberOf: numberOf({ validation: 14, test: 18 }) });
    const floats = Array.from(range(0, COUNT), (i) =>
      [...image(i).map((value) => value / 255), i % 2].map((value) => value.toExponential(7)).join("   "),
    );
    write("rotated.amat", floats.map((line) => `   ${line}`).join("\n"));
    expectAll(await load("rotated.amat"));
  });

  it("of several data sets in one folder are told apart", async () => {
    for (const name of ["letters", "digits"]) {
      write(`data/emnist-${name}-train-images-idx3-ubyte`, idx([24, 8, 8], images()));
      write(`data/emnist-${name}-test-images-idx3-ubyte`, idx([24, 8, 8], images()));
    }
    await expect(load("data")).rejects.toThrow(
      "holds several data sets: emnist-digits-train-images-idx3-ubyte, emnist-letters-train-images-idx3-ubyte. Give the path of one.",
    );
  });

  it.each([
    ["<!DOCTYPE html><html><body>404</body></html>", "is a web page"],
    ["version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is a Git LFS pointer"],
    ["\x89HDF\r\n\x1a\n", "is an HDF5 file"],
    ["MATLAB 5.0 MAT-file, Platform: GLNXA64", "MATLAB"],
    [`PK\x03\x04${"\0".repeat(22)}\x10\0\0\0archive/data.pkl`, "PyTorch"],
  ])("that are something else are named: %j", async (content, problem) => {
    write("train-images-idx3-ubyte", Buffer.concat([Buffer.from(content, "latin1"), Buffer.alloc(200)]));
    await expect(load("train-images-idx3-ubyte")).rejects.toThrow(problem);
  });
});

describe("Parquet files", () => {
  /** Copies files that test/fixtures/parquet/make.py wrote, each of all 24 images. */
  function copy(files: Record<string, string>): void {
    rmSync(at("data"), { recursive: true, force: true });
    mkdirSync(at("data"));
    for (const [place, fixture] of Object.entries(files)) {
      copyFileSync(path.join(import.meta.dirname, `../fixtures/parquet/${fixture}.parquet`), at("data", place));
    }
  }
  /** Checks that image i of each split has the class of this name. */
  function expectNames(data: Dataset, nameOf: (i: number) => string): void {
    for (const split of SPLITS) {
      const { count, labels, origin } = data[split];
      const names = Array.from(range(0, count), (i) => data.classes?.[labels?.[i] ?? -1]);
      expect(names).toEqual(Array.from(range(0, count), (i) => nameOf((origin?.(i).row as number) % COUNT)));
    }
  }
  const petOf = (i: number) => ["cat", "dog"][i % 2];

  it("have texts as classes, in the order of their names", async () => {
    copy({ "train.parquet": "texts" });
    const data = await load("data");
    expect([data.classes, data.notes]).toEqual([["cat", "dog"], []]);
    expectNames(data, (i) => ["dog", "cat"][i % 2]);
    const cats = await load("data", { classes: ["cat"] });
    expect(counts(cats).reduce((a, b) => a + b)).toBe(12);
  });

  it.each([
    [{ "train.parquet": "snappy", "test.parquet": "swapped" }, ["cat", "dog"]],
    [{ "train.parquet": "swapped", "test.parquet": "snappy" }, ["dog", "cat"]],
    [{ "train.parquet": "snappy", "test.parquet": "more" }, ["cat", "dog", "bird"]],
    [{ "train.parquet": "more", "validation.parquet": "swapped", "test.parquet": "snappy" }, ["bird", "dog", "cat"]],
    [{ "train-00000-of-00002.parquet": "swapped", "train-00001-of-00002.parquet": "snappy" }, ["dog", "cat"]],
    [{ "train.parquet": "pandas", "test.parquet": "snappy" }, ["cat", "dog"]],
  ])("are joined by the names of their classes: %j", async (files, classes) => {
    copy(files);
    const data = await load("data");
    expect([data.classes, data.notes]).toEqual([classes, []]);
    expectNames(data, petOf);
  });

  it("of texts are joined to one sorted list, after the names of metadata", async () => {
    copy({ "train.parquet": "texts", "test.parquet": "plain-texts" });
    const data = await load("data");
    expect(data.classes).toEqual(["bird", "cat", "dog"]);
    const { labels, origin } = data.train;
    expect([...(labels ?? [])]).toEqual(Array.from(labels ?? [], (_, i) => 2 - ((origin?.(i).row as number) % 2)));
    expect(data.test.labels).toBeUndefined();
    expect(data.notes).toEqual([`The labels of the test images of ${at("data")} are ignored: 4 of 24 have none.`]);
    copy({ "train.parquet": "swapped", "test.parquet": "plain-texts" });
    expect((await load("data")).classes).toEqual(["dog", "cat", "bird"]);
  });

  it.each([
    ["snappy", "thirds"],
    ["texts", "pandas"],
  ])("of names, %s, and of numbers that do not fit them, %s, are refused", async (names, numbers) => {
    copy({ "train.parquet": numbers, "test.parquet": names });
    const error = await load("data").catch((error) => error);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toBe(
      `${at("data/test.parquet")} has names of classes, and ${at("data/train.parquet")} numbers that do not tell ` +
        "the name. Save the names in all of these files, or in none.",
    );
  });

  it("of different names, and of numbers that would fit some of them, are refused", async () => {
    copy({ "train.parquet": "pandas", "validation.parquet": "swapped", "test.parquet": "snappy" });
    await expect(load("data")).rejects.toThrow("validation.parquet has names of classes, and ");
  });

  it("say which labels are ignored, in one sentence", async () => {
    copy({ "train.parquet": "halves", "validation.parquet": "halves", "test.parquet": "multiple" });
    const data = await load("data");
    expect([data.train.labels, data.validation.labels, data.test.labels?.length]).toEqual([undefined, undefined, 24]);
    expect(data.notes).toEqual([
      `In ${at("data/test.parquet")}, column label is ignored: it holds list<int64>, not one class for each image.`,
      `In ${at("data/train.parquet")} and 1 other file, column y is ignored: ` +
        "row 1 has 0.5, not a whole number from 0 to 65535.",
    ]);
    copy({ "train.parquet": "floats" });
    expect((await load("data")).notes).toEqual([
      `The labels of the train images of ${at("data")} are ignored: 1 of 24 have none.`,
    ]);
  });
});

describe("random splits", () => {
  it("of images sorted by class have all classes in proportion", async () => {
    const sorted = [...range(0, COUNT)].sort((a, b) => (a % 2) - (b % 2) || a - b);
    const pixels = sorted.flatMap((i) => image(i));
    write("data/train-images-idx3-ubyte", idx([24, 8, 8], pixels));
    write(
      "data/train-labels-idx1-ubyte",
      idx(
        [24],
        sorted.map((i) => i % 2),
      ),
    );
    write("data/t10k-images-idx3-ubyte", idx([24, 8, 8], pixels));
    write(
      "data/t10k-labels-idx1-ubyte",
      idx(
        [24],
        sorted.map((i) => i % 2),
      ),
    );
    const data = await load("data");
    const tally = ({ labels = new Uint16Array() }: ImageSet) =>
      [0, 1].map((label) => labels.filter((one) => one === label).length);
    expect([data.train, data.validation, data.test].map(tally)).toEqual([
      [11, 11],
      [1, 1],
      [12, 12],
    ]);
    const limited = await load("data", { limit: 8 });
    expect([tally(limited.train), tally(limited.test)]).toEqual([
      [3, 4],
      [4, 4],
    ]);
    await pngs("photos", 0, 24);
    expect([...((await load("photos", { limit: 10 })).train.labels ?? [])].sort()).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  });

  it("keep MNIST's own", async () => {
    const { train, validation, test } = await datasets.load("mnist");
    expect([train, validation, test].map((set) => set.origin?.(set.count - 1))).toEqual([
      { split: "train", row: 54_999 },
      { split: "train", row: 59_999 },
      { split: "test", row: 9_999 },
    ]);
  });
});

describe("datasets.load", () => {
  it.each(["8", 8, "8x8", [8, 8], { width: 8, height: 8 }])("takes a size as %j", async (size) => {
    write("x.npy", typed("|u1", images(), "(24, 64)"));
    expectAll(await load("x.npy", { size: size as "8" }), { hasLabels: false });
  });

  it.each([
    [{ size: [8] }, "The setting size is [8]."],
    [{ size: 0 }, "The setting size is 0."],
    [{ limit: -1 }, "The setting limit is -1."],
    [{ channels: 2 }, "The setting channels is 2."],
    [{ layout: "nchw" }, 'The setting layout is "nchw".'],
    [{ sizes: 8 }, 'There is no setting "sizes".'],
    [{ classes: "0" }, 'The setting classes is "0".'],
  ])("refuses %j", async (options, problem) => {
    write("x.npy", typed("|u1", images()));
    const error = await load("x.npy", options as object).then(undefined, (error) => error);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toContain(problem);
  });
});
