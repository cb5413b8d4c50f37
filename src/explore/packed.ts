// Arrays in JSON: little-endian values in base64, as the typed arrays of all supported processors are.
import { type Checker, isRecord } from "../config/entries.js";
import { UserError } from "../errors.js";
import { type HostArray, sizeOf } from "../tree.js";
import type { PackedArray } from "./protocol.js";

export function pack(data: Uint8Array | Float32Array, shape: readonly number[]): PackedArray {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { dtype: data instanceof Uint8Array ? "uint8" : "float32", shape, base64: bytes.toString("base64") };
}

const MAX_AXES = 4;

export const PACKED_FLOATS = packed("float32", 4, (bytes) => new Float32Array(bytes));
export const PACKED_BYTES = packed("uint8", 1, (bytes) => new Uint8Array(bytes));

function packed<Data extends Uint8Array | Float32Array>(
  type: PackedArray["dtype"],
  size: number,
  unpack: (bytes: ArrayBuffer) => Data,
): Checker<HostArray<Data>> {
  return {
    check(value) {
      const { dtype, shape, base64 }: Partial<Record<string, unknown>> = isRecord(value) ? value : {};
      const isShape =
        Array.isArray(shape) && shape.length <= MAX_AXES && shape.every((n) => Number.isSafeInteger(n) && n > 0);
      if (dtype !== type || !isShape || typeof base64 !== "string") {
        throw new UserError(`It must be a packed array of ${type}.`);
      }
      const bytes = Buffer.from(base64, "base64");
      if (bytes.length !== size * sizeOf(shape)) {
        throw new UserError(`It has ${bytes.length} bytes, but its shape is [${shape}].`);
      }
      return { data: unpack(new Uint8Array(bytes).buffer), shape };
    },
  };
}
