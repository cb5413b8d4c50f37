import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import {
  comparisonFigure,
  interpolationFigure,
  manifoldFigure,
  progressFigure,
  singlePictures,
  squareFigure,
} from "../../src/pictures/figures.js";
import { drawGrid, type Picture } from "../../src/pictures/grid.js";
import { encodePng } from "../../src/pictures/png.js";
import { TEXT_HEIGHT, textWidth } from "../../src/pictures/text.js";
import { randomStream } from "../../src/random.js";
import { at, crop, dots, find, write } from "./reading.js";

/** Tiles of 30×20 pixels, each with one grey value. */
const tile = (grey: number) => new Uint8Array(600).fill(grey);
const images = (...greys: number[]) => ({
  pixels: Float32Array.from({ length: greys.length * 600 }, (_, i) => greys[Math.floor(i / 600)]),
  width: 30,
  height: 20,
  channels: 1,
});

describe("the font", () => {
  it("has distinct glyphs for small letters, digits and the characters of numbers", () => {
    const characters = [..."abcdefghijklmnopqrstuvwxyz0123456789.,:-− "];
    const glyphs = characters.map((character) => write(character).pixels.join());
    expect(new Set(glyphs).size).toBe(characters.length);
  });
});

describe("a grid", () => {
  it("magnifies tiles by a whole number, with thin gutters between them", () => {
    const grid = drawGrid([[tile(10), tile(20)], [tile(30)]], { width: 30, height: 20, channels: 1 });
    expect([grid.width, grid.height]).toEqual([2 + 2 * 92, 2 + 2 * 62]);
    const background = at(grid, 0, 0);
    expect([at(grid, 2, 2), at(grid, 91, 61), at(grid, 92, 2), at(grid, 94, 2)]).toEqual([10, 10, background, 20]);
    expect([at(grid, 2, 66), at(grid, 94, 66)]).toEqual([30, background]);
  });

  it.each([
    [32, 10, 128],
    [32, 12, 96],
    [32, 20, 64],
    [28, 20, 56],
    [64, 10, 128],
    [200, 10, 200],
  ])("magnifies colour tiles of %i pixels in %i columns to %i", (side, columns, drawn) => {
    const row = Array.from({ length: columns }, () => new Uint8Array(side * side * 3));
    const { width, height } = drawGrid([row], { width: side, height: side, channels: 3 });
    expect([width, height]).toEqual([2 + columns * (drawn + 2), 4 + drawn]);
  });

  it("writes a file of magnified colours of at most twice the size of the tiles' files", () => {
    const noise = randomStream(0, "prior").fillNormals(new Float32Array(100 * 32 * 32 * 3));
    const bytes = Uint8ClampedArray.from(noise, (value) => 128 + 60 * value);
    const tiles = Array.from({ length: 100 }, (_, i) => Uint8Array.from(bytes.subarray(i * 3072, (i + 1) * 3072)));
    const rows = Array.from({ length: 10 }, (_, i) => tiles.slice(10 * i, 10 * i + 10));
    const size = { width: 32, height: 32, channels: 3 };
    const alone = tiles.reduce((sum, pixels) => sum + encodePng({ ...size, pixels }).length, 0);
    expect(encodePng(drawGrid(rows, size)).length).toBeLessThan(2 * alone);
  });

  it("does not magnify large grids", () => {
    const grid = drawGrid([Array.from({ length: 100 }, () => tile(0))], { width: 30, height: 20, channels: 1 });
    expect(grid.width).toBe(2 + 100 * 32);
  });

  it("puts wider gaps between groups of rows", () => {
    const rows = [1, 2, 3, 4].map((grey) => [tile(grey)]);
    const together = drawGrid(rows, { width: 30, height: 20, channels: 1 });
    const grouped = drawGrid(rows, { width: 30, height: 20, channels: 1, rowsPerGroup: 2 });
    expect(grouped.height).toBe(together.height + 8);
  });

  it("writes labels to the left, and refuses characters without a glyph", () => {
    const plain = drawGrid([[tile(0)]], { width: 30, height: 20, channels: 1 });
    const labels = ["input", "noisy", "epoch 1234567890"];
    for (const label of labels) {
      const grid = drawGrid([[tile(0)]], { width: 30, height: 20, channels: 1, labels: [label] });
      const margin = grid.width - plain.width;
      expect(margin).toBe(label.length * 12 - 2 + 16);
      const written = grid.pixels.filter((grey, i) => i % grid.width < margin && grey !== at(grid, 0, 0));
      expect(written.length).toBeGreaterThan(40);
    }
    expect(() => drawGrid([[tile(0)]], { width: 30, height: 20, channels: 1, labels: ["?"] })).toThrow('no "?"');
  });

  it("centres labels below their columns, and omits those that would overlap", () => {
    const columnLabels = Array.from({ length: 20 }, (_, i) => `${i + 10}`);
    const grid = (count: number) =>
      drawGrid([Array(count).fill(tile(0))], {
        width: 30,
        height: 20,
        channels: 1,
        columnLabels: columnLabels.slice(0, count),
      });
    const [few, many] = [grid(3), grid(20)];
    // A label of 22 pixels fits a tile of 90. With tiles of 30 pixels, only every second label fits.
    for (const i of [0, 1, 2])
      expect(find(few, columnLabels[i])).toEqual([{ x: 2 + 45 + i * 92, y: expect.any(Number) }]);
    for (let i = 0; i < 20; i += 2) {
      expect(find(many, columnLabels[i])).toEqual([{ x: 2 + 15 + i * 32, y: expect.any(Number) }]);
      expect(find(many, columnLabels[i + 1])).toEqual([]);
    }
    expect(find(few, "10")[0].y - TEXT_HEIGHT / 2).toBeGreaterThan(62); // below the tiles
  });

  it("does not cut labels wider than their columns", () => {
    const columnLabels = ["noisy input", "", "", "", "output again"];
    const narrow = drawGrid([Array(5).fill(new Uint8Array(97 * 20))], {
      width: 97,
      height: 20,
      channels: 1,
      columnLabels,
    });
    for (const label of ["noisy input", "output again"]) expect(find(narrow, label)).toHaveLength(1);
    expect(find(narrow, "output again")[0].x - find(narrow, "noisy input")[0].x).toBe(4 * 99);
  });

  it("keeps the height of rows without gutters, and omits labels instead", () => {
    const rows = Array.from({ length: 10 }, () => Array(160).fill(new Uint8Array(4 * 4).fill(20)));
    const labels = [..."abcdefghij"];
    const lined = drawGrid(rows, { width: 4, height: 4, channels: 1, labels });
    const plane = drawGrid(rows, { width: 4, height: 4, channels: 1, labels, gutter: 0 });
    const written = (grid: Picture) => labels.filter((label) => find(grid, label).length > 0);
    expect(written(lined)).toEqual(labels);
    expect(written(plane)).toEqual(["a", "e", "i"]);
    expect(plane.pixels.filter((grey) => grey === 20)).toHaveLength(640 * 40);
    expect(find(plane, "i")[0].y - find(plane, "a")[0].y).toBe(8 * 4);
  });
});

