import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Dataset, loadDataset } from "../../src/data/dataset.js";
import { encodeZip } from "../../src/formats/zip.js";
import { idx } from "../fixtures/idx.js";
import { npy } from "../fixtures/npy.js";
import {
  at,
  COUNT,
  collect,
  expectAll,
  images,
  labels,
  load,
  PIXELS,
  pixel,
  SIDE,
  typed,
  useHome,
  write,
} from "./cases.js";

useHome();

describe("the layout of arrays", () => {
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

  it("has channels last or first, by the shape", async () => {
    write("last.npy", typed("|u1", all("nhwc"), "(24, 8, 8, 3)"));
    write("first.npy", typed("|u1", all("nchw"), "(24, 3, 8, 8)"));
    expectColours(await load("last.npy"));
    expectColours(await load("first.npy"));
    write("grey.npy", typed("|u1", images(), "(24, 1, 8, 8)"));
    expectAll(await load("grey.npy"), { hasLabels: false });
    write("both.npy", typed("|u1", images(0, 9), "(64, 3, 1, 3)"));
    await expect(load("both.npy")).rejects.toThrow("Give `layout: hwc` if the last axis is the channels");
  });

  it("must be given for colour images in rows", async () => {
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

  it("is refused with a remedy for images along the last axis, four channels, or one image", async () => {
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

  it("is refused for rows that may be columns", async () => {
    write("columns.npy", typed("|u1", new Array(784 * 100).fill(9), "(784, 100)"));
    await expect(load("columns.npy")).rejects.toThrow(
      "the images may be its columns. If so, save x.T; if not, give their `size`, such as `size: 10x10`.",
    );
    expect((await load("columns.npy", { size: 10 })).width).toBe(10);
    write("one.npy", typed("|u1", new Array(64 * 64).fill(9), "(64, 64)"));
    await expect(load("one.npy")).rejects.toThrow(
      "like one square image. If the rows are images, give their `size`, such as `size: 8x8`.",
    );
    write("slices.npy", typed("|u1", new Array(28 * 28 * 20).fill(9), "(28, 28, 20)"));
    await expect(load("slices.npy")).rejects.toThrow("save np.moveaxis(x, -1, 0). If not, give their `size: 20x28`.");
    expect((await load("slices.npy", { size: [20, 28] })).train.count).toBeGreaterThan(20);
  });

  it("is by columns for EMNIST, by its name", async () => {
    const columns = images(0, COUNT, (i, row, column) => pixel(i, column, row));
    write("data/emnist-tiny-train-images-idx3-ubyte", idx([24, 8, 8], columns));
    write("data/emnist-tiny-train-labels-idx1-ubyte", idx([24], labels()));
    const data = await load("data");
    expectAll(data);
    expect(data.notes[0]).toMatch(/is read by columns, like EMNIST\. Give `layout: hwc` to read it by rows\.$/);
    expectAll(await load("data/emnist-tiny-train-images-idx3-ubyte"));
    write("emnist-letters/train-images-idx3-ubyte", idx([24, 8, 8], columns));
    expectAll(await load("emnist-letters"), { hasLabels: false });
    const lines = labels().map((label, i) => [label, ...columns.slice(64 * i, 64 * i + 64)].join(","));
    write("emnist-letters-train.csv", lines.join("\n"));
    expectAll(await load("emnist-letters-train.csv"));
    write("plain.npy", typed("|u1", columns));
    expectAll(await load("plain.npy", { layout: "whc" }), { hasLabels: false });
  });

  it.each(["", ".gz"])("is by columns for EMNIST already when headers are checked: idx3-ubyte%s", async (ending) => {
    const bytes = idx([24, 4, 7], new Array(24 * 28).fill(9));
    for (const split of ["train", "test"]) {
      write(`data/emnist-tiny-${split}-images-idx3-ubyte${ending}`, ending ? gzipSync(bytes) : bytes);
    }
    const shapes: unknown[] = [];
    for (const place of ["data", `data/emnist-tiny-train-images-idx3-ubyte${ending}`]) {
      const { width, height } = await load(place, { size: "4x7" });
      expect([width, height]).toEqual([4, 7]);
      await loadDataset(at(place), { onShape: (shape) => shapes.push(shape) });
      await expect(load(place, { size: "7x4" })).rejects.toThrow("has images of 4×7, and arrays are not scaled to 7×4");
    }
    for (const shape of shapes) expect(shape).toEqual({ width: 4, height: 7, channels: 1 });
    expect(shapes.length).toBeGreaterThan(2);
  });
});
