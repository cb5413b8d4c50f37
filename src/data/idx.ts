// The IDX format of the MNIST files, read strictly. Does not touch the disk.
import { UserError } from "../errors.js";
import type { HostArray } from "../tree.js";
import { sizeOf } from "../tree.js";

const UNSIGNED_BYTE = 0x08;

/**
 * Reads an IDX file of unsigned bytes: two zero bytes, the type, the number of dimensions, each dimension as a
 * big-endian 32-bit integer, then the values (http://yann.lecun.com/exdb/mnist/). The array shares the file's memory.
 *
 * @param rank the number of dimensions that the file must have: 3 for images (count, height, width)
 * @param file what to call the file in errors
 * @throws UserError that says what is wrong and at which byte
 */
export function parseIdx(bytes: Uint8Array, rank: number, file: string): HostArray<Uint8Array> {
  const fail = (problem: string): never => {
    throw new UserError(`${file} is not a valid IDX file: ${problem}.`);
  };
  const hex = (byte: number) => `0x${byte.toString(16).padStart(2, "0")}`;
  if (bytes.length < 4) fail(`it has ${bytes.length} bytes, too few for the magic number`);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) fail("it is compressed with gzip; decompress it first (gunzip)");
  if (bytes[0] !== 0 || bytes[1] !== 0) {
    fail(`bytes 0 and 1 must be zero, but are ${hex(bytes[0])} and ${hex(bytes[1])}`);
  }
  if (bytes[2] !== UNSIGNED_BYTE) fail(`byte 2, the type, must be 0x08 (unsigned bytes), but is ${hex(bytes[2])}`);
  if (bytes[3] !== rank) fail(`byte 3, the number of dimensions, must be ${rank}, but is ${bytes[3]}`);
  const headerLength = 4 + 4 * rank;
  if (bytes.length < headerLength) {
    fail(`it ends at byte ${bytes.length}, within its header of ${headerLength} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  shape.forEach((dimension, axis) => {
    if (dimension === 0) fail(`dimension ${axis} (at byte ${4 + 4 * axis}) is zero`);
  });
  const expected = headerLength + sizeOf(shape);
  if (bytes.length < expected) {
    fail(
      `its header promises ${shape.join("×")} values, ${expected} bytes in all, but it ends at byte ${bytes.length}`,
    );
  }
  if (bytes.length > expected) {
    fail(`its ${shape.join("×")} values end at byte ${expected}, but ${bytes.length - expected} more bytes follow`);
  }
  return { data: bytes.subarray(headerLength), shape };
}
