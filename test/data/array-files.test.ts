// Data sets in files of arrays and tables: names, labels, splits and options.
import { rmSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { ImageSet } from "../../src/data/dataset.js";
import { range } from "../../src/data/pixels.js";
import { UserError } from "../../src/errors.js";
import { encodeZip } from "../../src/formats/zip.js";
import { idx } from "../fixtures/idx.js";
import { npy } from "../fixtures/npy.js";
import {
  at,
  COUNT,
  counts,
  expectAll,
  image,
  images,
  labels,
  load,
  numbers,
  PIXELS,
  pixel,
  typed,
  useHome,
  write,
} from "./cases.js";

useHome();

describe("a data set of arrays or tables", () => {
  const train = (first = 0, count = 18) => typed("|u1", images(first, count), `(${count}, 8, 8)`);
  const classes = (first = 0, count = 18, type = "<i4", shape = `(${count},)`) =>
    typed(type, labels(first, count), shape);
  /** The number of an image: row i of train is image i, row i of validation and test is image first + i. */
  const numberOf = (firsts: Record<string, number>) => (set: ImageSet, i: number) => {
    const { split = "train", row = 0 } = set.origin?.(i) ?? {};
    return (firsts[split] ?? 0) + row;
  };

  it("does not take the internal options of a run", async () => {
    // @ts-expect-error: no public option
    await expect(load("x.npy", { scales: {} })).rejects.toThrow('Unknown setting "scales".');
    // @ts-expect-error: no public option
    await expect(load("x.npy", { onShape: () => {} })).rejects.toThrow('Unknown setting "onShape".');
  });

  it.each(["", ".gz"])("is refused if it holds only labels, whatever their shape: .npy%s", async (ending) => {
    const save = (place: string, bytes: Uint8Array) => write(place + ending, ending ? gzipSync(bytes) : bytes);
    save("y_train.npy", typed("|u1", new Array(240).fill(0), "(24, 10)"));
    await expect(load(`y_train.npy${ending}`)).rejects.toThrow(/^\S+ holds labels, but no images\.$/);
    save("names/x_train.npy", train());
    save("names/y_train.npy", typed("|u1", new Array(180).fill(0), "(18, 10)"));
    expect(await load("names", { size: 8 })).toMatchObject({ width: 8, height: 8 });
    save("x.npy", typed("|u1", new Array(24).fill(0), "(24,)"));
    await expect(load(`x.npy${ending}`)).rejects.toThrow(`x.npy${ending} has the shape (24). Images are [N, `);
  });

  it.each(["", ".gz"])("is refused if its splits differ in size, whatever the options: .npy%s", async (ending) => {
    const save = (place: string, bytes: Uint8Array) => write(place + ending, ending ? gzipSync(bytes) : bytes);
    save("data/x_train.npy", typed("|u1", new Array(24 * 49).fill(9), "(24, 7, 7)"));
    save("data/x_test.npy", typed("|u1", images()));
    for (const options of [{}, { size: 7 }, { size: 8 }, { size: 9 }, { channels: 3 }] as const) {
      await expect(load("data", options)).rejects.toThrow(
        /^The train images of \S+ are 7×7, but its test images 8×8\. They must have the same size\.$/,
      );
    }
  });

  it.each([
    ["keras", ["x_train", "y_train", "x_test", "y_test"]],
    ["kmnist", ["train_imgs", "train_labels", "test_imgs", "test_labels"]],
    ["camel", ["XTrain", "yTrain", "XTest", "yTest"]],
    ["joined", ["xtrain", "ytrain", "xtest", "ytest"]],
  ])("may be an .npz file with the names of %s", async (_, [x, y, xTest, yTest]) => {
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

  it("may be an .npz file with the names of MedMNIST", async () => {
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

  it("may be several .npz files, like KMNIST", async () => {
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

  it("may be .npy files with labels in other files, given as a folder or as a file", async () => {
    write("data/x_train.npy", typed("|u1", images()));
    write("data/y_train.npy", classes(0, 24));
    expectAll(await load("data"));
    expectAll(await load("data/x_train.npy"));
    write("data/x_test.npy", train(18, 6));
    expect((await load("data/x_train.npy")).notes).toEqual([
      "Not used: x_test.npy. Give the folder instead of the file to use all splits.",
    ]);
    write("plain/digits.npy", typed("|u1", images()));
    write("plain/labels.npy", classes(0, 24));
    expectAll(await load("plain"));
  });

  it("may have one-hot labels, or QMNIST's", async () => {
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
    expect(data.notes[0]).toMatch(
      /y_train\.npy are ignored: their shape is \(24, 2\), which is not one class for each image/,
    );
  });

  it("may be IDX files next to folders of the same names", async () => {
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

  it("may be Kaggle's CSV, with or without a header, with semicolons, or compressed", async () => {
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

  it("may be CSV without names, written by pandas or NumPy", async () => {
    const rows = range(0, COUNT);
    const join = (lines: readonly (readonly (string | number)[])[]) => lines.map((line) => line.join(",")).join("\n");
    const plain = Array.from(rows, (i) => image(i));
    const numbered = Array.from({ length: PIXELS }, (_, i) => i);
    write("numbered.csv", join([numbered, ...plain]));
    const data = await load("numbered.csv");
    expectAll(data, { hasLabels: false, numberOf: (set, i) => set.origin?.(i).row ?? 0 });
    expect(data.notes).toEqual([`The first line of ${at("numbered.csv")} is read as column names.`]);
    write("index.csv", join(plain.map((line, i) => [i, ...line])));
    expectAll(await load("index.csv"), { hasLabels: false });
    write("last.csv", join(plain.map((line, i) => [...line, i % 2])));
    expectAll(await load("last.csv"));
    write("last.txt", plain.map((line, i) => [...line, i % 2].join(" ")).join("\n"));
    expectAll(await load("last.txt"));
    write("both.csv", join(plain.map((line, i) => [i % 2, ...line.slice(1), i % 2])));
    await expect(load("both.csv")).rejects.toThrow('Add a first line of column names, and name the labels "label".');
    const header = Array.from({ length: PIXELS }, (_, i) => `pixel${i}`);
    write("odd.csv", join([["ImageNo", "kind", ...header], ...plain.map((line) => [1, 1, ...line])]));
    await expect(load("odd.csv")).rejects.toThrow(
      'has columns that are not pixels: ImageNo, kind. Name the labels "label"',
    );
    write("digit.csv", join([["image_id", "digit", ...header], ...plain.map((line, i) => [i, i % 2, ...line])]));
    expectAll(await load("digit.csv"));
  });

  it("may be an .npz file that holds other arrays, too", async () => {
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
    expect(data.notes).toEqual([`Not used in ${at("a.npz")}: index, height, class_ids.`]);
    const noisy = typed("|u1", images().fill(0));
    write("b.npz", pack({ x_train_noisy: noisy, x_train: typed("|u1", images()), y_train: classes(0, 24) }));
    expectAll(await load("b.npz"));
    write("c.npz", pack({ masks: noisy, photos: noisy }));
    await expect(load("c.npz")).rejects.toThrow("holds several arrays of images: masks, photos. Save only one.");
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

  it("may have labels in tables, but none of another data set", async () => {
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

  it("may be .amat files, binarized or with a last column of labels", async () => {
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

  it("is refused if the folder holds several data sets", async () => {
    for (const name of ["letters", "digits"]) {
      write(`data/emnist-${name}-train-images-idx3-ubyte`, idx([24, 8, 8], images()));
      write(`data/emnist-${name}-test-images-idx3-ubyte`, idx([24, 8, 8], images()));
    }
    await expect(load("data")).rejects.toThrow(
      "holds several data sets: emnist-digits-train-images-idx3-ubyte, emnist-letters-train-images-idx3-ubyte. " +
        "Give the path of one.",
    );
  });

  it.each([
    ["<!DOCTYPE html><html><body>404</body></html>", "is a web page"],
    ["version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is a Git LFS pointer"],
    ["\x89HDF\r\n\x1a\n", "is an HDF5 file"],
    ["MATLAB 5.0 MAT-file, Platform: GLNXA64", "MATLAB"],
    [`PK\x03\x04${"\0".repeat(22)}\x10\0\0\0archive/data.pkl`, "PyTorch"],
  ])("is refused with the format's name if it is something else: %j", async (content, problem) => {
    write("train-images-idx3-ubyte", Buffer.concat([Buffer.from(content, "latin1"), Buffer.alloc(200)]));
    await expect(load("train-images-idx3-ubyte")).rejects.toThrow(problem);
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
    [{ sizes: 8 }, 'Unknown setting "sizes".'],
    [{ classes: "0" }, 'The setting classes is "0".'],
  ])("refuses %j", async (options, problem) => {
    write("x.npy", typed("|u1", images()));
    const error = await load("x.npy", options as object).then(undefined, (error) => error);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toContain(problem);
  });
});
