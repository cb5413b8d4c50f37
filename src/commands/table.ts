// Lays out text tables to fit a terminal.
import { LONE_SURROGATES, visible } from "../wording.js";
import { type Io, widthOf } from "./io.js";

export interface Column {
  readonly title: string;
  readonly cells: readonly string[];
  readonly isNumber?: boolean;
}

/** Shown for a missing value. */
export const NONE = "–";

const GAP = "  ";

/** The width of a table on stdout. */
export function tableWidth({ stdout }: Io): number {
  return widthOf(stdout);
}

/** Pads the title and the cells of a column to one width. */
export function pad({ title, cells, isNumber }: Column): string[] {
  const shown = [title, ...cells.map(visible)];
  const widest = Math.max(...shown.map((cell) => cell.length));
  return shown.map((cell) => (isNumber ? cell.padStart(widest) : cell.padEnd(widest)));
}

/** The width of columns right of another one, with gaps. */
export function columnsWidth(columns: readonly Column[]): number {
  return columns.reduce((sum, column) => sum + pad(column)[0].length + GAP.length, 0);
}

/**
 * Lines of a table. Columns that exceed the width follow in further blocks, each with the first column again.
 *
 * @param last number of last columns to keep in one block, if they fit
 */
export function layOut(columns: readonly Column[], width: number, last = 0): string[] {
  const [first, ...rest] = columns.map(pad);
  const isWhole = first[0].length + columnsWidth(columns.slice(1)) <= width;
  const blocks: string[][][] = [];
  let used = Infinity;
  for (const [i, column] of rest.entries()) {
    const needed = GAP.length + column[0].length;
    if (used + needed > width || (!isWhole && i === rest.length - last)) {
      blocks.push([first]);
      used = first[0].length;
    }
    blocks[blocks.length - 1].push(column);
    used += needed;
  }
  return blocks.flatMap((block, i) => [...(i > 0 ? [""] : []), ...joinColumns(block, GAP)]);
}

/** Rows of padded columns. */
export function joinColumns(columns: readonly (readonly string[])[], gap: string): string[] {
  return columns[0].map((_, row) =>
    columns
      .map((column) => column[row])
      .join(gap)
      .trimEnd(),
  );
}

/** Wraps words to lines of `width` characters. Longer words have a line each. */
export function wrap(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Cuts the middle of a text. Keeps more of the end, which distinguishes names. */
export function shorten(text: string, max: number): string {
  const shown = visible(text);
  if (shown.length <= max) return shown;
  const start = Math.floor((max - 1) / 3);
  return `${shown.slice(0, start)}…${shown.slice(start + 1 - max)}`.replace(LONE_SURROGATES, "");
}
