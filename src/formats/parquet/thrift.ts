// Checks headers of Parquet files, in Thrift's compact protocol, before hyparquet parses them.
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
import { assert } from "./checks.js";

/** Finds the end of a struct. Throws if a length in it exceeds the bytes, because hyparquet would allocate it. */
export function skipStruct(bytes: Uint8Array, at: number): number {
  for (;;) {
    assert(at < bytes.length);
    const field = bytes[at++];
    if (field === 0) return at;
    if (field >> 4 === 0) [, at] = readVarint(bytes, at, 5);
    const type = field & 0xf;
    if (type > 2) at = skipValue(bytes, at, type); // 1 and 2 are the values true and false
  }
}

function skipValue(bytes: Uint8Array, at: number, type: number): number {
  if (type <= 3) return at + 1; // a byte, or a boolean in a list
  if (type <= 6) return readVarint(bytes, at, 10)[1];
  if (type === 7) return at + 8;
  if (type === 8) {
    const [length, start] = readVarint(bytes, at, 5);
    return start + length;
  }
  if (type === 12) return skipStruct(bytes, at);
  assert(type === 9); // a list; Parquet uses no other types
  const head = bytes[at++];
  let length = head >> 4;
  if (length === 15) [length, at] = readVarint(bytes, at, 5);
  for (let i = 0; i < length; i++) {
    assert(at < bytes.length);
    at = skipValue(bytes, at, head & 0xf);
  }
  return at;
}

/** Reads an integer of seven bits per byte. @returns its lower 32 bits, and the position after it */
export function readVarint(bytes: Uint8Array, at: number, maxBytes: number): [value: number, end: number] {
  let value = 0;
  for (let i = 0; i < maxBytes; i++) {
    assert(at + i < bytes.length);
    const byte = bytes[at + i];
    if (i < 5) value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return [value >>> 0, at + i + 1];
  }
  throw new Error("an integer is too long");
}
