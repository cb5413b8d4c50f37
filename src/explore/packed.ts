// Arrays in JSON: little-endian values in base64, as the typed arrays of all supported processors are.
import { nameOfLabel } from "../data/classes.js";
import type { ImageSet } from "../data/dataset.js";
import { UserError } from "../errors.js";
import { type HostArray, sizeOf } from "../tree.js";
import { type Checker, isRecord } from "../values/checker.js";
import type { PackedArray } from "./protocol.js";

export function pack(data: Uint8Array | Float32Array, shape: readonly number[]): PackedArray {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { dtype: data instanceof Uint8Array ? "uint8" : "float32", shape, base64: bytes.toString("base64") };
}

/** The labels of images, as indices into the names of those that occur. */
export function packLabels(images: ImageSet): { readonly labels?: PackedArray; readonly classes?: readonly string[] } {
  const labels = images.labels?.subarray(0, images.count);
  if (!labels) return {};
  const present = [...new Set(labels)].sort((a, b) => a - b);
  const places = new Map(present.map((label, place) => [label, place]));
  const indices = Array.from(labels, (label) => places.get(label) ?? 0);
  const data = present.length <= 256 ? Uint8Array.from(indices) : Float32Array.from(indices);
  return { labels: pack(data, [images.count]), classes: present.map((label) => nameOfLabel(images, label)) };
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
