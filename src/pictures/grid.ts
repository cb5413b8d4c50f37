// Grids of images. Grey values are drawn as they are: nothing is stretched, so that tiles can be compared.
import { drawText, TEXT_HEIGHT, textWidth } from "./text.js";

/** A picture, row by row: for each pixel one byte of grey, or three of red, green and blue. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pixels: Uint8Array;
}

export interface GridOptions {
  /** Width and height of a tile in pixels. */
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Rows that belong together are set apart from the next ones by a wider gutter. */
  readonly rowsPerGroup?: number;
  /** Columns that are set apart from those to their left by a wider gutter. */
  readonly columnGroups?: readonly number[];
  /** Pixels between tiles: 2 unless told, 0 for tiles that go on where their neighbours end. */
  readonly gutter?: number;
  /**
   * What to write to the left of each row. Rows become as high as a label, but without a gutter they stay as they are, and
   * as many labels are left out as would overlap.
   */
  readonly labels?: readonly string[];
  /** What to write below each column. As many are left out as would overlap. */
  readonly columnLabels?: readonly string[];
  /** What the row labels and the column labels are values of: written to the left of the ones, and below the others. */
  readonly rowTitle?: string;
  readonly columnTitle?: string;
}

const BACKGROUND = 56;
const TEXT = 230;
const GUTTER = 2;
const GROUP_GUTTER = 10;
const LABEL_PADDING = 8;
/** The least distance in pixels between the labels of neighbouring columns. */
const LABEL_DISTANCE = 12;
/** Tiles are magnified by a whole number, up to these widths in pixels, so that a grid can be looked at as it is. */
const LARGEST_TILE = 96;
const LARGEST_TILES = 1120;

/** Draws rows of tiles with a thin gutter. A row may be shorter than the others. */
export function drawGrid(rows: readonly (readonly Uint8Array[])[], options: GridOptions): Picture {
  const { width, height, channels, rowsPerGroup = rows.length, columnGroups = [], gutter = GUTTER } = options;
  const { labels = [], columnLabels = [], rowTitle = "", columnTitle = "" } = options;
  const columns = Math.max(...rows.map((row) => row.length));
  const scale = Math.max(1, Math.floor(Math.min(LARGEST_TILE, LARGEST_TILES / columns) / width));
  const [tileWidth, tileHeight] = [width * scale, height * scale];
  const rowHeight = labels.length > 0 && gutter > 0 ? Math.max(tileHeight, TEXT_HEIGHT) : tileHeight;

  // From left to right: the rows' title, their labels, the tiles. A column's label may be wider than its column.
  const titleEnd = rowTitle ? LABEL_PADDING + textWidth(rowTitle) : 0;
  const labelsEnd = labels.length > 0 ? titleEnd + Math.max(...labels.map(textWidth)) + 2 * LABEL_PADDING : titleEnd;
  const overhang = Math.max(0, ...columnLabels.map((label) => Math.ceil((textWidth(label) - tileWidth) / 2)));
  const left = Math.max(labelsEnd, overhang) + GUTTER;
  const lefts = places(columns, left, tileWidth, gutter, (column) => columnGroups.includes(column));
  const right = lefts[columns - 1] + tileWidth + GUTTER;

  // From top to bottom: the tiles, the columns' labels, their title. A row's label may be higher than its row.
  const rise = labels.length > 0 ? Math.max(0, Math.ceil((TEXT_HEIGHT - rowHeight) / 2)) : 0;
  const tops = places(rows.length, rise + GUTTER, rowHeight, gutter, (row) => row % rowsPerGroup === 0);
  const bottom = tops[rows.length - 1] + rowHeight + GUTTER + rise;
  const labelsBottom = bottom + (columnLabels.length > 0 ? LABEL_PADDING + TEXT_HEIGHT : 0);
  const titleBottom = labelsBottom + (columnTitle ? LABEL_PADDING + TEXT_HEIGHT : 0);

  const picture = blank(right + overhang, titleBottom > bottom ? titleBottom + LABEL_PADDING : bottom, channels);
  rows.forEach((row, r) => {
    row.forEach((tile, c) => {
      drawTile(picture, tile, width, height, scale, lefts[c], tops[r]);
    });
  });
  const middles = tops.map((top) => top + rowHeight / 2);
  for (const row of apart(labels, middles, () => TEXT_HEIGHT + 1)) {
    drawText(picture, labels[row], titleEnd + LABEL_PADDING, Math.floor(middles[row] - TEXT_HEIGHT / 2), TEXT);
  }
  const centres = lefts.map((start) => start + tileWidth / 2);
  for (const column of apart(columnLabels, centres, (label) => textWidth(label) + LABEL_DISTANCE)) {
    drawCentred(picture, columnLabels[column], centres[column], labelsBottom - TEXT_HEIGHT);
  }
  const middle = (middles[0] + middles[rows.length - 1]) / 2;
  drawText(picture, rowTitle, LABEL_PADDING, Math.floor(middle - TEXT_HEIGHT / 2), TEXT);
  drawCentred(picture, columnTitle, (centres[0] + centres[columns - 1]) / 2, titleBottom - TEXT_HEIGHT);
  return picture;
}

/** Where each of some rows or columns begins, those that begin a group after a wider gutter. */
function places(count: number, start: number, size: number, gutter: number, begins: (i: number) => boolean): number[] {
  let at = start;
  return Array.from({ length: count }, (_, i) => {
    if (i > 0) at += size + (begins(i) ? GROUP_GUTTER : gutter);
    return at;
  });
}

/** The labels to write: every n-th, with the least n for which neighbours do not touch. `space` is what a label takes. */
function apart(labels: readonly string[], middles: readonly number[], space: (label: string) => number): number[] {
  for (let n = 1; ; n++) {
    const written = [...middles.keys()].filter((i) => labels[i] && i % n === 0);
    const fits = (i: number, j: number) => middles[j] - middles[i] >= (space(labels[i]) + space(labels[j])) / 2;
    if (written.every((j, k) => k === 0 || fits(written[k - 1], j))) return written;
  }
}

function drawCentred(picture: Picture, text: string, centre: number, top: number): void {
  drawText(picture, text, Math.round(centre - textWidth(text) / 2), top, TEXT);
}

function blank(width: number, height: number, channels: number): Picture {
  return { width, height, channels, pixels: new Uint8Array(width * height * channels).fill(BACKGROUND) };
}

function drawTile(
  picture: Picture,
  tile: Uint8Array,
  width: number,
  height: number,
  scale: number,
  left: number,
  top: number,
): void {
  const { channels } = picture;
  for (let y = 0; y < height * scale; y++) {
    const source = Math.floor(y / scale) * width;
    const target = (top + y) * picture.width + left;
    for (let x = 0; x < width * scale; x++) {
      for (let channel = 0; channel < channels; channel++) {
        const value = tile[(source + Math.floor(x / scale)) * channels + channel];
        picture.pixels[(target + x) * channels + channel] = value;
      }
    }
  }
}
