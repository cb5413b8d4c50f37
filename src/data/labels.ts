// Reads the labels of images from an array: whole numbers, one-hot rows, or rows that begin with the class.
import { UserError } from "../errors.js";
import { LargeInteger } from "../formats/npy.js";
import { printable } from "../wording.js";
import type { FileArray } from "./arrays.js";
import { measureRange } from "./scale.js";

const MAX_LABEL = 65_535;

/**
 * Reads labels of the shape [N], [N, 1], one-hot [N, classes], or QMNIST's [N, 8], whose first column is the class.
 *
 * @returns a note instead of labels if the values are not classes
 * @throws UserError unless there are `count` labels
 */
export function readLabels(array: FileArray, count: number): { labels?: Uint16Array; note?: string } {
  const { name, shape, dtype } = array;
  const [rows, ...rest] = shape;
  const columns = rest.reduce((product, size) => product * size, 1);
  if (rows !== count) throw new UserError(`${name} holds ${rows} labels for ${count} images.`);
  const ignored = (why: string) => ({ note: `The labels in ${name} are ignored: ${why}.` });
  let values: ArrayLike<number>;
  try {
    values = array.values ?? array.pixels?.(rows * columns).read([0]) ?? [];
  } catch (error) {
    if (error instanceof LargeInteger) return { note: `Ignored: ${error.message}` };
    throw error;
  }
  const isQmnist = columns === 8 && dtype === "int32" && /idx2-int/.test(name);
  const labels = columns === 1 || isQmnist ? firstOfRows(values, rows, columns) : oneHotLabels(values, rows, columns);
  if (!labels) return ignored(`their shape is (${printable(shape.join(", "))}), which is not one class for each image`);
  const bad = labels.find((label) => !Number.isInteger(label) || label < 0 || label > MAX_LABEL);
  if (bad !== undefined) return ignored(`${bad} is not a whole number from 0 to ${MAX_LABEL}`);
  return { labels: Uint16Array.from(labels) };
}

/** Whether values are row numbers: 0, 1, 2, … or 1, 2, 3, … */
export function isSequence(values: ArrayLike<number>): boolean {
  if (values.length < 3 || (values[0] !== 0 && values[0] !== 1)) return false;
  return Array.prototype.every.call(values, (value, i) => value === values[0] + i);
}

/** Whether values look like classes: two or more numbers from 0 or 1 without gaps, each twice or more on average. */
export function areClasses(values: ArrayLike<number>): boolean {
  const found = new Set<number>(Array.prototype.slice.call(values));
  const { min, max, isWhole } = measureRange([...found]);
  const isDense = isWhole && (min === 0 || min === 1) && max - min + 1 === found.size;
  return isDense && found.size > 1 && found.size <= values.length / 2;
}

function firstOfRows(values: ArrayLike<number>, rows: number, columns: number): Float64Array {
  return new Float64Array(rows).map((_, row) => values[row * columns]);
}

/** The position of the 1 in each one-hot row. Undefined if any row is not one-hot. */
function oneHotLabels(values: ArrayLike<number>, rows: number, columns: number): Float64Array | undefined {
  const labels = new Float64Array(rows).fill(-1);
  for (let i = 0; i < rows * columns; i++) {
    const row = Math.floor(i / columns);
    if (values[i] === 0) continue;
    if (values[i] !== 1 || labels[row] >= 0) return undefined;
    labels[row] = i % columns;
  }
  return labels.includes(-1) ? undefined : labels;
}
