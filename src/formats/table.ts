// Parses tables of numbers: CSV with commas, semicolons or tabs, and numbers between spaces (.amat). Formats CSV rows.
import { Cursor, refuse } from "./table/cursor.js";

/** Limits the cells of a row, which take more memory in the first row than in others. */
const MAX_CELLS = 2 ** 22;

export interface NumberTable {
  /** The name of each column of numbers, if the first line holds names. */
  readonly header?: readonly string[];
  readonly columns: number;
  readonly rows: number;
  /**
   * `[rows, columns]`. Integers up to 2^24 are exact. Contains NaN and Infinity where the file says `nan` and `inf`.
   */
  readonly data: Float32Array;
  /** Columns of text by name, with a text for each row. `header` and `columns` do not count them. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
}

/** The cells at one place of each row. */
interface Column {
  /** Its name, or its number from 1 if it has none: for messages. */
  readonly label: string | number;
  /** The number of values in each cell. */
  readonly width: number;
  /** Collects the cells of a column of text. */
  readonly texts: string[] | undefined;
  /** Whether its cells are not parsed. */
  readonly isSkipped: boolean;
}

/**
 * Parses a table and skips blank lines. The first line is a header if any of its cells is not a number.
 *
 * A cell can hold several numbers between spaces, such as the pixels of an image. It gives as many columns, which have
 * the same name. Below a header, a column is text if its first cell begins with a letter. Quoted cells can contain line
 * ends.
 *
 * @param isWanted if the table has a header, parses only the columns of these names, which must be numbers
 * @param isText if the table has a header, the columns of these names are text
 * @throws UserError with the line and the column that is wrong
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

  // A value and its separator take two bytes: a long line above many blank ones allocates no more than this.
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
    if (count !== cells.length) cursor.fail(`this row has ${count} values, and those before it ${cells.length}`);
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
 * Formats a row of CSV (RFC 4180), with a line feed. Quotes cells that are empty, contain a separator, a quote or a
 * line end, or begin or end with a blank.
 */
export function formatCsvRow(cells: readonly (string | number)[]): string {
  const format = (cell: string | number) => {
    const text = String(cell);
    return /^$|^\s|\s$|[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${cells.map(format).join(",")}\n`;
}

/** @returns how many numbers each cell of this line holds; 0 if any part of it is not a number */
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

/** Decides what the columns hold by the first row below the header. */
function readColumns(
  cursor: Cursor,
  names: readonly string[] | undefined,
  isWanted?: (name: string) => boolean,
  isText?: (name: string) => boolean,
): Column[] {
  const widths = countNumbers(cursor);
  if (names && names.length !== widths.length) {
    cursor.fail(`this row has ${widths.length} values, and the header ${names.length} names`);
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

/** Reads the numbers of a cell to `data`, from `start` on. @returns where they end */
function readNumbers(cursor: Cursor, { label, width }: Column, data: Float32Array, start: number): number {
  let end = start;
  while (cursor.hasNumber()) {
    const value = cursor.number();
    if (value === undefined) cursor.fail(`${cursor.word()} is not a number`, label);
    data[end++] = value;
  }
  if (end === start) cursor.fail("the cell is empty", label);
  if (end - start !== width) cursor.fail(`this cell has ${end - start} numbers, and those above it ${width}`, label);
  return end;
}
