// Flattens nested arrays of numbers to row-major arrays.
import { UserError } from "../errors.js";
import { type HostArray, sizeOf } from "../tree.js";
import { describeValue } from "../wording.js";

/** For example `[[0, 1], [2, 3]]`. The innermost rows may be typed arrays. */
export type NestedArray = readonly (number | Float32Array | Uint8Array | NestedArray)[];

/** In one array: 0.8 GB. */
export const MAX_NUMBERS = 200e6;
/** The axes of [N, height, width, 3]. */
const MAX_DEPTH = 4;

/**
 * Flattens nested arrays. Rows of bytes stay bytes; everything else becomes float32.
 *
 * @throws UserError if they are empty, ragged or too large, or hold anything but finite numbers
 */
export function flatten(nested: readonly unknown[], what: string): HostArray {
  const { shape, isBytes } = measure(nested);
  if (shape.includes(0)) throw new UserError(`There are no ${what}.`);
  const size = sizeOf(shape);
  if (shape.length > MAX_DEPTH || size > MAX_NUMBERS) {
    throw new UserError(`The ${what} are nested arrays of more than ${MAX_DEPTH} axes or ${MAX_NUMBERS} numbers.`);
  }
  const data = isBytes ? new Uint8Array(size) : new Float32Array(size);
  let at = 0;
  const fill = (item: unknown, depth: number): void => {
    if (depth === shape.length) {
      if (typeof item !== "number" || !Number.isFinite(Math.fround(item))) {
        throw new UserError(`The ${what} hold ${describeValue(item)}. Give finite numbers only.`);
      }
      data[at++] = item;
      return;
    }
    const isRow = depth === shape.length - 1;
    const fits = isArray(item) && item.length === shape[depth] && (!isRow || item instanceof Uint8Array === isBytes);
    if (!fits) throw new UserError(`The ${what} are ragged: the first have the shape [${shape}], others differ.`);
    for (let i = 0; i < item.length; i++) fill(item[i], depth + 1);
  };
  fill(nested, 0);
  return { data, shape };
}

/** The shape, measured at the first item of each axis, and whether the first row holds bytes. */
function measure(nested: readonly unknown[]): { shape: number[]; isBytes: boolean } {
  const shape: number[] = [];
  let row: unknown = nested;
  let isBytes = false;
  for (; isArray(row) && shape.length <= MAX_DEPTH; row = row[0]) {
    shape.push(row.length);
    isBytes = row instanceof Uint8Array;
  }
  return { shape, isBytes };
}

function isArray(item: unknown): item is ArrayLike<unknown> {
  return Array.isArray(item) || item instanceof Float32Array || item instanceof Uint8Array;
}
