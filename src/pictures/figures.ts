// The pictures of a run: which images stand where.
import type { Picture } from "./grid.js";
import { drawGrid } from "./grid.js";

/** Images of one size, count × height × width, in units of full white. What lies beyond 0 and 1 is cut off. */
export interface Images {
  readonly pixels: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** A near-square grid. */
export function squareFigure(images: Images): Picture {
  const tiles = toTiles(images);
  return drawGrid(inRows(tiles, Math.ceil(Math.sqrt(tiles.length))), images);
}

/** Versions of the same images, each image's versions one above the other: original, corrupted, reconstruction. */
export function comparisonFigure(versions: readonly Images[]): Picture {
  const count = toTiles(versions[0]).length;
  const columns = fittingColumns(count, versions.length);
  const rowsOf = versions.map((images) => inRows(toTiles(images), columns));
  const rows = rowsOf[0].flatMap((_, group) => rowsOf.map((version) => version[group]));
  return drawGrid(rows, { ...versions[0], rowsPerGroup: versions.length });
}

/** A labelled row of images for each version: how reconstructions get better from epoch to epoch. */
export function progressFigure(versions: readonly { readonly label: string; readonly images: Images }[]): Picture {
  return drawGrid(
    versions.map(({ images }) => toTiles(images)),
    { ...versions[0].images, labels: versions.map(({ label }) => label) },
  );
}

/** One image as a picture of its own, in its own size. */
export function singlePictures(images: Images): Picture[] {
  return toTiles(images).map((pixels) => ({ pixels, width: images.width, height: images.height }));
}

function toTiles({ pixels, height, width }: Images): Uint8Array[] {
  const bytes = Uint8ClampedArray.from(pixels, (value) => value * 255);
  const size = height * width;
  return Array.from({ length: bytes.length / size }, (_, i) => new Uint8Array(bytes.buffer, i * size, size));
}

/** Columns that make the whole about square or wider, and its last row full where the count allows. */
function fittingColumns(count: number, rowsPerImage: number): number {
  const square = Math.ceil(Math.sqrt(count * rowsPerImage));
  for (let columns = square; columns <= Math.min(count, 2 * square); columns++) {
    if (count % columns === 0) return columns;
  }
  return Math.min(count, square);
}

function inRows<T>(items: readonly T[], columns: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / columns) }, (_, row) =>
    items.slice(row * columns, (row + 1) * columns),
  );
}
