// Folders of images: splits, classes, names and ignored files.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import * as datasets from "../../src/data/datasets.js";
import { idx } from "../fixtures/idx.js";
import {
  at,
  COUNT,
  collect,
  counts,
  expectAll,
  image,
  images,
  labels,
  load,
  numbers,
  png,
  pngs,
  SPLITS,
  splitOf,
  typed,
  useHome,
  write,
} from "./cases.js";

useHome();

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

  it("may be inside class folders", async () => {
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

  it("may have other names in each class folder", async () => {
    for (const [folder, first, count] of [
      ["0/Train", 0, 8],
      ["1/training", 8, 8],
      ["0/val", 16, 2],
      ["1/dev", 18, 2],
      ["0/set_test", 20, 2],
      ["0/test", 22, 2],
    ] as const) {
      await pngs(`data/${folder}`, first, count, false);
    }
    const data = await load("data");
    expect([splitOf(data, "train"), splitOf(data, "validation")]).toEqual([numbers(0, 16), numbers(16, 4)]);
    expect([splitOf(data, "test"), data.classes]).toEqual([
      [22, 23],
      ["0", "1"],
    ]);
    expect(data.notes).toEqual(["2 images not used, outside of train/, validation/, test/: 2 in 0/."]);
  });

  it("without a test folder, give a part of train to test, and validate on valid", async () => {
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

  it("note unused images in one sentence", async () => {
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
      "The folders testA, trainA, testB, trainB are splits of several data sets. Give the folder of one.",
    );
  });

  it("in a wrapping folder or in classes leave out other images there, with a note", async () => {
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

  it("may hold their images in a folder named images, which is not a class", async () => {
    for (const i of numbers(0, 16)) await png(`data/train/${i % 2}/images/${i}.png`, i);
    await pngs("data/val/images", 16, 8, false);
    const data = await load("data");
    expect([data.classes, data.validation.labels]).toEqual([["0", "1"], undefined]);
    await pngs("flat/train/images", 0, 16, false);
    expect((await load("flat")).classes).toBeUndefined();
  });

  it("are not assumed because of one class named train", async () => {
    for (const [folder, first] of [
      ["car", 0],
      ["plane", 8],
      ["train", 16],
    ] as const) {
      await pngs(`data/${folder}`, first, 8, false);
    }
    await expect(load("data")).rejects.toThrow(
      "has a folder train next to car, plane, which hold more images. Rename it if it is a class;",
    );
  });

  it("need training images", async () => {
    await pngs("data/val", 0, 12);
    await pngs("data/test", 12, 12);
    await expect(load("data")).rejects.toThrow("has folders of splits (test, val), but no training images.");
  });
});

describe("class folders", () => {
  it("may be inside a wrapping folder", async () => {
    await pngs("data/images", 0, 24);
    const data = await load("data");
    expectAll(data);
    expect(data.classes).toEqual(["0", "1"]);
  });

  it("next to loose images give no classes, with a note", async () => {
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

  it("are reported if their names are not UTF-8", async () => {
    await pngs("data", 0, 24);
    writeFileSync(Buffer.concat([Buffer.from(`${at("data")}/0/`), Buffer.of(0xff), Buffer.from(".png")]), "");
    await expect(load("data")).rejects.toThrow("its name is not UTF-8: rename it");
    expectAll(await load("data", { skipBad: true }));
  });

  it("skip folders of thumbnails, and count their files", async () => {
    await pngs("data", 0, 24);
    for (const folder of ["@eaDir", "0/.thumbnails", "1/__MACOSX"]) await png(`data/${folder}/x/99.png`, 99);
    const data = await load("data");
    expectAll(data);
    expect(data.notes).toEqual(["3 files in folders of thumbnails and metadata ignored."]);
  });
});

describe("ignored files", () => {
  it("are counted by their extensions", async () => {
    await pngs("data", 0, 12, false);
    for (let i = 12; i < 16; i++) write(`data/${i}.HEIC`, "x");
    write("data/notes.txt", "");
    const data = await load("data");
    expectAll(data, { hasLabels: false, count: 12 });
    expect(data.notes).toEqual(["5 files ignored: 4 .HEIC (magick mogrify -format png *.HEIC), 1 .txt."]);
  });

  it("are named if there are no images", async () => {
    for (let i = 0; i < COUNT; i++) {
      write(`data/a/b/${i}.pgm`, Buffer.concat([Buffer.from("P5 8 8 255\n"), Buffer.from(image(i))]));
    }
    write("data/all.zip", "PK");
    await expect(load("data")).rejects.toThrow(
      "holds no images: only 24 .pgm (magick mogrify -format png *.pgm), 1 .zip (unpack first). " +
        "Image files end in .avif, ",
    );
    mkdirSync(at("empty/inner"), { recursive: true });
    await expect(load("empty")).rejects.toThrow("holds no images: it and its sub-folders are empty.");
  });

  it("do not include images that sharp decodes, with extensions in upper or lower case", async () => {
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

  it("are recognized by content despite an image's extension", async () => {
    await pngs("data", 0, 12, false);
    write("data/page.png", "<!DOCTYPE html><html></html>");
    write("data/pointer.jpg", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
    write("data/phone.jpg", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"));
    const { bad } = await datasets.inspect(at("data"));
    const reasons = new Map(bad.map(({ file, why }) => [file, why]));
    expect(reasons.get("page.png")).toMatch(/^it is a web page/);
    expect(reasons.get("pointer.jpg")).toMatch(/^it is a Git LFS pointer.*git lfs pull/);
    expect(reasons.get("phone.jpg")).toMatch(/^it is an? HEIC image/);
  });
});

describe("a folder of images and arrays", () => {
  const array = () => typed("|u1", images());

  it("is a data set of arrays if their names say so", async () => {
    for (let i = 0; i < 4; i++) await png(`data/plot-${i}.png`, i);
    write("data/MNIST/raw/train-images-idx3-ubyte", idx([24, 8, 8], images()));
    const data = await load("data");
    expectAll(data, { hasLabels: false });
    expect(data.notes).toEqual(["4 files ignored: 4 .png."]);
  });

  it("is a data set of images if the arrays are labels or tables", async () => {
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

  it("is not taken for a run because of a class named checkpoint", async () => {
    await pngs("data/checkpoint", 0, 12, false);
    await pngs("data/other", 12, 12, false);
    write("data/config.json", "{}");
    expect((await load("data")).classes).toEqual(["checkpoint", "other"]);
  });
});
