// The IDX format of the MNIST files, read strictly. Does not touch the disk.
import { UserError } from "../errors.js";
import type { HostArray } from "../tree.js";
import { sizeOf } from "../tree.js";

const UNSIGNED_BYTE = 0x08;
/** Of a header with four dimensions. */
export const MAX_IDX_HEADER_BYTES = 20;

/** What the header of an IDX file says. */
export interface IdxHeader {
  readonly shape: readonly number[];
  /** Where the values begin. */
  readonly start: number;
  /** The length of the whole file. */
  readonly end: number;
}

/**
 * Reads the header of an IDX file of unsigned bytes: two zero bytes, the type, the number of dimensions, then each dimension as a
 * big-endian 32-bit integer (http://yann.lecun.com/exdb/mnist/).
 *
 * @param bytes the beginning of the file, or all of it
 * @param ranks the numbers of dimensions that the file may have: 1 for labels; 3 for images (count, height, width), or 4 (and channels)
 * @param file what to call the file in errors
 * @throws UserError that says what is wrong and at which byte
 */
export function parseIdxHeader(bytes: Uint8Array, ranks: readonly number[], file: string): IdxHeader {
  const fail = failure(file);
  const hex = (byte: number) => `0x${byte.toString(16).padStart(2, "0")}`;
  if (bytes.length < 4) fail(`it has ${bytes.length} bytes, too few for the magic number`);
  if (bytes[0] !== 0 || bytes[1] !== 0) {
    fail(`bytes 0 and 1 must be zero, but are ${hex(bytes[0])} and ${hex(bytes[1])}`);
  }
  if (bytes[2] !== UNSIGNED_BYTE) fail(`byte 2, the type, must be 0x08 (unsigned bytes), but is ${hex(bytes[2])}`);
  const rank = bytes[3];
  if (!ranks.includes(rank)) fail(`byte 3, the number of dimensions, must be ${ranks.join(" or ")}, but is ${rank}`);
  const start = 4 + 4 * rank;
  if (bytes.length < start) fail(`it ends at byte ${bytes.length}, within its header of ${start} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  shape.forEach((dimension, axis) => {
    if (dimension === 0) fail(`dimension ${axis} (at byte ${4 + 4 * axis}) is zero`);
  });
  return { shape, start, end: start + sizeOf(shape) };
}

/** @throws UserError if a file of `length` bytes is not what its header promises */
export function checkIdxLength({ shape, end }: IdxHeader, length: number, file: string): void {
  const fail = failure(file);
  if (length < end) {
    fail(`its header promises ${shape.join("×")} values, ${end} bytes in all, but it ends at byte ${length}`);
  }
  if (length > end) fail(`its ${shape.join("×")} values end at byte ${end}, but ${length - end} more bytes follow`);
}

/** Reads a whole IDX file. The array shares the file's memory. @throws UserError as above */
export function parseIdx(bytes: Uint8Array, ranks: readonly number[], file: string): HostArray<Uint8Array> {
  const header = parseIdxHeader(bytes, ranks, file);
  checkIdxLength(header, bytes.length, file);
  return { data: bytes.subarray(header.start), shape: header.shape };
}

/** The header of an IDX file of unsigned bytes. */
export function encodeIdxHeader(shape: readonly number[]): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint8(2, UNSIGNED_BYTE);
  header.setUint8(3, shape.length);
  shape.forEach((size, axis) => {
    header.setUint32(4 + 4 * axis, size);
  });
  return new Uint8Array(header.buffer);
}

function failure(file: string): (problem: string) => never {
  return (problem) => {
    throw new UserError(`${file} is not a valid IDX file: ${problem}.`);
  };
}
