// Parses IDX files, the format of MNIST (http://yann.lecun.com/exdb/mnist/): two zero bytes, a byte for the type, one
// for the number of dimensions, the dimensions as big-endian 32-bit integers, and the values, big-endian.
import { UserError } from "../errors.js";
import { sizeOf } from "../tree.js";

/** Types by their code in the header, with NumPy's names. */
const TYPES = {
  8: { name: "uint8", Values: Uint8Array },
  9: { name: "int8", Values: Int8Array },
  11: { name: "int16", Values: Int16Array },
  12: { name: "int32", Values: Int32Array },
  13: { name: "float32", Values: Float32Array },
  14: { name: "float64", Values: Float64Array },
} as const;
type Type = (typeof TYPES)[keyof typeof TYPES];

/** The length of a header with four dimensions, the most that images have. */
export const MAX_IDX_HEADER_BYTES = 20;

export interface IdxArray {
  /** NumPy's name of the type in the file. */
  readonly dtype: Type["name"];
  readonly shape: readonly number[];
  /** May share the file's memory. */
  readonly data: InstanceType<Type["Values"]>;
}

export interface IdxHeader extends Pick<IdxArray, "dtype" | "shape"> {
  readonly Values: Type["Values"];
  /** Where the values begin. */
  readonly start: number;
  /** The length of the file. */
  readonly end: number;
}

/**
 * Parses the header at the beginning of an IDX file.
 *
 * @throws UserError that names the wrong byte
 */
export function parseIdxHeader(bytes: Uint8Array, file: string): IdxHeader {
  const [first, second, code, rank] = bytes;
  const hex = (byte: number) => `0x${byte.toString(16).padStart(2, "0")}`;
  if (bytes.length < 4) fail(file, `it has ${bytes.length} bytes, too few for the magic number`);
  if (first || second) fail(file, `bytes 0 and 1 must be zero, but are ${hex(first)} and ${hex(second)}`);
  if (!isTypeCode(code)) {
    return fail(file, `byte 2, the type, must be 0x08 (unsigned bytes), 0x09 or 0x0b to 0x0e, but is ${hex(code)}`);
  }
  if (rank < 1 || rank > 4) fail(file, `byte 3, the number of dimensions, must be 1 to 4, but is ${rank}`);
  const start = 4 + 4 * rank;
  if (bytes.length < start) fail(file, `it ends at byte ${bytes.length}, within its header of ${start} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const zero = shape.indexOf(0);
  if (zero >= 0) fail(file, `dimension ${zero} (at byte ${4 + 4 * zero}) is zero`);
  const { name: dtype, Values } = TYPES[code];
  return { dtype, Values, shape, start, end: start + Values.BYTES_PER_ELEMENT * sizeOf(shape) };
}

/** @throws UserError unless a file of `length` bytes is as long as its header says */
export function checkIdxLength({ shape, end }: IdxHeader, length: number, file: string): void {
  const values = shape.join("×");
  if (length < end)
    fail(file, `its header promises ${values} values, ${end} bytes in all, but it ends at byte ${length}`);
  if (length > end) fail(file, `its ${values} values end at byte ${end}, but ${length - end} more bytes follow`);
}

/** Parses an IDX file. @throws UserError if it is not valid */
export function parseIdx(bytes: Uint8Array, file: string): IdxArray {
  const header = parseIdxHeader(bytes, file);
  checkIdxLength(header, bytes.length, file);
  const { dtype, Values, shape, start } = header;
  const content = bytes.subarray(start);
  if (Values === Uint8Array) return { dtype, shape, data: content as Uint8Array<ArrayBuffer> };
  const swapped = new Uint8Array(content);
  const size = Values.BYTES_PER_ELEMENT;
  for (let i = 0; i < swapped.length; i += size) swapped.subarray(i, i + size).reverse();
  return { dtype, shape, data: new Values(swapped.buffer) };
}

function isTypeCode(code: number): code is keyof typeof TYPES {
  return Object.hasOwn(TYPES, code);
}

function fail(file: string, problem: string): never {
  throw new UserError(`${file} is not a valid IDX file: ${problem}.`);
}
