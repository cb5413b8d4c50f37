import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { comparisonFigure, progressFigure, singlePictures, squareFigure } from "../../src/pictures/figures.js";
import type { Picture } from "../../src/pictures/grid.js";
import { drawGrid } from "../../src/pictures/grid.js";
import { encodePng } from "../../src/pictures/png.js";

/** Tiles of 30×20 pixels, each of one grey value. */
const tile = (grey: number) => new Uint8Array(600).fill(grey);
const images = (...greys: number[]) => ({
  pixels: Float32Array.from({ length: greys.length * 600 }, (_, i) => greys[Math.floor(i / 600)]),
  width: 30,
  height: 20,
});
const at = ({ pixels, width }: Picture, x: number, y: number) => pixels[y * width + x];

describe("a grid", () => {
  it("sets tiles apart by a thin gutter, magnified by a whole number", () => {
    const grid = drawGrid([[tile(10), tile(20)], [tile(30)]], { width: 30, height: 20 });
    expect([grid.width, grid.height]).toEqual([2 + 2 * 92, 2 + 2 * 62]);
    const background = at(grid, 0, 0);
    expect([at(grid, 2, 2), at(grid, 91, 61), at(grid, 92, 2), at(grid, 94, 2)]).toEqual([10, 10, background, 20]);
    expect([at(grid, 2, 66), at(grid, 94, 66)]).toEqual([30, background]);
  });

  it("does not magnify what is large already", () => {
    const grid = drawGrid([Array.from({ length: 100 }, () => tile(0))], { width: 30, height: 20 });
    expect(grid.width).toBe(2 + 100 * 32);
  });

  it("sets groups of rows further apart", () => {
    const rows = [1, 2, 3, 4].map((grey) => [tile(grey)]);
    const together = drawGrid(rows, { width: 30, height: 20 });
    const grouped = drawGrid(rows, { width: 30, height: 20, rowsPerGroup: 2 });
    expect(grouped.height).toBe(together.height + 8);
  });

  it("writes labels to the left, in characters that it has", () => {
    const plain = drawGrid([[tile(0)]], { width: 30, height: 20 });
    const labels = ["input", "noisy", "epoch 1234567890"];
    for (const label of labels) {
      const grid = drawGrid([[tile(0)]], { width: 30, height: 20, labels: [label] });
      const margin = grid.width - plain.width;
      expect(margin).toBe(label.length * 12 - 2 + 16);
      const written = grid.pixels.filter((grey, i) => i % grid.width < margin && grey !== at(grid, 0, 0));
      expect(written.length).toBeGreaterThan(40);
    }
    expect(() => drawGrid([[tile(0)]], { width: 30, height: 20, labels: ["?"] })).toThrow('no "?"');
  });
});

describe("figures", () => {
  it("are near-square", () => {
    const { width, height } = squareFigure(images(...Array(10).fill(0)));
    expect([width, height]).toEqual([2 + 4 * 92, 2 + 3 * 62]);
  });

  it("draw grey values as they are, and cut off what no picture can show", () => {
    const single = singlePictures(images(0, 0.5, 1, 1.7, -0.3));
    expect(single.map((picture) => picture.pixels[0])).toEqual([0, 128, 255, 255, 0]);
    expect([single[0].width, single[0].height]).toEqual([30, 20]);
  });

  it("stack the labelled versions of an image, in full rows where the count allows", () => {
    const compare = (count: number, ...greys: number[]) =>
      comparisonFigure(
        greys.map((grey, i) => ({
          label: ["input", "output", "noisy"][i],
          images: images(...Array(count).fill(grey)),
        })),
      );
    const margin = 6 * 12 - 2 + 16; // of "output"
    const figure = compare(100, 0.2, 0.8);
    // 20 columns of 30 pixels, and five groups of two rows
    expect(figure.width).toBe(margin + 2 + 20 * 32);
    expect(figure.height).toBe(2 + 10 * 22 + 4 * 8);
    expect([at(figure, margin + 2, 2), at(figure, margin + 2, 24)]).toEqual([51, 204]);
    const columns = (count: number, versions: number) => {
      const { width } = compare(count, ...[0.1, 0.2, 0.3].slice(0, versions));
      return [90, 60, 30].flatMap((tile) =>
        (width - margin - 2) % (tile + 2) === 0 ? [(width - margin - 2) / (tile + 2)] : [],
      );
    };
    expect(columns(3, 2)).toContain(3);
    expect(columns(10, 2)).toContain(10);
    expect(columns(10, 3)).toContain(10);
    expect(columns(50, 3)).toContain(10);
    expect(columns(100, 3)).toContain(20);
  });

  it("label each version where they show progress", () => {
    const versions = ["input", "epoch 1"].map((label, i) => ({ label, images: images(i, i, i) }));
    const figure = progressFigure(versions);
    expect(figure.width).toBeGreaterThan(3 * 92 + 84);
  });
});

describe("encodePng", () => {
  it("writes eight bits of grey", () => {
    const picture = { width: 3, height: 2, pixels: Uint8Array.of(0, 50, 100, 150, 200, 250) };
    const bytes = encodePng(picture);
    expect([...bytes.subarray(24, 26)]).toEqual([8, 0]); // bit depth and colour type in IHDR
    const { data, width, height } = PNG.sync.read(Buffer.from(bytes));
    expect([width, height]).toEqual([3, 2]);
    expect([...data].filter((_, i) => i % 4 === 0)).toEqual([...picture.pixels]);
  });
});
