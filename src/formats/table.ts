// Parses tables of numbers: CSV with commas, semicolons or tabs, and numbers separated by spaces (.amat). Formats CSV.
import { Cursor, refuse } from "./table/cursor.js";

/** Limits the cells of a row, because each cell of the first row takes much memory. */
const MAX_CELLS = 2 ** 22;

export interface NumberTable {
  /** The name of each column of numbers, if the first line holds names. */
  readonly header?: readonly string[];
  readonly columns: number;
  readonly rows: number;
  /**
   * `[rows, columns]`. Integers up to 2^24 are exact. `nan` and `inf` become NaN and Infinity.
   */
  readonly data: Float32Array;
  /** Columns of text by name, with one text per row. `header` and `columns` exclude them. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
}

/** A column of cells. */
interface Column {
  /** Its name, or without one its number from 1, for messages. */
  readonly label: string | number;
  /** The number of values in each cell. */
  readonly width: number;
  /** Collects the cells of a column of text. */
  readonly texts: string[] | undefined;
  /** Whether to ignore its cells. */
  readonly isSkipped: boolean;
}

/**
 * Parses a table and skips blank lines. The first line is a header if any of its cells is not a number.
 *
 * A cell can hold several numbers separated by spaces, such as the pixels of an image. They become columns of the same
 * name. Below a header, a column is text if its first cell begins with a letter. Quoted cells can contain line ends.
 *
 * @param isWanted selects columns of numbers by name, and ignores all others. Applies to tables with a header
 * @param isText selects columns of text by name. Applies to tables with a header
 * @throws UserError with the wrong line and column
 */
export function parseTable(
  bytes: Uint8Array,
  file: string,
  isWanted?: (name: string) => boolean,
  isText?: (name: string) => boolean,
): NumberTable {
  const cursor = new Cursor(bytes, file);
  if (!cursor.nextLine()) refuse(file, "it is empty");
  const names = countNumbers(cursor).includes(0) ? readTexts(cursor) : undefined;
  if (names && !cursor.nextLine()) refuse(file, "it has a header, but no rows");
  const cells = readColumns(cursor, names, isWanted, isText);
  const columns = cells.reduce((sum, { width }) => sum + width, 0);

  // A value and its separator take two bytes, which bounds the memory for a long line above many blank ones.
  const data = new Float32Array(Math.min(columns * cursor.countLines(), Math.ceil(bytes.length / 2)));
  let length = 0;
  let rows = 0;
  do {
    let count = 0;
    for (cursor.rewind(); cursor.nextCell(); count++) {
      const column = cells[count];
      if (column?.texts) column.texts.push(cursor.text());
      else if (column && !column.isSkipped) length = readNumbers(cursor, column, data, length);
    }
    if (count !== cells.length) cursor.fail(`this row has ${count} values, but earlier rows have ${cells.length}`);
    rows++;
  } while (cursor.nextLine());

  const texts = new Map<string, readonly string[]>();
  names?.forEach((name, i) => {
    if (cells[i].texts) texts.set(name, cells[i].texts);
  });
  const header = names?.flatMap((name, i) => new Array<string>(cells[i].width).fill(name));
  return { ...(header && { header }), columns, rows, data: data.subarray(0, length), texts };
}

/**
 * Formats a row of CSV (RFC 4180), with a line feed. Quotes cells that are empty, that contain a separator, a quote or
 * a line end, or that begin or end with a blank.
 */
export function formatCsvRow(cells: readonly (string | number)[]): string {
  const format = (cell: string | number) => {
    const text = String(cell);
    return /^$|^\s|\s$|[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${cells.map(format).join(",")}\n`;
}

/** @returns the number of numbers in each cell of this line, 0 if any part of the cell is not a number */
function countNumbers(cursor: Cursor): number[] {
  const counts: number[] = [];
  for (cursor.rewind(); cursor.nextCell(); ) {
    let count = 0;
    while (cursor.hasNumber()) {
      if (cursor.number() === undefined) {
        count = 0;
        break;
      }
      count++;
    }
    counts.push(count);
    if (counts.length > MAX_CELLS) cursor.fail(`this row has more than ${MAX_CELLS} values`);
  }
  return counts;
}

function readTexts(cursor: Cursor): string[] {
  const texts: string[] = [];
  for (cursor.rewind(); cursor.nextCell(); ) texts.push(cursor.text());
  return texts;
}

/** Finds the columns and their content by the first row below the header. */
function readColumns(
  cursor: Cursor,
  names: readonly string[] | undefined,
  isWanted?: (name: string) => boolean,
  isText?: (name: string) => boolean,
): Column[] {
  const widths = countNumbers(cursor);
  if (names && names.length !== widths.length) {
    cursor.fail(`this row has ${widths.length} values, but the header has ${names.length} names`);
  }
  const first = widths.includes(0) ? readTexts(cursor) : [];
  const columns = widths.map((width, i) => {
    const isOther = names !== undefined && isWanted?.(names[i]) === false;
    const hasTexts =
      (names !== undefined && isText?.(names[i])) || (width === 0 && !isWanted && /^\p{L}/u.test(first[i]));
    const isSkipped = isOther && !hasTexts;
    const label = names?.[i] || i + 1;
    return { label, width: isOther || hasTexts ? 0 : width, texts: hasTexts ? [] : undefined, isSkipped };
  });
  const labels = columns.filter(({ texts }) => texts).map(({ label }) => label);
  if (labels.length === columns.length) cursor.fail("this row has no numbers");
  if (new Set(labels).size < labels.length) cursor.fail("two columns of text have the same name");
  return columns;
}

/** Reads the numbers of a cell into `data`, from `start` on. @returns the position after the last one */
function readNumbers(cursor: Cursor, { label, width }: Column, data: Float32Array, start: number): number {
  let end = start;
  while (cursor.hasNumber()) {
    const value = cursor.number();
    if (value === undefined) cursor.fail(`${cursor.word()} is not a number`, label);
    data[end++] = value;
  }
  if (end === start) cursor.fail("the cell is empty", label);
  if (end - start !== width) cursor.fail(`this cell has ${end - start} numbers, but cells above have ${width}`, label);
  return end;
}
