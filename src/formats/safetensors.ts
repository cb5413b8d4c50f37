// Reads safetensors files of floats, and writes them in float32 with a checksum. A file is the length of a header, the
// header as JSON, and the values (https://github.com/huggingface/safetensors#format).
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { UserError } from "../errors.js";
import { halfToNumber } from "../half.js";
import { type HostArray, sizeOf } from "../tree.js";
import { printable } from "../wording.js";

export interface TensorFile {
  readonly tensors: ReadonlyMap<string, HostArray<Float32Array>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const LENGTH_BYTES = 8;
const METADATA = "__metadata__";
/** Begins a header with a checksum: the SHA-256 of the whole file, with the checksum as zeros. */
const CHECKSUM_PREFIX = `{"${METADATA}":{"sha256":"`;
const CHECKSUM_AT = LENGTH_BYTES + CHECKSUM_PREFIX.length;
const NO_CHECKSUM = "0".repeat(64);
/** The limit of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;

/** The supported types: bytes per value, and the conversion to float32. */
const TYPES: ReadonlyMap<string, { size: number; toFloats: (values: ArrayBuffer) => Float32Array }> = new Map([
  ["F32", { size: 4, toFloats: (values) => new Float32Array(values) }],
  ["F16", { size: 2, toFloats: (values) => new Float32Array(new Uint16Array(values)).map(halfToNumber) }],
  ["BF16", { size: 2, toFloats: bfloatsToFloats }],
  ["F64", { size: 8, toFloats: (values) => new Float32Array(new Float64Array(values)) }],
]);

export function encodeSafetensors({ tensors, metadata }: TensorFile): Uint8Array {
  const header: [string, unknown][] = [[METADATA, { sha256: NO_CHECKSUM, ...metadata }]];
  let end = 0;
  for (const [name, { data, shape }] of tensors) {
    header.push([name, { dtype: "F32", shape, data_offsets: [end, end + data.byteLength] }]);
    end += data.byteLength;
  }
  // An object would move a tensor named 0 before the checksum, and lose one named __proto__.
  const fields = header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = Buffer.from(`{${fields.join()}}`);
  const headerLength = Math.ceil(json.length / 8) * 8; // padded with spaces to align the values
  const file = Buffer.alloc(LENGTH_BYTES + headerLength + end, " ");
  file.writeBigUInt64LE(BigInt(headerLength));
  file.set(json, LENGTH_BYTES);
  let offset = LENGTH_BYTES + headerLength;
  for (const { data } of tensors.values()) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  file.write(checksum(file), CHECKSUM_AT);
  return file;
}

function checksum(file: Uint8Array): string {
  const hash = createHash("sha256").update(file.subarray(0, CHECKSUM_AT)).update(NO_CHECKSUM);
  return hash.update(file.subarray(CHECKSUM_AT + NO_CHECKSUM.length)).digest("hex");
}

/**
 * Parses a safetensors file, and verifies its checksum if it has one. Only then do the returned metadata have `sha256`.
 *
 * @throws UserError if the file is not valid
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): TensorFile {
  const fail: Fail = (problem) => {
    throw new UserError(`${file} is not a valid safetensors file: ${problem}.`);
  };
  const { hasChecksum, metadata, entries, end: start } = parseHeader(bytes, fail);
  const { sha256, ...others } = metadata;
  if (hasChecksum && sha256 !== checksum(bytes)) fail("its checksum does not match its content, so it was damaged");

  const values = bytes.subarray(start);
  const tensors = new Map<string, HostArray<Float32Array>>();
  let end = 0;
  const layout = Object.entries(entries).map(([name, entry]) => ({ name, ...parseEntry(name, entry, fail) }));
  layout.sort((a, b) => a.from - b.from || a.to - b.to);
  for (const { name, type, shape, from, to } of layout) {
    if (from !== end || to - from !== type.size * sizeOf(shape) || to > values.length) {
      const tensor = `${printable(name)} [${printable(String(shape))}]`;
      fail(`tensor ${tensor} has wrong data_offsets, ${from} to ${to} of ${values.length} bytes`);
    }
    end = to;
    // Copied, since the values may not be aligned in memory. (slice would not copy a Buffer.)
    tensors.set(name, { data: type.toFloats(new Uint8Array(values.subarray(from, to)).buffer), shape });
  }
  if (end !== values.length) fail(`${values.length - end} bytes follow the last tensor`);
  return { tensors, metadata: hasChecksum ? metadata : others };
}

/**
 * Parses the metadata from the start of a safetensors file, which holds the header. Verifies no checksum.
 *
 * @throws UserError if the header is not valid, or longer than the start
 */
export function decodeMetadata(start: Uint8Array, file: string): TensorFile["metadata"] {
  return parseHeader(start, (problem) => {
    throw new UserError(`${file} is not a valid safetensors file: ${problem}.`);
  }).metadata;
}

/** @returns the header's content, and the position of its end */
function parseHeader(bytes: Uint8Array, fail: Fail) {
  if (bytes.length < LENGTH_BYTES) fail(`it has ${bytes.length} bytes, too few for the header's length`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const end = LENGTH_BYTES + length;
  if (end > bytes.length) fail(`its header of ${length} bytes does not fit into its ${bytes.length} bytes`);
  if (length > MAX_HEADER_BYTES) fail(`its header has ${length} bytes, more than ${MAX_HEADER_BYTES}`);
  const headerBytes = bytes.subarray(LENGTH_BYTES, end);
  if (!isUtf8(headerBytes)) fail("its header is not UTF-8");
  const text = new TextDecoder().decode(headerBytes);
  const { [METADATA]: metadata = {}, ...entries } = parseObject(text) ?? fail("its header is not a JSON object");
  if (!isRecord(metadata) || !hasTexts(metadata)) return fail("its metadata are not texts");
  return { metadata, entries, end, hasChecksum: text.startsWith(CHECKSUM_PREFIX) };
}

/** A bfloat16 is the upper half of a float32. */
function bfloatsToFloats(values: ArrayBuffer): Float32Array {
  return new Float32Array(new Uint32Array(new Uint16Array(values)).map((bits) => bits << 16).buffer);
}

type Fail = (problem: string) => never;

function parseEntry(name: string, entry: unknown, fail: Fail) {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  const tensor = `tensor ${printable(name)}`;
  if (typeof dtype !== "string") return fail(`${tensor} has no dtype`);
  const type = TYPES.get(dtype);
  if (!type) return fail(`${tensor} is of type ${printable(dtype)}, not ${[...TYPES.keys()].join(", ")}`);
  if (!isSizes(shape)) return fail(`the shape of ${tensor} is not a list of sizes`);
  if (!isSizes(offsets) || offsets.length !== 2) return fail(`${tensor} has no data_offsets`);
  const [from, to] = offsets;
  return { type, shape, from, to };
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasTexts(record: Record<string, unknown>): record is Record<string, string> {
  return Object.values(record).every((value) => typeof value === "string");
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
