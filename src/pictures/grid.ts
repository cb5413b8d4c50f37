// Grids of images. Grey values are not stretched, so tiles can be compared.
import { drawText, TEXT_HEIGHT, textWidth } from "./text.js";

export interface ImageSize {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** A picture, row by row: for each pixel one byte of grey, or three of red, green and blue. */
export interface Picture extends ImageSize {
  readonly pixels: Uint8Array;
}

/** How to lay out tiles of a size in pixels. Labels that would overlap are left out. */
export interface GridOptions extends ImageSize {
  /** A wider gutter separates groups of so many rows. */
  readonly rowsPerGroup?: number;
  /** A wider gutter separates these columns from those to their left. */
  readonly columnGroups?: readonly number[];
  /** Pixels between tiles. With 0, rows do not grow to the height of their labels. */
  readonly gutter?: number;
  /** Left of each row. */
  readonly labels?: readonly string[];
  /** Below each column. */
  readonly columnLabels?: readonly string[];
  /** Left of the labels, and below the column labels. */
  readonly rowTitle?: string;
  readonly columnTitle?: string;
}

const BACKGROUND = 56;
const TEXT = 230;
const GUTTER = 2;
const GROUP_GUTTER = 10;
const LABEL_PADDING = 8;
/** Least distance in pixels between column labels. */
const LABEL_DISTANCE = 12;
/** Tiles are magnified by a whole number, up to these widths in pixels of a tile and of all columns. */
const MAX_TILE = 96;
const MAX_TILES = 1120;

/** Draws rows of tiles. A row may be shorter than the others. */
export function drawGrid(rows: readonly (readonly Uint8Array[])[], options: GridOptions): Picture {
  const { width, height, channels, rowsPerGroup = rows.length, columnGroups = [], gutter = GUTTER } = options;
  const { labels = [], columnLabels = [], rowTitle = "", columnTitle = "" } = options;
  const columns = Math.max(...rows.map((row) => row.length));
  const scale = Math.max(1, Math.floor(Math.min(MAX_TILE, MAX_TILES / columns) / width));
  const [tileWidth, tileHeight] = [width * scale, height * scale];
  const rowHeight = labels.length > 0 && gutter > 0 ? Math.max(tileHeight, TEXT_HEIGHT) : tileHeight;

  // From left to right: row title, labels, tiles. A column's label may be wider than its column.
  const titleEnd = rowTitle ? LABEL_PADDING + textWidth(rowTitle) : 0;
  const labelsEnd = labels.length > 0 ? titleEnd + Math.max(...labels.map(textWidth)) + 2 * LABEL_PADDING : titleEnd;
  const overhang = Math.max(0, ...columnLabels.map((label) => Math.ceil((textWidth(label) - tileWidth) / 2)));
  const left = Math.max(labelsEnd, overhang) + GUTTER;
  const lefts = places(columns, left, tileWidth, gutter, (column) => columnGroups.includes(column));
  const right = lefts[columns - 1] + tileWidth + GUTTER;

  // From top to bottom: tiles, column labels, column title. A row's label may be higher than its row.
  const rise = labels.length > 0 ? Math.max(0, Math.ceil((TEXT_HEIGHT - rowHeight) / 2)) : 0;
  const tops = places(rows.length, rise + GUTTER, rowHeight, gutter, (row) => row % rowsPerGroup === 0);
  const bottom = tops[rows.length - 1] + rowHeight + GUTTER + rise;
  const labelsBottom = bottom + (columnLabels.length > 0 ? LABEL_PADDING + TEXT_HEIGHT : 0);
  const titleBottom = labelsBottom + (columnTitle ? LABEL_PADDING + TEXT_HEIGHT : 0);

  const size = { width: right + overhang, height: titleBottom + (titleBottom > bottom ? LABEL_PADDING : 0), channels };
  const pixels = new Uint8Array(size.width * size.height * channels).fill(BACKGROUND);
  const picture = { ...size, pixels };
  for (const [r, row] of rows.entries()) {
    for (const [c, tile] of row.entries()) {
      drawTile(picture, { pixels: tile, width, height, channels }, scale, lefts[c], tops[r]);
    }
  }
  const write = (text: string, x: number, centre: number) =>
    drawText(picture, text, x, Math.floor(centre - TEXT_HEIGHT / 2), TEXT);
  const writeCentred = (text: string, centre: number, textBottom: number) =>
    drawText(picture, text, Math.round(centre - textWidth(text) / 2), textBottom - TEXT_HEIGHT, TEXT);
  const middles = tops.map((top) => top + rowHeight / 2);
  for (const row of legible(labels, middles, () => TEXT_HEIGHT + 1)) {
    write(labels[row], titleEnd + LABEL_PADDING, middles[row]);
  }
  const centres = lefts.map((start) => start + tileWidth / 2);
  for (const column of legible(columnLabels, centres, (label) => textWidth(label) + LABEL_DISTANCE)) {
    writeCentred(columnLabels[column], centres[column], labelsBottom);
  }
  write(rowTitle, LABEL_PADDING, (middles[0] + middles[rows.length - 1]) / 2);
  writeCentred(columnTitle, (centres[0] + centres[columns - 1]) / 2, titleBottom);
  return picture;
}

/** Where rows or columns begin, with a wider gutter before each group. */
function places(count: number, start: number, size: number, gutter: number, begins: (i: number) => boolean): number[] {
  let at = start;
  return Array.from({ length: count }, (_, i) => {
    if (i > 0) at += size + (begins(i) ? GROUP_GUTTER : gutter);
    return at;
  });
}

/** The labels to write: every n-th, with the least n for which neighbours do not touch. `space` is a label's extent. */
function legible(labels: readonly string[], middles: readonly number[], space: (label: string) => number): number[] {
  for (let n = 1; ; n++) {
    const written = [...middles.keys()].filter((i) => labels[i] && i % n === 0);
    const fits = (i: number, j: number) => middles[j] - middles[i] >= (space(labels[i]) + space(labels[j])) / 2;
    if (written.every((j, k) => k === 0 || fits(written[k - 1], j))) return written;
  }
}

function drawTile(picture: Picture, tile: Picture, scale: number, left: number, top: number): void {
  const { width, height, channels } = tile;
  for (let y = 0; y < height * scale; y++) {
    const source = Math.floor(y / scale) * width;
    const target = (top + y) * picture.width + left;
    for (let x = 0; x < width * scale; x++) {
      for (let channel = 0; channel < channels; channel++) {
        const value = tile.pixels[(source + Math.floor(x / scale)) * channels + channel];
        picture.pixels[(target + x) * channels + channel] = value;
      }
    }
  }
}
