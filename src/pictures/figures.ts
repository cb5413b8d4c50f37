// Arranges images in figures: grids, comparisons, manifolds, interpolations.
import { drawGrid, GUTTER, type ImageSize, isElongated, type Picture, tileSize } from "./grid.js";
import { hasGlyphs } from "./text.js";

/** Images `[count, height, width, channels]`, 0 black to 1 white. Other values are clipped. */
export interface Images extends ImageSize {
  readonly pixels: Float32Array;
}

/** A version of images, such as their reconstructions. */
export interface Version {
  readonly label: string;
  readonly images: Images;
}

/** A near-square grid. */
export function squareFigure(images: Images): Picture {
  const tiles = toTiles(images);
  const { length } = tiles;
  const columns = isElongated(images) ? nearSquareColumns(length, 1, images) : Math.ceil(Math.sqrt(length));
  return drawGrid(toRows(tiles, columns), images);
}

/** Versions of the same images, stacked for each image: input, the encoder's input, output. */
export function comparisonFigure(versions: readonly Version[]): Picture {
  const tiles = versions.map(({ images }) => toTiles(images));
  const [{ images }] = versions;
  const chooseColumns = isElongated(images) ? nearSquareColumns : fittingColumns;
  const columns = chooseColumns(tiles[0].length, versions.length, images);
  const rowsOf = tiles.map((version) => toRows(version, columns));
  const rows = rowsOf[0].flatMap((_, group) => rowsOf.map((version) => version[group]));
  const labels = rows.map((_, row) => versions[row % versions.length].label);
  return drawGrid(rows, { ...images, rowsPerGroup: versions.length, labels });
}

/** A row for each version: shows how reconstructions improve by epoch. */
export function progressFigure(versions: readonly Version[]): Picture {
  const rows = versions.map(({ images }) => toTiles(images));
  return drawGrid(rows, { ...versions[0].images, labels: versions.map(({ label }) => label) });
}

/** A row of images for each class, with its name. */
export function classesFigure(images: Images, columns: number, names: readonly string[]): Picture {
  return drawGrid(toRows(toTiles(images), columns), { ...images, labels: classLabels(names) });
}

/** Maximum length of a class name as a label, in characters. */
const MAX_LABEL_LENGTH = 20;

/** Lower-case labels, since the font has no capitals; class numbers for long, unprintable or equal names. */
export function classLabels(names: readonly string[]): string[] {
  const labels = names.map((name) => name.toLowerCase());
  const isShown = (label: string) =>
    label.trim() !== "" &&
    label.length <= MAX_LABEL_LENGTH &&
    hasGlyphs(label) &&
    labels.indexOf(label) === labels.lastIndexOf(label);
  return labels.map((label, place) => (isShown(label) ? label : `class ${place}`));
}

/** Images decoded from a grid of the latent plane, edge to edge: z1 by columns, z2 by rows from the top. */
export function manifoldFigure(images: Images, columnValues: ArrayLike<number>, rowValues: ArrayLike<number>): Picture {
  const labels = ticks(rowValues);
  const longest = Math.max(...labels.map((label) => label.length));
  return drawGrid(toRows(toTiles(images), columnValues.length), {
    ...images,
    gutter: 0,
    labels: labels.map((label) => label.padStart(longest)),
    columnLabels: ticks(columnValues),
    rowTitle: "z2",
    columnTitle: "z1",
  });
}

/** An interpolation per row. Wider gutters separate the first and last tile, which are inputs. */
export function interpolationFigure(images: Images, columns: number): Picture {
  const last = columns - 1;
  const columnLabels = Array.from({ length: columns }, (_, column) => (column === 0 || column === last ? "input" : ""));
  return drawGrid(toRows(toTiles(images), columns), { ...images, columnGroups: [1, last], columnLabels });
}

/** A picture for each image, not magnified. */
export function singlePictures(images: Images): Picture[] {
  const { width, height, channels } = images;
  return toTiles(images).map((pixels) => ({ pixels, width, height, channels }));
}

function toTiles({ pixels, height, width, channels }: Images): Uint8Array[] {
  const size = height * width * channels;
  const bytes = toShades(pixels);
  return Array.from({ length: pixels.length / size }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

/** Rounds floats to bytes: 0 to 0, 1 to 255. Clips others. */
export function toShades(pixels: Float32Array): Uint8Array {
  const bytes = new Uint8ClampedArray(pixels.length);
  for (let i = 0; i < pixels.length; i++) bytes[i] = pixels[i] * 255;
  return new Uint8Array(bytes.buffer);
}

/** The number of columns that makes the picture closest to a square. */
function nearSquareColumns(count: number, rowsPerImage: number, size: ImageSize): number {
  const distance = (columns: number) => {
    const rows = Math.ceil(count / columns) * rowsPerImage;
    const tile = tileSize(size, rows, columns);
    return Math.abs(Math.log((columns * (tile.width + GUTTER)) / (rows * (tile.height + GUTTER))));
  };
  let best = { columns: 1, distance: distance(1) };
  for (let columns = 2; columns <= count; columns++) {
    const next = { columns, distance: distance(columns) };
    if (next.distance < best.distance) best = next;
  }
  return best.columns;
}

/** The number of columns, at least ten, for a nearly square grid with, if possible, a full last row. */
function fittingColumns(count: number, rowsPerImage: number): number {
  const square = Math.ceil(Math.sqrt(count * rowsPerImage));
  const atLeastTen = (columns: number) => Math.min(count, Math.max(10, columns));
  const distance = (columns: number) => Math.abs(Math.log(columns / square));
  let best: number | undefined;
  for (let columns = atLeastTen(Math.ceil(square / 2)); columns <= atLeastTen(2 * square); columns++) {
    if (count % columns === 0 && (!best || distance(columns) < distance(best))) best = columns;
  }
  return best ?? atLeastTen(square);
}

function toRows<T>(items: readonly T[], columns: number): T[][] {
  const rows = Math.ceil(items.length / columns);
  return Array.from({ length: rows }, (_, row) => items.slice(row * columns, (row + 1) * columns));
}

/** Numbers with one decimal, or as many as distinguish neighbours. */
function ticks(values: ArrayLike<number>): string[] {
  const steps = Array.from(values, (value, i) => (i === 0 ? Infinity : Math.abs(value - values[i - 1])));
  const decimals = Math.max(1, Math.ceil(-Math.log10(Math.min(...steps) + 1e-6)));
  return Array.from(values, (value) => value.toFixed(decimals).replace(/^-(0\.0+)$/, "$1"));
}
