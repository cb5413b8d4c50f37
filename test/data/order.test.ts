import { describe, expect, it } from "vitest";
import type { ImageSet } from "../../src/data/dataset.js";
import * as datasets from "../../src/data/datasets.js";
import { range } from "../../src/data/pixels.js";
import { idx } from "../fixtures/idx.js";
import { COUNT, image, load, pngs, useHome, write } from "./cases.js";

useHome();

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

  it("do not replace MNIST's own splits", async () => {
    const { train, validation, test } = await datasets.load("mnist");
    expect([train, validation, test].map((set) => set.origin?.(set.count - 1))).toEqual([
      { split: "train", row: 54_999 },
      { split: "train", row: 59_999 },
      { split: "test", row: 9_999 },
    ]);
  });
});
