import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf, type ImageSet, loadDataset } from "../../src/data/dataset.js";
import { range } from "../../src/data/pixels.js";
import { idx } from "../fixtures/idx.js";

const read = ({ pixels, count }: ImageSet) => pixels.read(range(0, count));

describe("MNIST", () => {
  it("has 55,000 images to train, 5,000 to validate and 10,000 to test", async () => {
    const { name, height, width, train, validation, test } = await loadDataset("mnist");
    expect([name, height, width]).toEqual(["mnist", 28, 28]);
    expect([train.count, validation.count, test.count]).toEqual([55_000, 5_000, 10_000]);
    expect([train.offset, validation.offset, test.offset]).toEqual([0, 55_000, 60_000]);
    for (const set of [train, validation, test]) expect(read(set)).toHaveLength(set.count * 784);
  });

  it("has training images of the well-known mean 0.1307 and deviation 0.3081", async () => {
    const { train, validation } = await loadDataset("mnist");
    let [sum, squares] = [0, 0];
    for (const set of [train, validation]) {
      for (const pixel of read(set)) {
        sum += pixel / 255;
        squares += (pixel / 255) ** 2;
      }
    }
    const mean = sum / (60_000 * 784);
    expect(mean).toBeCloseTo(0.1307, 4);
    expect(Math.sqrt(squares / (60_000 * 784) - mean ** 2)).toBeCloseTo(0.3081, 4);
  });
});

describe("MNIST's labels", () => {
  it("match the images: the test set begins with 7, 2, 1, 0, 4, and each digit is about a tenth", async () => {
    const { train, validation, test } = await loadDataset("mnist");
    expect([...(test.labels ?? [])].slice(0, 5)).toEqual([7, 2, 1, 0, 4]);
    for (const { labels, count } of [train, validation, test]) {
      expect(labels).toHaveLength(count);
      for (let digit = 0; digit < 10; digit++) {
        expect((labels as Uint16Array).filter((label) => label === digit).length / count).toBeCloseTo(0.1, 1);
      }
    }
  });
});

describe("a folder of IDX files", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "vae own digits "));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (name: string, shape: number[]) =>
    writeFileSync(
      path.join(folder, name),
      idx(
        shape,
        Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i % 256),
      ),
    );

  it("holds out the last twelfth of the training images", async () => {
    write("train-images-idx3-ubyte", [120, 2, 3]);
    write("t10k-images-idx3-ubyte", [5, 2, 3]);
    const { name, train, validation, test, height, width } = await loadDataset(folder);
    expect(name).toMatch(/^vae-own-digits-/);
    expect([height, width, train.count, validation.count, test.count]).toEqual([2, 3, 110, 10, 5]);
    expect(read(validation)[0]).toBe((110 * 6) % 256);
    expect([train.offset, validation.offset, test.offset]).toEqual([0, 110, 120]);
  });

  it("without test images holds out a seventh of all images", async () => {
    write("train-images-idx3-ubyte", [120, 2, 3]);
    const { train, validation, test } = await loadDataset(folder);
    expect([train.count, validation.count, test.count]).toEqual([94, 9, 17]);
    rmSync(path.join(folder, "train-images-idx3-ubyte"));
    write("t10k-images-idx3-ubyte", [5, 2, 3]);
    await expect(loadDataset(folder)).rejects.toThrow(
      "holds no file named for training images, such as x_train.npy: t10k-images-idx3-ubyte.",
    );
  });

  it("may hold compressed files, with a dot in their names", async () => {
    write("train-images-idx3-ubyte", [120, 2, 3]);
    write("t10k-images-idx3-ubyte", [5, 2, 3]);
    const plain = await loadDataset(folder);
    for (const name of ["train-images", "t10k-images"]) {
      const file = path.join(folder, `${name}-idx3-ubyte`);
      writeFileSync(path.join(folder, `${name}.idx3-ubyte.gz`), gzipSync(readFileSync(file)));
      rmSync(file);
    }
    expect(digestOf(await loadDataset(folder))).toBe(digestOf(plain));
  });

  it("is refused if sizes disagree", async () => {
    write("train-images-idx3-ubyte", [120, 2, 3]);
    write("t10k-images-idx3-ubyte", [5, 3, 2]);
    await expect(loadDataset(folder)).rejects.toThrow("are 3×2, but its test images 2×3");
  });

  it("is refused if too few images are left to train", async () => {
    write("train-images-idx3-ubyte", [1, 2, 3]);
    write("t10k-images-idx3-ubyte", [5, 2, 3]);
    await expect(loadDataset(folder)).rejects.toThrow(
      "too few images: 0 to train, 1 to validate, 5 to test. Each of these needs at least one.",
    );
  });

  it("may have labels, which are split with the images", async () => {
    write("train-images-idx3-ubyte", [120, 2, 3]);
    write("t10k-images-idx3-ubyte", [5, 2, 3]);
    expect((await loadDataset(folder)).test.labels).toBeUndefined();
    write("train-labels-idx1-ubyte", [120]);
    write("t10k-labels-idx1-ubyte", [5]);
    const { train, validation, test } = await loadDataset(folder);
    expect([train.labels?.length, validation.labels?.[0], [...(test.labels ?? [])]]).toEqual([
      110,
      110,
      [0, 1, 2, 3, 4],
    ]);
  });

  it("is refused if the numbers of labels and images differ", async () => {
    write("train-images-idx3-ubyte", [120, 2, 3]);
    write("t10k-images-idx3-ubyte", [5, 2, 3]);
    write("t10k-labels-idx1-ubyte", [6]);
    await expect(loadDataset(folder)).rejects.toThrow(/t10k-labels-idx1-ubyte holds 6 labels for 5 images\./);
  });
});