describe("figures", () => {
  it("are near-square", () => {
    const { width, height } = squareFigure(images(...Array(10).fill(0)));
    expect([width, height]).toEqual([2 + 4 * 92, 2 + 3 * 62]);
  });

  it("draw grey values unchanged, and clamp values outside 0 to 1", () => {
    const single = singlePictures(images(0, 0.5, 1, 1.7, -0.3));
    expect(single.map((picture) => picture.pixels[0])).toEqual([0, 128, 255, 255, 0]);
    expect([single[0].width, single[0].height]).toEqual([30, 20]);
  });

  it("stack the labelled versions of an image, in full rows if the count allows", () => {
    const compare = (count: number, ...greys: number[]) =>
      comparisonFigure(
        greys.map((grey, i) => ({
          label: ["input", "output", "noisy"][i],
          images: images(...Array(count).fill(grey)),
        })),
      );
    const margin = 6 * 12 - 2 + 16; // width of "output"
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

  it("of progress label each version", () => {
    const versions = ["input", "epoch 1"].map((label, i) => ({ label, images: images(i, i, i) }));
    const figure = progressFigure(versions);
    expect(figure.width).toBeGreaterThan(3 * 92 + 84);
  });
});

describe("a plane of the latent space", () => {
  it("draws tiles edge to edge, with z1 to the right and z2 upwards", () => {
    const figure = manifoldFigure(images(0.1, 0.2, 0.3, 0.4, 0.5, 0.6), [-1.52, 0, 1.5], [20, -20]);
    const corner = figure.pixels.indexOf(26);
    const [left, top] = [corner % figure.width, Math.floor(corner / figure.width)];
    const greys = [20, 80].flatMap((y) => [45, 135, 225].map((x) => at(figure, left + x, top + y)));
    expect(greys).toEqual([26, 51, 77, 102, 128, 153]);
    expect([89, 90].map((x) => at(figure, left + x, top))).toEqual([26, 51]);
    expect([59, 60].map((y) => at(figure, left, top + y))).toEqual([26, 102]);

    const [below, beside] = [top + 120, left];
    const columns = ["-1.5", "0.0", "1.5"].map((label) => find(figure, label).at(-1) ?? { x: 0, y: 0 });
    expect(columns.map(({ x }) => x - left)).toEqual([45, 135, 225]);
    const rows = ["20.0", "-20.0"].map((label) => find(figure, label)[0]);
    expect(rows.map(({ y }) => y - top)).toEqual([30, 90]);
    const [[z1], [z2]] = [find(figure, "z1"), find(figure, "z2")];
    expect(z1.x).toBe(left + 135);
    expect(z1.y - TEXT_HEIGHT).toBeGreaterThanOrEqual(columns[0].y);
    expect(columns[0].y - TEXT_HEIGHT / 2).toBeGreaterThan(below);
    expect(z2.y).toBe(top + 60);
    const ends = ["20.0", "-20.0"].map((label, i) => rows[i].x + textWidth(label) / 2);
    expect(ends[0]).toBe(ends[1]);
    expect(ends[1]).toBeLessThan(beside);
    expect(z2.x + textWidth("z2") / 2).toBeLessThan(rows[1].x - textWidth("-20.0") / 2);
  });

  it("labels values with one decimal, or two if they are close", () => {
    const draw = (values: number[]) => manifoldFigure(images(...values.map(() => 0)), values, [7]);
    const coarse = draw([-0.04, 0.06, 0.16]);
    expect(["0.1", "0.2", "-0.0", "0.06"].map((label) => find(coarse, label).length)).toEqual([1, 1, 0, 0]);
    const fine = draw([0.04, 0.06, 0.08]);
    expect(["0.04", "0.06", "0.08"].map((label) => find(fine, label).length)).toEqual([1, 1, 1]);
  });

  it.each([
    [7, 2],
    [7, 40],
    [28, 20],
    [28, 40],
    [64, 10],
    [64, 20],
  ])("of tiles of %i pixels has legible labels at %i columns and rows", (size, count) => {
    const values = Array.from({ length: count }, (_, i) => -2 + (4 * i) / (count - 1));
    const pixels = new Float32Array(count * count * size * size);
    const figure = manifoldFigure({ pixels, width: size, height: size, channels: 1 }, values, values.toReversed());
    const labels = values.map((value) => value.toFixed(1).replace("-0.0", "0.0"));
    const corner = figure.pixels.indexOf(0);
    const [left, top] = [corner % figure.width, Math.floor(corner / figure.width)];
    const side = Math.floor(figure.pixels.lastIndexOf(0) / figure.width) + 1 - top;
    const middle = (i: number) => ((i + 0.5) * side) / count;

    // Writes only complete labels, centred on their columns and rows, and the names of the axes.
    const below = crop(figure, left - 12, top + side, side + 24, 30);
    const columns = labels.filter((label, i) => find(below, label).some(({ x }) => Math.abs(x - 12 - middle(i)) < 1));
    expect(dots(below)).toBe(dots(...columns.map(write)));
    expect(columns.length).toBeGreaterThanOrEqual(Math.min(count, 10));
    const beside = crop(figure, 0, 0, left, top + side);
    const rows = labels
      .toReversed()
      .filter((label, i) => find(beside, label).some(({ y }) => Math.abs(y - top - middle(i)) < 1));
    expect(dots(beside)).toBe(dots(write("z2"), ...rows.map(write)));
    expect(rows.length).toBe(count);
  });
});

describe("interpolations between images", () => {
  it("separate the inputs at both ends, and label them", () => {
    const figure = interpolationFigure(images(...Array(2).fill([0.1, 0.2, 0.3, 0.4, 0.5]).flat()), 5);
    const greys = [26, 51, 77, 102, 128];
    const starts = greys.map((grey) => figure.pixels.indexOf(grey) % figure.width);
    const [first, ...steps] = starts.map((start, i) => start - (i === 0 ? 0 : starts[i - 1]));
    expect([first, ...steps]).toEqual([2, 100, 92, 92, 100]);
    expect(greys.map((_, i) => at(figure, starts[i] + 45, 62 + 30))).toEqual(greys); // the second row
    const inputs = find(figure, "input");
    expect(inputs.map(({ x }) => x)).toEqual([starts[0] + 45, starts[4] + 45]);
    expect(inputs[0].y).toBeGreaterThan(2 * 62);
  });

  it.each([
    [7, 40],
    [28, 2],
    [28, 12],
    [64, 10],
  ])("of tiles of %i pixels label both ends at %i columns", (size, columns) => {
    const pixels = new Float32Array(columns * size * size);
    const figure = interpolationFigure({ pixels, width: size, height: size, channels: 1 }, columns);
    expect(find(figure, "input")).toHaveLength(2);
  });
});

describe("encodePng", () => {
  it("refuses invalid pictures before allocating memory", () => {
    const pixels = Uint8Array.of(1, 2, 3, 4);
    const whole = { width: 2, height: 2, channels: 1, pixels };
    expect(encodePng(whole).length).toBeGreaterThan(50);
    for (const wrong of [
      { width: 1e9, height: 1e9 },
      { width: 0, height: 0, pixels: new Uint8Array() },
      { width: 0.5, height: 8 },
      { width: -2, height: -2 },
      { width: 1, height: 1, channels: 4 },
      { width: Number.NaN },
      { pixels: [1, 2, 3, 4] as unknown as Uint8Array },
    ]) {
      expect(() => encodePng({ ...whole, ...wrong }), JSON.stringify(wrong)).toThrow(UserError);
    }
  });

  it("writes 8-bit grey", () => {
    const picture = { width: 3, height: 2, channels: 1, pixels: Uint8Array.of(0, 50, 100, 150, 200, 250) };
    const bytes = encodePng(picture);
    expect([...bytes.subarray(24, 26)]).toEqual([8, 0]); // bit depth and colour type in IHDR
    const { data, width, height } = PNG.sync.read(Buffer.from(bytes));
    expect([width, height]).toEqual([3, 2]);
    expect([...data].filter((_, i) => i % 4 === 0)).toEqual([...picture.pixels]);
  });
});
