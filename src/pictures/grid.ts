// Grids of images. Grey values are drawn as they are: nothing is stretched, so that tiles can be compared.
import { drawText, TEXT_HEIGHT, textWidth } from "./text.js";

/** A grey picture: 0 black to 255 white, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export interface GridOptions {
  /** Width and height of a tile in pixels. */
  readonly width: number;
  readonly height: number;
  /** Rows that belong together are set apart from the next ones by a wider gutter. */
  readonly rowsPerGroup?: number;
  /** What to write to the left of each row. */
  readonly labels?: readonly string[];
}

const BACKGROUND = 56;
const TEXT = 230;
const GUTTER = 2;
const GROUP_GUTTER = 10;
const LABEL_PADDING = 8;
/** Tiles are magnified by a whole number, up to these widths in pixels, so that a grid can be looked at as it is. */
const LARGEST_TILE = 96;
const LARGEST_TILES = 1120;

/** Draws rows of tiles with a thin gutter. A row may be shorter than the others. */
export function drawGrid(rows: readonly (readonly Uint8Array[])[], options: GridOptions): Picture {
  const { width, height, rowsPerGroup = rows.length, labels = [] } = options;
  const columns = Math.max(...rows.map((row) => row.length));
  const scale = Math.max(1, Math.floor(Math.min(LARGEST_TILE, LARGEST_TILES / columns) / width));
  const [tileWidth, tileHeight] = [width * scale, height * scale];
  const labelWidth = labels.length > 0 ? Math.max(...labels.map(textWidth)) + 2 * LABEL_PADDING : 0;
  const rowHeight = labels.length > 0 ? Math.max(tileHeight, TEXT_HEIGHT) : tileHeight;
  const groups = Math.ceil(rows.length / rowsPerGroup);
  const picture = blank(
    labelWidth + GUTTER + columns * (tileWidth + GUTTER),
    GUTTER + rows.length * (rowHeight + GUTTER) + (groups - 1) * (GROUP_GUTTER - GUTTER),
  );
  let top = GUTTER;
  rows.forEach((row, r) => {
    if (r > 0 && r % rowsPerGroup === 0) top += GROUP_GUTTER - GUTTER;
    if (labels[r]) drawText(picture, labels[r], LABEL_PADDING, top + Math.floor((rowHeight - TEXT_HEIGHT) / 2), TEXT);
    row.forEach((tile, c) => {
      drawTile(picture, tile, width, height, scale, labelWidth + GUTTER + c * (tileWidth + GUTTER), top);
    });
    top += rowHeight + GUTTER;
  });
  return picture;
}

function blank(width: number, height: number): Picture {
  return { width, height, pixels: new Uint8Array(width * height).fill(BACKGROUND) };
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
  for (let y = 0; y < height * scale; y++) {
    const source = Math.floor(y / scale) * width;
    const target = (top + y) * picture.width + left;
    for (let x = 0; x < width * scale; x++) {
      picture.pixels[target + x] = tile[source + Math.floor(x / scale)];
    }
  }
}
