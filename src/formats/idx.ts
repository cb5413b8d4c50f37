// Parses IDX files of unsigned bytes, the format of MNIST (http://yann.lecun.com/exdb/mnist/): two zero bytes, the
// type, the number of dimensions, each dimension as a big-endian 32-bit integer, the values.
import { UserError } from "../errors.js";
import { type HostArray, sizeOf } from "../tree.js";

/** The length of a header with four dimensions. */
export const MAX_IDX_HEADER_BYTES = 20;

export interface IdxHeader {
  readonly shape: readonly number[];
  /** Where the values begin. */
  readonly start: number;
  /** The length of the file. */
  readonly end: number;
}

/**
 * Parses the header at the beginning of an IDX file.
 *
 * @param ranks the accepted numbers of dimensions: 1 for labels; 3 for images (count, height, width), or 4 (and
 * channels)
 * @throws UserError with the byte that is wrong
 */
export function parseIdxHeader(bytes: Uint8Array, ranks: readonly number[], file: string): IdxHeader {
  const [first, second, type, rank] = bytes;
  const hex = (byte: number) => `0x${byte.toString(16).padStart(2, "0")}`;
  if (bytes.length < 4) fail(file, `it has ${bytes.length} bytes, too few for the magic number`);
  if (first || second) fail(file, `bytes 0 and 1 must be zero, but are ${hex(first)} and ${hex(second)}`);
  if (type !== 0x08) fail(file, `byte 2, the type, must be 0x08 (unsigned bytes), but is ${hex(type)}`);
  if (!ranks.includes(rank)) {
    fail(file, `byte 3, the number of dimensions, must be ${ranks.join(" or ")}, but is ${rank}`);
  }
  const start = 4 + 4 * rank;
  if (bytes.length < start) fail(file, `it ends at byte ${bytes.length}, within its header of ${start} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const zero = shape.indexOf(0);
  if (zero >= 0) fail(file, `dimension ${zero} (at byte ${4 + 4 * zero}) is zero`);
  return { shape, start, end: start + sizeOf(shape) };
}

/** @throws UserError unless a file of `length` bytes is as long as its header says */
export function checkIdxLength({ shape, end }: IdxHeader, length: number, file: string): void {
  const values = shape.join("×");
  if (length < end)
    fail(file, `its header promises ${values} values, ${end} bytes in all, but it ends at byte ${length}`);
  if (length > end) fail(file, `its ${values} values end at byte ${end}, but ${length - end} more bytes follow`);
}

/** Parses an IDX file. The array shares the file's memory. @throws UserError as above */
export function parseIdx(bytes: Uint8Array, ranks: readonly number[], file: string): HostArray<Uint8Array> {
  const header = parseIdxHeader(bytes, ranks, file);
  checkIdxLength(header, bytes.length, file);
  return { data: bytes.subarray(header.start), shape: header.shape };
}

function fail(file: string, problem: string): never {
  throw new UserError(`${file} is not a valid IDX file: ${problem}.`);
}
