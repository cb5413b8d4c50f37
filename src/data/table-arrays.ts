// Extracts images and labels from a table of numbers with one row per image.
import { UserError } from "../errors.js";
import type { NumberTable } from "../formats/table.js";
import type { Size } from "../values/size.js";
import { listSome } from "../wording.js";
import type { FileArray } from "./arrays.js";
import { areClasses, isSequence } from "./labels.js";
import { endingOf, parseName, SPLITS, type Split } from "./names.js";
import { measureRange } from "./scale.js";

const LABEL_COLUMN = /^(label|labels|class|target|y|digit|emotion|category)$/i;
/** Columns of row numbers. */
const NUMBER_COLUMN = /^(|index|unnamed: ?\d+|(.*[_ ])?id|[a-z]+Id)$/i;
/** Columns of pixels: pixel0, 1x1, 783. */
const PIXEL_COLUMN = /\d$/;
/** The most columns that a message names. */
const MAX_NAMED = 5;

/** The columns of a table by their content. */
interface Columns {
  readonly pixels: readonly number[];
  readonly label?: number | undefined;
  /** The number of header rows before the images. */
  readonly skipped: number;
  readonly notes: readonly string[];
}

/**
 * Extracts images, and labels if there are any, from a table. Labels are the column named `label` or similar; without
 * names, the first or the last column, if the others are an image. A column of texts such as Training and PublicTest
 * divides the rows into splits.
 *
 * @param size the given size of the images
 * @throws UserError if it is unclear which columns are pixels
 */
export function openTable(table: NumberTable, file: string, size?: Size | null): FileArray[] {
  const { pixels, label, skipped, notes } = findColumns(table, file, size);
  const { texts } = table;
  const splitColumn = [...texts].find(([, column]) => column.every((text) => parseName(text).split));
  const splits = splitColumn?.[1].map((text) => parseName(text).split);
  const ignored = [...texts.keys()].filter((name) => name !== splitColumn?.[0]);
  const arraysOf = (split?: Split): FileArray[] => {
    const rows: number[] = [];
    for (let row = skipped; row < table.rows; row++) if (!splits || splits[row] === split) rows.push(row);
    const array = (role: "images" | "labels", columns: readonly number[]): FileArray => {
      const values = pick(table, rows, columns);
      const dtype = measureRange(values).isWhole ? "int64" : "float64";
      const shape = role === "labels" ? [rows.length] : [rows.length, columns.length];
      return { name: file, key: split ? `${split}_${role}` : role, dtype, shape, values };
    };
    if (rows.length === 0) return [];
    return [
      ...(pixels.length > 0 ? [array("images", pixels)] : []),
      ...(label === undefined ? [] : [array("labels", [label])]),
    ];
  };
  const found = splits ? SPLITS.flatMap(arraysOf) : arraysOf();
  const isFloat = found.some(({ dtype, key }) => dtype === "float64" && key?.endsWith("images"));
  const [first, ...others] = found.map((array) => (isFloat ? { ...array, dtype: "float64" } : array));
  const text = ignored.length > 0 ? [`Columns of text in ${file} are ignored: ${listSome(ignored, MAX_NAMED)}.`] : [];
  return first ? [{ ...first, notes: [...notes, ...text] }, ...others] : [];
}

/** The values of some rows and columns, as bytes if all of them fit. */
function pick({ data, columns: width }: NumberTable, rows: readonly number[], columns: readonly number[]) {
  const count = rows.length * columns.length;
  const isByte = rows.every((row) => columns.every((column) => isByteValue(data[row * width + column])));
  const values = isByte ? new Uint8Array(count) : new Float32Array(count);
  let at = 0;
  for (const row of rows) for (const column of columns) values[at++] = data[row * width + column];
  return values;
}

function isByteValue(value: number): boolean {
  return (value & 0xff) === value;
}

function findColumns(table: NumberTable, file: string, size?: Size | null): Columns {
  const { header, columns } = table;
  const all = Array.from({ length: columns }, (_, at) => at);
  if (!header) return findUnnamed(table, file, size);
  const names = header.map((name) => name.trim());
  const label = names.findIndex((name) => LABEL_COLUMN.test(name));
  const pixels = all.filter((at) => at !== label && !NUMBER_COLUMN.test(names[at]));
  const odd = pixels.filter((at) => !PIXEL_COLUMN.test(names[at])).map((at) => names[at]);
  if (odd.length > 0 && odd.length < pixels.length / 2) {
    throw new UserError(
      `${file} has columns that are not pixels: ${listSome(odd, MAX_NAMED)}. Name the labels "label", and leave out ` +
        "the others.",
    );
  }
  return { pixels, ...(label >= 0 && { label }), skipped: 0, notes: [] };
}

/** Finds columns without names, or with a first row that numbers them. */
function findUnnamed(table: NumberTable, file: string, size?: Size | null): Columns {
  const { columns } = table;
  const skipped = isNumbering(table) ? 1 : 0;
  const notes = skipped ? [`The first line of ${file} is read as column names.`] : [];
  let pixels = Array.from({ length: columns }, (_, at) => at);
  const hasOtherColumns = () => !isImage(pixels.length, size);
  if (
    hasOtherColumns() &&
    (isImage(columns - 1, size) || isImage(columns - 2, size)) &&
    isSequence(columnOf(table, 0, skipped))
  ) {
    pixels = pixels.slice(1);
    notes.push(`The first column of ${file} is read as row numbers.`);
  }
  if (!hasOtherColumns() || !isImage(pixels.length - 1, size)) return { pixels, skipped, notes };
  const [first, last] = [pixels[0], columns - 1];
  const candidates =
    endingOf(file) === ".amat" ? [last] : [first, last].filter((at) => areClasses(columnOf(table, at, skipped)));
  if (candidates.length !== 1) {
    throw new UserError(
      `${file} has ${columns} columns, one more than an image of ${pixels.length - 1} pixels. Add a first line ` +
        'of column names, and name the labels "label".',
    );
  }
  const [label] = candidates;
  notes.push(`The ${label === last ? "last" : "first"} column of ${file} is read as labels.`);
  return { pixels: pixels.filter((at) => at !== label), label, skipped, notes };
}

/** Whether `count` values can be an image of the given size, or else a square one, in grey or colour. */
function isImage(count: number, size?: Size | null): boolean {
  if (size) return count === size.width * size.height || count === 3 * size.width * size.height;
  return Number.isInteger(Math.sqrt(count)) || Number.isInteger(Math.sqrt(count / 3));
}

/**
 * Whether the first row numbers the columns: 0, 1, 2, …; or pandas took a row of values for names and made them unique:
 * 0, 0.1, 0.2, … above whole numbers.
 */
function isNumbering({ data, rows, columns }: NumberTable): boolean {
  const first = data.subarray(0, columns);
  if (columns < 4 || rows < 2) return false;
  if (first.every((value, at) => value === at)) return true;
  const isWhole = (values: Float32Array) => measureRange(values).isWhole;
  return !isWhole(first) && isWhole(data.subarray(columns));
}

function columnOf({ data, rows, columns }: NumberTable, at: number, skipped: number): Float32Array {
  return new Float32Array(rows - skipped).map((_, row) => data[(row + skipped) * columns + at]);
}
