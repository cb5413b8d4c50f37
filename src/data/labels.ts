// Reads the labels of images from an array: whole numbers, one-hot rows, columns whose first is the class.
import { UserError } from "../errors.js";
import type { FileArray } from "./arrays.js";

const MAX_LABEL = 65_535;

/**
 * Reads labels: [N], [N, 1], one-hot [N, classes], or QMNIST's [N, 8], whose first column is the class.
 *
 * @returns a note instead of labels if they are no classes
 * @throws UserError if their number differs from that of the images
 */
export function readLabels(array: FileArray, count: number): { labels?: Uint16Array; note?: string } {
  const { name, shape, dtype } = array;
  const [rows, ...rest] = shape;
  const columns = rest.reduce((product, size) => product * size, 1);
  if (rows !== count) throw new UserError(`${name} holds ${rows} labels for ${count} images.`);
  const ignored = (why: string) => ({ note: `The labels in ${name} are ignored: ${why}.` });
  const values = array.values ?? array.pixels?.(rows * columns).read([0]) ?? [];
  const row = (i: number) => Array.prototype.slice.call(values, i * columns, (i + 1) * columns) as number[];
  const numbers = Array.from({ length: rows }, (_, i) => row(i));
  let labels: number[];
  if (columns === 1) labels = numbers.map(([label]) => label);
  else if (numbers.every(isOneHot)) labels = numbers.map((values) => values.indexOf(1));
  else if (columns === 8 && dtype === "int32" && /idx2-int/.test(name)) labels = numbers.map(([label]) => label);
  else return ignored(`their shape is (${shape.join(", ")}), and one class for each image is needed`);
  const bad = labels.find((label) => !Number.isInteger(label) || label < 0 || label > MAX_LABEL);
  if (bad !== undefined) return ignored(`${bad} is not a whole number from 0 to ${MAX_LABEL}`);
  return { labels: Uint16Array.from(labels) };
}

function isOneHot(row: readonly number[]): boolean {
  return row.filter((value) => value === 1).length === 1 && row.every((value) => value === 0 || value === 1);
}
