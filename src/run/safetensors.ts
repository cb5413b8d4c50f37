// The safetensors format (https://github.com/huggingface/safetensors#format): the length of a header, the header as JSON,
// then the values. Float32 alone. Does not touch the disk.
import { UserError } from "../errors.js";
import type { HostArray } from "../tree.js";
import { sizeOf } from "../tree.js";

export interface TensorFile {
  readonly tensors: ReadonlyMap<string, HostArray<Float32Array>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const LENGTH_BYTES = 8;
const METADATA = "__metadata__";

export function encodeSafetensors({ tensors, metadata }: TensorFile): Uint8Array {
  const header: Record<string, unknown> = { [METADATA]: metadata };
  let end = 0;
  for (const [name, { data, shape }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.length / 8) * 8; // padded with spaces, so that the values are aligned
  const file = new Uint8Array(LENGTH_BYTES + headerLength + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerLength);
  file.set(json, LENGTH_BYTES);
  let offset = LENGTH_BYTES + headerLength;
  for (const { data } of tensors.values()) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return file;
}

/**
 * @param file what to call the file in errors
 * @throws UserError that says what is wrong with the content
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): TensorFile {
  const fail = (problem: string): never => {
    throw new UserError(`${file} is not a valid safetensors file: ${problem}.`);
  };
  if (bytes.length < LENGTH_BYTES) fail(`it has ${bytes.length} bytes, too few for the header's length`);
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (headerLength > bytes.length - LENGTH_BYTES) {
    fail(`its header of ${headerLength} bytes does not fit into its ${bytes.length} bytes`);
  }
  const values = bytes.subarray(LENGTH_BYTES + Number(headerLength));
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + Number(headerLength)), fail);

  const tensors = new Map<string, HostArray<Float32Array>>();
  let end = 0;
  for (const [name, entry] of Object.entries(header)) {
    if (name === METADATA) continue;
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    if (dtype !== "F32") fail(`tensor ${name} is of type ${dtype}, not F32`);
    if (!isSizes(shape)) return fail(`the shape of tensor ${name} is not a list of sizes`);
    if (!isSizes(offsets) || offsets.length !== 2) return fail(`tensor ${name} has no data_offsets`);
    const [from, to] = offsets;
    if (from !== end || to - from !== 4 * sizeOf(shape) || to > values.length) {
      fail(`the values of tensor ${name} [${shape}] stand at ${from} to ${to} of ${values.length} bytes`);
    }
    end = to;
    // A copy, since the values need not be aligned to four bytes in memory. (slice is none on a Buffer.)
    tensors.set(name, { data: new Float32Array(new Uint8Array(values.subarray(from, to)).buffer), shape });
  }
  if (end !== values.length) fail(`${values.length - end} bytes follow the last tensor`);
  return { tensors, metadata: (header[METADATA] ?? {}) as Record<string, string> };
}

function parseHeader(bytes: Uint8Array, fail: (problem: string) => never): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof header === "object" && header !== null && !Array.isArray(header)) return { ...header };
  } catch {}
  return fail("its header is not a JSON object");
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
