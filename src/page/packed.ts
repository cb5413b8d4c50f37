// Arrays in JSON: little-endian values in base64, as browsers' typed arrays are on all common machines.
import type { PackedArray } from "../explore/protocol.js";

export function unpackFloats({ base64 }: PackedArray): Float32Array<ArrayBuffer> {
  return new Float32Array(bytesOf(base64).buffer);
}

export function unpackBytes({ base64 }: PackedArray): Uint8Array<ArrayBuffer> {
  return bytesOf(base64);
}

/** Unpacks an array of either type. */
export function unpackNumbers(array: PackedArray): Uint8Array | Float32Array {
  return array.dtype === "uint8" ? unpackBytes(array) : unpackFloats(array);
}

export function packFloats(values: Float32Array, shape: readonly number[]): PackedArray {
  return {
    dtype: "float32",
    shape,
    base64: base64Of(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  };
}

export function packBytes(bytes: Uint8Array, shape: readonly number[]): PackedArray {
  return { dtype: "uint8", shape, base64: base64Of(bytes) };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Characters of a call of `fromCharCode`, whose arguments are on the stack. */
const CHUNK = 8192;

function base64Of(bytes: Uint8Array): string {
  let characters = "";
  for (let at = 0; at < bytes.length; at += CHUNK) characters += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(characters);
}
