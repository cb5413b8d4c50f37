// Grids of images. Grey values are not normalized, so that tiles are comparable.
import { UserError } from "../errors.js";
import { plural } from "../wording.js";
import { drawText, TEXT_HEIGHT, textWidth } from "./text.js";

export interface ImageSize {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** A picture: bytes `[height, width, channels]`, 1 channel of grey or 3 of RGB. */
export interface Picture extends ImageSize {
  readonly pixels: Uint8Array;
}

/** Layout of tiles, whose size is in pixels. Labels that would overlap are omitted. */
export interface GridOptions extends ImageSize {
  /** Rows per group; wider gutters separate groups. */
  readonly rowsPerGroup?: number;
  /** Columns with a wider gutter on their left. */
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
export const GUTTER = 2;
const GROUP_GUTTER = 10;
const LABEL_PADDING = 8;
/** Maximum number of rows that grow to the height of their labels. */
const MAX_LINES = 500;
/** Minimum distance between column labels, in pixels. */
const LABEL_DISTANCE = 12;
/** Maximum side of a magnified tile, in pixels. Colour images show more detail. */
const MAX_TILE = { grey: 96, colour: 128 };
/** Maximum width of all columns of magnified tiles, in pixels: fits 20 of 28×28, or of 32×32 in colour, doubled. */
const MAX_COLUMNS_WIDTH = { grey: 1120, colour: 1280 };
/** Maximum height of all rows of magnified tiles, in pixels. */
const MAX_ROWS_HEIGHT = 9600;
/** Maximum extent of all columns or rows of elongated tiles, in pixels: longer strips are hard to view. */
const MAX_ELONGATED = 8192;
/** Minimum drawn thickness of a side in pixels, so that 4096×1 is visible; at most half the other side. */
const MIN_TILE = 16;
/** Maximum side of a picture, in pixels. */
const MAX_SIDE = 16_384;
/** Maximum size of a picture, width × height × channels, in bytes. */
const MAX_NUMBERS = 2 ** 27;

/** Maximum number of images of a size in a picture: drawing 100 million numbers takes up to 1 GB of memory. */
export function maxTiles(size: ImageSize): number {
  return Math.max(1, Math.floor(Math.min(1e6, 100e6 / tileNumbers(size))));
}

/** Number of values of a tile that is not magnified. */
export function tileNumbers(size: ImageSize): number {
  const tile = drawnTile(size, 1);
  return tile.width * tile.height * size.channels;
}

/** Draws rows of tiles, which may differ in length. @throws UserError if the picture would be too large */
export function drawGrid(rows: readonly (readonly Uint8Array[])[], options: GridOptions): Picture {
  const columns = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const layout = fitLayout(rows.length, columns, options);
  const { width, height } = layout;
  const { channels } = options;
  const picture = { width, height, channels, pixels: new Uint8Array(width * height * channels).fill(BACKGROUND) };
  const across = spans(options.width, layout.tile.width);
  const down = spans(options.height, layout.tile.height);
  for (const [r, row] of rows.entries()) {
    for (const [c, pixels] of row.entries()) {
      drawTile(picture, { ...options, pixels }, across, down, layout.lefts[c], layout.tops[r]);
    }
  }
  writeTexts(picture, layout, options);
  return picture;
}

/** Width and height of a tile in a grid, before any reduction to the maximum size of a picture. */
export function tileSize(size: ImageSize, rows: number, columns: number): Sides {
  return drawnTile(size, magnification(size, rows, columns));
}

type Sides = Readonly<Record<"width" | "height", number>>;

/** Whether one side is more than twice the other. */
export function isElongated({ width, height }: ImageSize): boolean {
  return Math.max(width, height) > 2 * Math.min(width, height);
}

function magnification(size: ImageSize, rows: number, columns: number): number {
  const { width, height } = size;
  const kind = size.channels === 1 ? "grey" : "colour";
  const fitting = (side: number, count: number, max: number) =>
    Math.floor(Math.min(MAX_TILE[kind], max / count) / side);
  const scale = Math.min(fitting(width, columns, MAX_COLUMNS_WIDTH[kind]), fitting(height, rows, MAX_ROWS_HEIGHT));
  if (scale >= 1 || !isElongated(size)) return Math.max(1, scale);
  return Math.min(1, MAX_ELONGATED / Math.max(columns * width, rows * height));
}

/** The size of a drawn tile. A thin side is magnified separately, by a whole number. */
function drawnTile({ width, height }: ImageSize, scale: number): Sides {
  const least = Math.min(MIN_TILE, (Math.max(width, height) * scale) / 2);
  const drawn = (side: number) => {
    const thick = side < least ? side * Math.ceil(least / side) : least;
    return Math.max(1, Math.floor(Math.max(side * scale, thick)));
  };
  return { width: drawn(width), height: drawn(height) };
}

/** Positions in a picture, in pixels. */
interface Layout extends Sides {
  readonly tile: Sides;
  readonly lefts: readonly number[];
  readonly tops: readonly number[];
  readonly rowHeight: number;
  readonly titleEnd: number;
  readonly labelsBottom: number;
  readonly titleBottom: number;
}

/** The layout with the largest tiles that fit a picture. */
function fitLayout(rows: number, columns: number, options: GridOptions): Layout {
  const longest = Math.max(options.width, options.height);
  let scale = magnification(options, rows, columns);
  while (Math.max(rows, columns) <= MAX_SIDE) {
    const layout = layOut(rows, columns, drawnTile(options, scale), options);
    const { width, height } = layout;
    const area = (width * height * options.channels) / MAX_NUMBERS;
    const excess = Math.max(width / MAX_SIDE, height / MAX_SIDE, Math.sqrt(area));
    if (excess <= 1) return layout;
    if (scale * longest <= 1) break;
    scale *= 0.99 / excess; // gutters and labels do not shrink
  }
  throw new UserError(`A picture cannot hold ${plural(rows, "row")} of ${plural(columns, "image")}. Draw fewer.`);
}

function layOut(rows: number, columns: number, tile: Sides, options: GridOptions): Layout {
  const { rowsPerGroup = rows, columnGroups = [], gutter = GUTTER } = options;
  const { labels = [], columnLabels = [], rowTitle = "", columnTitle = "" } = options;
  const hasLines = labels.length > 0 && gutter > 0 && rows <= MAX_LINES;
  const rowHeight = hasLines ? Math.max(tile.height, TEXT_HEIGHT) : tile.height;

  // From left to right: row title, labels, tiles. A column's label may be wider than its column.
  const titleEnd = rowTitle ? LABEL_PADDING + textWidth(rowTitle) : 0;
  const labelsEnd = labels.length > 0 ? titleEnd + Math.max(...labels.map(textWidth)) + 2 * LABEL_PADDING : titleEnd;
  const overhang = Math.max(0, ...columnLabels.map((label) => Math.ceil((textWidth(label) - tile.width) / 2)));
  const left = Math.max(labelsEnd, overhang) + GUTTER;
  const lefts = places(columns, left, tile.width, gutter, (column) => columnGroups.includes(column));
  const right = lefts[columns - 1] + tile.width + GUTTER;

  // From top to bottom: tiles, column labels, column title. A row's label may be higher than its row.
  const rise = labels.length > 0 ? Math.max(0, Math.ceil((TEXT_HEIGHT - rowHeight) / 2)) : 0;
  const tops = places(rows, rise + GUTTER, rowHeight, gutter, (row) => row % rowsPerGroup === 0);
  const bottom = tops[rows - 1] + rowHeight + GUTTER + rise;
  const labelsBottom = bottom + (columnLabels.length > 0 ? LABEL_PADDING + TEXT_HEIGHT : 0);
  const titleBottom = labelsBottom + (columnTitle ? LABEL_PADDING + TEXT_HEIGHT : 0);

  const [width, height] = [right + overhang, titleBottom + (titleBottom > bottom ? LABEL_PADDING : 0)];
  return { width, height, tile, lefts, tops, rowHeight, titleEnd, labelsBottom, titleBottom };
}

function writeTexts(picture: Picture, layout: Layout, options: GridOptions): void {
  const { tile, lefts, tops, rowHeight, titleEnd, labelsBottom, titleBottom } = layout;
  const { labels = [], columnLabels = [], rowTitle = "", columnTitle = "" } = options;
  const write = (text: string, x: number, centre: number) =>
    drawText(picture, text, x, Math.floor(centre - TEXT_HEIGHT / 2), TEXT);
  const writeCentred = (text: string, centre: number, textBottom: number) =>
    drawText(picture, text, Math.round(centre - textWidth(text) / 2), textBottom - TEXT_HEIGHT, TEXT);
  const middles = tops.map((top) => top + rowHeight / 2);
  for (const row of legible(labels, middles, () => TEXT_HEIGHT + 1)) {
    write(labels[row], titleEnd + LABEL_PADDING, middles[row]);
  }
  const centres = lefts.map((start) => start + tile.width / 2);
  for (const column of legible(columnLabels, centres, (label) => textWidth(label) + LABEL_DISTANCE)) {
    writeCentred(columnLabels[column], centres[column], labelsBottom);
  }
  write(rowTitle, LABEL_PADDING, (middles[0] + middles[middles.length - 1]) / 2);
  writeCentred(columnTitle, (centres[0] + centres[centres.length - 1]) / 2, titleBottom);
}

/** Start of each row or column, with a wider gutter before each group. */
function places(count: number, start: number, size: number, gutter: number, begins: (i: number) => boolean): number[] {
  let at = start;
  return Array.from({ length: count }, (_, i) => {
    if (i > 0) at += size + (begins(i) ? GROUP_GUTTER : gutter);
    return at;
  });
}

/** Indices of labels to write: every n-th, with the smallest n without overlaps. `space` is a label's extent. */
function legible(labels: readonly string[], middles: readonly number[], space: (label: string) => number): number[] {
  for (let n = 1; ; n++) {
    const written = [...middles.keys()].filter((i) => labels[i] && i % n === 0);
    const fits = (i: number, j: number) => middles[j] - middles[i] >= (space(labels[i]) + space(labels[j])) / 2;
    if (written.every((j, k) => k === 0 || fits(written[k - 1], j))) return written;
  }
}

/** For each of `drawn` pixels along a side, its range of the `length` source pixels. */
export function spans(length: number, drawn: number): readonly (readonly [first: number, end: number])[] {
  return Array.from({ length: drawn }, (_, i) => {
    const first = Math.floor((i * length) / drawn);
    return [first, Math.max(first + 1, Math.floor(((i + 1) * length) / drawn))];
  });
}

/** Draws a tile: repeats source pixels to magnify, averages them to reduce. */
export function drawTile(
  picture: Picture,
  { pixels, width, channels }: Picture,
  across: ReturnType<typeof spans>,
  down: ReturnType<typeof spans>,
  left: number,
  top: number,
): void {
  for (const [y, [firstRow, endRow]] of down.entries()) {
    let at = ((top + y) * picture.width + left) * channels;
    for (const [firstColumn, endColumn] of across) {
      const count = (endRow - firstRow) * (endColumn - firstColumn);
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let row = firstRow; row < endRow; row++) {
          for (let column = firstColumn; column < endColumn; column++) {
            sum += pixels[(row * width + column) * channels + channel];
          }
        }
        picture.pixels[at++] = Math.round(sum / count);
      }
    }
  }
}
