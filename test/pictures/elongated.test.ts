// Pictures of images with one much longer side, such as signals: bounded in size, and visible.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as datasets from "../../src/data/datasets.js";
import { UserError } from "../../src/errors.js";
import { drawImages, toPictures } from "../../src/inference/drawing.js";
import { comparisonFigure, interpolationFigure, progressFigure, squareFigure } from "../../src/pictures/figures.js";
import { drawGrid, maxTiles, type Picture } from "../../src/pictures/grid.js";
import { at, crop, find } from "./reading.js";

describe("pictures of tall and wide images", () => {
  const grey = (width: number, height: number, value: (x: number, y: number) => number) =>
    Uint8Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width)));
  const blank = (count: number, width: number, height: number, channels = 1) => ({
    pixels: new Float32Array(count * width * height * channels),
    width,
    height,
    channels,
  });

  it("magnify a thin side to several pixels, each source pixel equally", () => {
    const signal = drawGrid([[grey(1, 4096, (_, y) => y % 251)]], { width: 1, height: 4096, channels: 1 });
    expect([signal.width, signal.height]).toEqual([2 + 16 + 2, 2 + 4096 + 2]);
    for (const y of [0, 1, 250, 4095]) {
      for (const x of [2, 17]) expect(at(signal, x, 2 + y)).toBe(y % 251);
    }
    const lines = drawGrid([[grey(500, 3, (_, y) => [10, 20, 30][y])]], { width: 500, height: 3, channels: 1 });
    expect([lines.width, lines.height]).toEqual([504, 4 + 18]);
    expect([2, 7, 8, 13, 14, 19].map((y) => at(lines, 250, y))).toEqual([10, 10, 20, 20, 30, 30]);
  });

  it("magnify the longer side at most as far as that of a square image", () => {
    const size = ({ width, height }: Picture) => [width - 4, height - 4];
    const draw = (width: number, height: number) =>
      size(drawGrid([[new Uint8Array(width * height)]], { width, height, channels: 1 }));
    expect([draw(1, 1), draw(28, 28), draw(20, 28), draw(28, 20)]).toEqual([
      [96, 96],
      [84, 84],
      [60, 84],
      [84, 60],
    ]);
    expect([draw(3, 12), draw(1, 48)]).toEqual([
      [24, 96],
      [16, 96],
    ]);
  });

  it("average the source pixels of reduced tiles, channel by channel", () => {
    // 64 rows of at most 253 pixels and their gutters fit the 16,384 pixels of a side.
    const stripes = Uint8Array.from({ length: 512 * 512 * 3 }, (_, i) => {
      const [channel, x] = [i % 3, Math.floor(i / 3) % 512];
      return channel === 0 ? (x % 2) * 100 : channel === 1 ? 40 : 200 - (x % 2) * 60;
    });
    const picture = drawGrid(
      Array.from({ length: 64 }, () => [stripes]),
      { width: 512, height: 512, channels: 3 },
    );
    expect(picture.height).toBeLessThanOrEqual(16_384);
    expect(picture.height).toBeGreaterThan(16_000);
    const side = picture.width - 4;
    expect(side).toBeLessThan(256);
    const middle = ((2 + 100) * picture.width + 2) * 3;
    const means = [0, 1, 2].map((channel) => {
      const row = Array.from({ length: side }, (_, x) => picture.pixels[middle + 3 * x + channel]);
      return row.reduce((sum, value) => sum + value, 0) / side;
    });
    expect(Math.abs(means[0] - 50)).toBeLessThan(1);
    expect(means[1]).toBe(40);
    expect(Math.abs(means[2] - 170)).toBeLessThan(1);
  });

  it("average groups of pixels if the factor is a whole number", () => {
    // Two tiles of 8192 pixels share a row of 8192, so each drawn pixel is the mean of two.
    const ramp = grey(8192, 1, (x) => (x * 7) % 256);
    const { width, pixels } = drawGrid([[ramp, ramp]], { width: 8192, height: 1, channels: 1 });
    expect(width).toBe(2 + 4096 + 2 + 4096 + 2);
    const row = pixels.subarray(2 * width + 2, 2 * width + 2 + 4096);
    for (const x of [0, 1, 18, 4095]) {
      expect(Math.abs(row[x] - (((14 * x) % 256) + ((14 * x + 7) % 256)) / 2)).toBeLessThanOrEqual(0.5);
    }
  });

  it("are near-square if the number of images allows", () => {
    const sizes = fc.constantFrom([1, 4096], [4096, 1], [2, 3000], [16, 64], [64, 16], [1, 784], [5, 11]);
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 3 }), (size, n, versions) => {
        const [width, height] = size;
        const count = Math.min(
          n,
          Math.floor(maxTiles({ width, height, channels: 1 }) / versions),
          2e6 / width / height,
        );
        const images = blank(Math.max(1, Math.floor(count)), width, height);
        const figures = [
          squareFigure(images),
          comparisonFigure(["input", "noisy", "output"].slice(0, versions).map((label) => ({ label, images }))),
        ];
        const long = Math.max(width, height);
        for (const { width, height } of figures) {
          const isSquare = Math.max(width / height, height / width) < 3;
          // One row of all tiles would be longer.
          const isShort = Math.max(width, height) < versions * Math.max(100, long) + 100;
          expect(isSquare || isShort).toBe(true);
        }
      }),
      { numRuns: 10 },
    );
  });

  it("have bounded sides for any images and layout", () => {
    const sides = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 4096 }), fc.constant(4096));
    const counts = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 1200 }));
    fc.assert(
      fc.property(
        sides,
        sides,
        fc.constantFrom(1, 3),
        counts,
        counts,
        fc.boolean(),
        (width, height, channels, r, c, l) => {
          fc.pre(width * height <= 10_000);
          const tile = new Uint8Array(width * height * channels);
          const row = Array(Math.max(1, Math.floor(c / Math.max(1, (r * c) / 1500)))).fill(tile);
          const labels = l ? Array.from({ length: r }, (_, i) => `epoch ${i}`) : [];
          const picture = drawGrid(
            Array.from({ length: r }, () => row),
            { width, height, channels, labels, columnLabels: row.map((_, i) => `${i}`) },
          );
          expect(Math.max(picture.width, picture.height)).toBeLessThanOrEqual(16_384);
          expect(picture.pixels.length).toBeLessThanOrEqual(2 ** 27);
          expect(picture.pixels.length).toBe(picture.width * picture.height * channels);
        },
      ),
      { numRuns: 5 },
    );
  });

  it("label each row of progress, and both ends of a short interpolation between signals", () => {
    const images = blank(20, 1, 4096);
    const labels = Array.from({ length: 12 }, (_, i) => (i === 0 ? "input" : `epoch ${i}`));
    const { width, height } = progressFigure(labels.map((label) => ({ label, images })));
    expect(height).toBeLessThan(8500);
    expect(width).toBeLessThan(600);
    const wide = progressFigure(labels.map((label) => ({ label, images: blank(20, 4096, 1) })));
    expect(wide.width).toBeLessThan(8500);
    for (const label of labels) expect(find(crop(wide, 0, 0, 120, wide.height), label).length).toBeGreaterThan(0);
    const way = interpolationFigure(blank(4, 1, 100), 4);
    expect(find(way, "input")).toHaveLength(2);
  });

  it.each([
    [1, 2, 5000],
    [1, 5000, 2],
    [2, 1, 100_000],
    [1, 5000, 200, 3],
  ])("of sides above 4096 are drawn: %o", (...shape) => {
    const [count, height, width, channels = 1] = shape;
    const images = { data: new Float32Array(shape.reduce((a, b) => a * b)).fill(1), shape };
    const single = toPictures(images);
    expect(single.map((picture) => [picture.width, picture.height])).toEqual(Array(count).fill([width, height]));
    const grid = drawImages(images);
    expect(grid.channels).toBe(channels);
    expect(Math.max(grid.width, grid.height)).toBeLessThanOrEqual(16_384);
    expect(new Set(grid.pixels)).toEqual(new Set([56, 255])); // background and white
    expect(datasets.describeShape({ height, width, channels })).toContain(`${width}×${height}`);
  });

  it("of too many images are refused before drawing", () => {
    const images = (...shape: number[]) => ({ data: new Float32Array(shape.reduce((a, b) => a * b)), shape });
    expect(() => drawImages(images(1526, 4096, 1))).toThrow(
      new UserError("A picture holds up to 1525 images of 1×4096, and this one would hold 1526. Draw fewer."),
    );
    const many = images(1_000_001, 1, 1);
    expect(() => drawImages(many)).toThrow(UserError);
    expect(() => toPictures(many)).toThrow(
      "1000001 images are too many: up to 1000000 can be made pictures in one call.",
    );
    const row = Array(20_000).fill(Uint8Array.of(0));
    expect(() => drawGrid([row], { width: 1, height: 1, channels: 1 })).toThrow(
      new UserError("A picture cannot hold 1 row of 20000 images. Draw fewer."),
    );
  });
});
