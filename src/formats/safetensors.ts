// The safetensors format (https://github.com/huggingface/safetensors#format): the length of a header, the header as JSON,
// then the values. Float32 alone. Files that are written here carry a checksum in their metadata. Does not touch the disk.
import { createHash } from "node:crypto";
import { UserError } from "../errors.js";
import type { HostArray } from "../tree.js";
import { sizeOf } from "../tree.js";

export interface TensorFile {
  readonly tensors: ReadonlyMap<string, HostArray<Float32Array>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const LENGTH_BYTES = 8;
const METADATA = "__metadata__";
/** How a header begins that carries a checksum: the SHA-256 of the whole file, with zeros in the checksum's own place. */
const CHECKSUM_PREFIX = `{"${METADATA}":{"sha256":"`;
const CHECKSUM_AT = LENGTH_BYTES + CHECKSUM_PREFIX.length;
const NO_CHECKSUM = "0".repeat(64);
/** As the format's own library has it. */
const MAX_HEADER_BYTES = 100_000_000;

export function encodeSafetensors({ tensors, metadata }: TensorFile): Uint8Array {
  const header: Record<string, unknown> = { [METADATA]: { sha256: NO_CHECKSUM, ...metadata } };
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
  file.set(new TextEncoder().encode(checksum(file)), CHECKSUM_AT);
  return file;
}

function checksum(file: Uint8Array): string {
  const hash = createHash("sha256").update(file.subarray(0, CHECKSUM_AT)).update(NO_CHECKSUM);
  return hash.update(file.subarray(CHECKSUM_AT + NO_CHECKSUM.length)).digest("hex");
}

/**
 * @param file what to call the file in errors
 * @returns with `sha256` in the metadata if the file carries a checksum, and has been checked by it
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
  if (headerLength > MAX_HEADER_BYTES) fail(`its header has ${headerLength} bytes, more than ${MAX_HEADER_BYTES}`);
  const values = bytes.subarray(LENGTH_BYTES + Number(headerLength));
  const text = decodeHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + Number(headerLength)), fail);
  const { [METADATA]: metadata = {}, ...entries } = parseHeader(text, fail);
  if (!isTexts(metadata)) return fail("its metadata are not texts");
  const { sha256, ...ofWriter } = metadata;
  const isSealed = text.startsWith(CHECKSUM_PREFIX);
  if (isSealed && sha256 !== checksum(bytes)) fail("its checksum does not match its content, so it was damaged");

  const tensors = new Map<string, HostArray<Float32Array>>();
  let end = 0;
  for (const [name, entry] of Object.entries(entries)) {
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
  return { tensors, metadata: isSealed ? metadata : ofWriter };
}

function decodeHeader(bytes: Uint8Array, fail: (problem: string) => never): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fail("its header is not UTF-8");
  }
}

function parseHeader(text: string, fail: (problem: string) => never): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {}
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    return fail("its header is not a JSON object");
  }
  const names = new Set<string>();
  for (const name of outerNames(text)) {
    if (names.has(name)) fail(`its header has ${name} twice`);
    names.add(name);
  }
  return { ...header };
}

/** The names in a JSON object, without those within its values. JSON.parse drops what is there twice. */
function* outerNames(json: string): Generator<string> {
  let depth = 0;
  let text = "";
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case '"': {
        const start = i++;
        while (json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
        if (depth === 1) text = json.slice(start, i + 1);
        break;
      }
      case "{":
      case "[":
        depth++;
        break;
      case "}":
      case "]":
        depth--;
        break;
      case ":":
        if (depth === 1) yield JSON.parse(text);
    }
  }
}

function isTexts(value: unknown): value is Record<string, string> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === "string")
  );
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
