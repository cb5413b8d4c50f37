// The pictures of a run: which images stand where.
import { drawGrid, type Picture } from "./grid.js";

/** Images of one size, count × height × width × channels, in units of full white. What lies beyond 0 and 1 is cut off. */
export interface Images {
  readonly pixels: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** A near-square grid. */
export function squareFigure(images: Images): Picture {
  const tiles = toTiles(images);
  return drawGrid(inRows(tiles, Math.ceil(Math.sqrt(tiles.length))), images);
}

/** One of several versions of the same images. */
export interface Version {
  readonly label: string;
  readonly images: Images;
}

/** Labelled versions of the same images, each image's one above the other: input, what the encoder saw, output. */
export function comparisonFigure(versions: readonly Version[]): Picture {
  const count = toTiles(versions[0].images).length;
  const columns = fittingColumns(count, versions.length);
  const rowsOf = versions.map(({ images }) => inRows(toTiles(images), columns));
  const rows = rowsOf[0].flatMap((_, group) => rowsOf.map((version) => version[group]));
  const labels = rows.map((_, row) => versions[row % versions.length].label);
  return drawGrid(rows, { ...versions[0].images, rowsPerGroup: versions.length, labels });
}

/** A labelled row of images for each version: how reconstructions get better from epoch to epoch. */
export function progressFigure(versions: readonly Version[]): Picture {
  return drawGrid(
    versions.map(({ images }) => toTiles(images)),
    { ...versions[0].images, labels: versions.map(({ label }) => label) },
  );
}

/**
 * A plane of the latent space: what its points decode to, edge to edge, with the values of z1 below and those of z2 at the
 * left.
 *
 * @param images row by row from the top, a tile for each pair of a row value and a column value
 * @param columnValues z1 of each column
 * @param rowValues z2 of each row from the top
 */
export function manifoldFigure(images: Images, columnValues: ArrayLike<number>, rowValues: ArrayLike<number>): Picture {
  const labels = ticks(rowValues);
  const longest = Math.max(...labels.map((label) => label.length));
  return drawGrid(inRows(toTiles(images), columnValues.length), {
    ...images,
    gutter: 0,
    labels: labels.map((label) => label.padStart(longest)),
    columnLabels: ticks(columnValues),
    rowTitle: "z2",
    columnTitle: "z1",
  });
}

/**
 * Ways from one image to another: the first and the last tile of each row are inputs, and set apart from what lies between.
 *
 * @param images row by row
 */
export function interpolationFigure(images: Images, columns: number): Picture {
  const last = columns - 1;
  return drawGrid(inRows(toTiles(images), columns), {
    ...images,
    columnGroups: [1, last],
    columnLabels: Array.from({ length: columns }, (_, column) => (column === 0 || column === last ? "input" : "")),
  });
}

/** One image as a picture of its own, in its own size. */
export function singlePictures(images: Images): Picture[] {
  const { width, height, channels } = images;
  return toTiles(images).map((pixels) => ({ pixels, width, height, channels }));
}

function toTiles({ pixels, height, width, channels }: Images): Uint8Array[] {
  const bytes = new Uint8ClampedArray(pixels.length);
  pixels.forEach((value, i) => {
    bytes[i] = value * 255;
  });
  const size = height * width * channels;
  return Array.from({ length: bytes.length / size }, (_, i) => new Uint8Array(bytes.buffer, i * size, size));
}

/** Columns, ten at least, that make the whole about square, and its last row full where the count allows. */
function fittingColumns(count: number, rowsPerImage: number): number {
  const square = Math.ceil(Math.sqrt(count * rowsPerImage));
  const least = Math.min(count, Math.max(10, Math.ceil(square / 2)));
  const most = Math.min(count, Math.max(10, 2 * square));
  let best = Math.min(count, Math.max(10, square));
  let distance = Infinity;
  for (let columns = least; columns <= most; columns++) {
    const away = Math.abs(Math.log(columns / square));
    if (count % columns === 0 && away < distance) [best, distance] = [columns, away];
  }
  return best;
}

function inRows<T>(items: readonly T[], columns: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / columns) }, (_, row) =>
    items.slice(row * columns, (row + 1) * columns),
  );
}

/** Numbers with one decimal, or two where they are closer than that tells apart. */
function ticks(values: ArrayLike<number>): string[] {
  const steps = Array.from(values, (value, i) => (i === 0 ? Infinity : Math.abs(value - values[i - 1])));
  const decimals = Math.max(1, Math.ceil(-Math.log10(Math.min(...steps) + 1e-6)));
  return Array.from(values, (value) => value.toFixed(decimals).replace(/^-(0\.0+)$/, "$1"));
}
