// Reads and writes NumPy's .npy files of numbers and of texts. Reads row-major and Fortran order, writes row-major.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { UserError } from "../errors.js";
import { halfToNumber } from "../half.js";
import { sizeOf } from "../tree.js";
import { printable, visible } from "../wording.js";

/** NumPy's names of types, and arrays that view their bytes, by their code in a header without the byte order. */
const TYPES = {
  b1: { name: "bool", Values: Uint8Array },
  u1: { name: "uint8", Values: Uint8Array },
  i1: { name: "int8", Values: Int8Array },
  u2: { name: "uint16", Values: Uint16Array },
  i2: { name: "int16", Values: Int16Array },
  u4: { name: "uint32", Values: Uint32Array },
  i4: { name: "int32", Values: Int32Array },
  u8: { name: "uint64", Values: BigUint64Array },
  i8: { name: "int64", Values: BigInt64Array },
  f2: { name: "float16", Values: Uint16Array },
  f4: { name: "float32", Values: Float32Array },
  f8: { name: "float64", Values: Float64Array },
} as const;
type Type = (typeof TYPES)[keyof typeof TYPES];

export interface NpyArray {
  /** NumPy's name of the type in the file. */
  readonly dtype: Type["name"];
  readonly shape: readonly number[];
  /**
   * In row-major order. Converts bool to 0 and 1, float16 to float32, 64-bit integers to float64. May share the file's
   * memory.
   */
  readonly data: Exclude<InstanceType<Type["Values"]>, BigInt64Array | BigUint64Array>;
}

/** An integer that float64 cannot represent. */
export class LargeInteger extends UserError {
  constructor(file: string, number: number) {
    super(`${file} is not a valid .npy file: it holds ${number}, and integers are read up to 2^53 − 1.`);
  }
}

const MAGIC = [0x93, ...Buffer.from("NUMPY")];
/** Values begin at a multiple of this. */
const ALIGNMENT = 64;
/** NumPy's own limit. */
const MAX_HEADER_BYTES = 10_000;
/** Every text takes the length of the longest, so one long text can multiply the size of a file. */
const MAX_TEXT_BYTES = 2e9;
/** The number of bytes that contain any valid header. */
export const MAX_NPY_HEADER_BYTES = MAGIC.length + 6 + MAX_HEADER_BYTES;

export interface NpyHeader extends Pick<NpyArray, "dtype" | "shape"> {
  readonly Values: Type["Values"];
  readonly isBigEndian: boolean;
  /** Whether the first index varies fastest in the file. */
  readonly isFortran: boolean;
  /** Where the values begin. */
  readonly start: number;
  /** The length of the file. */
  readonly end: number;
}

/**
 * Parses a .npy file of either byte order, in row-major or Fortran order.
 *
 * @throws UserError if it is not valid or does not hold numbers
 */
export function parseNpy(bytes: Uint8Array, file: string): NpyArray {
  const header = parseNpyHeader(bytes, file);
  checkNpyLength(header, bytes.length, file);
  const { dtype, shape, start, Values, isBigEndian, isFortran } = header;
  const size = Values.BYTES_PER_ELEMENT;
  const isAligned = (bytes.byteOffset + start) % size === 0;
  const content = isBigEndian || !isAligned ? new Uint8Array(bytes.subarray(start)) : bytes.subarray(start);
  if (isBigEndian) for (let i = 0; i < content.length; i += size) content.subarray(i, i + size).reverse();
  const values = new Values(content.buffer as ArrayBuffer, content.byteOffset, content.length / size);
  if (dtype === "bool" && values.some((byte) => byte > 1)) fail(file, "its values of bool are not all 0 or 1");
  const data = toNumbers(values, dtype, file);
  return { dtype, shape, data: isFortran ? toRowMajor(data, shape) : data };
}

function toNumbers(values: InstanceType<Type["Values"]>, dtype: Type["name"], file: string): NpyArray["data"] {
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    const toNumber = (integer: bigint) => {
      const number = Number(integer);
      if (!Number.isSafeInteger(number)) throw new LargeInteger(file, number);
      return number;
    };
    return Float64Array.from<bigint>(values, toNumber);
  }
  return dtype === "float16" ? Float32Array.from(values, halfToNumber) : values;
}

/** Copies values from Fortran order, where the first index varies fastest, to row-major order. */
function toRowMajor<Values extends NpyArray["data"]>(values: Values, shape: readonly number[]): Values {
  const axes: { size: number; stride: number; index: number }[] = []; // the first varies fastest in the result
  let stride = 1;
  for (const size of shape) {
    if (size > 1) axes.unshift({ size, stride, index: 0 });
    stride *= size;
  }
  const ordered = values.slice() as Values;
  let from = 0;
  for (let to = 0; to < ordered.length; to++) {
    ordered[to] = values[from];
    for (const axis of axes) {
      from += axis.stride;
      if (++axis.index < axis.size) break;
      from -= axis.size * axis.stride;
      axis.index = 0;
    }
  }
  return ordered;
}

/** Parses the header at the beginning of a .npy file. @throws UserError as `parseNpy` does */
export function parseNpyHeader(bytes: Uint8Array, file: string): NpyHeader {
  const { descr, isFortran, shape, start } = describeNpy(bytes, file);
  const name = descr.slice(1, -1);
  const type = name.replace(/^[<>|=]/, "");
  if (!isTypeName(type)) return refuse(file, ...describeOther(descr, shape));
  const { name: dtype, Values } = TYPES[type];
  const end = start + Values.BYTES_PER_ELEMENT * (shape.includes(0) ? 0 : sizeOf(shape));
  return { dtype, shape, Values, isBigEndian: name[0] === ">", isFortran, start, end };
}

/** Parses one text per row, in little-endian UTF-32. @throws UserError if the file is not valid or holds no texts */
export function parseNpyTexts(bytes: Uint8Array, file: string): string[] {
  const { descr, shape, start } = describeNpy(bytes, file);
  const [, digits] = /^'<U(\d+)'$/.exec(descr.replaceAll('"', "'")) ?? [];
  if (digits === undefined || shape.length !== 1) fail(file, "it does not hold one text per row");
  const [length, [rows]] = [Number(digits), shape];
  if (bytes.length !== start + 4 * length * rows) {
    fail(file, `it has ${bytes.length} bytes, which do not match its ${rows} texts of ${length} characters`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  return Array.from({ length: rows }, (_, row) => {
    let text = "";
    for (let i = row * length; i < (row + 1) * length; i++) {
      const code = view.getUint32(4 * i, true);
      if (code > 0x10ffff) fail(file, `text ${row} has an invalid character`);
      text += String.fromCodePoint(code);
    }
    return text.replace(/\0+$/, "");
  });
}

function refuse(file: string, what: string, remedy: string): never {
  throw new UserError(`${file} ${what}. Save it again with np.save("new.npy", ${remedy}).`);
}

/** Parses the header of a file of any type. `start`: the offset of the values. */
function describeNpy(bytes: Uint8Array, file: string): ReturnType<typeof parseDict> & { readonly start: number } {
  const checkLength = (length: number, where: string) => {
    if (bytes.length < length) fail(file, `it ends at byte ${bytes.length}, ${where}`);
  };
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) fail(file, "it is compressed with gzip; decompress it first (gunzip)");
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) refuse(file, "is an archive, such as .npz", 'np.load("x.npz")["name"]');
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) fail(file, "it does not begin with \\x93NUMPY");
  checkLength(MAGIC.length + 2, "before its header");
  const [major, minor] = bytes.subarray(MAGIC.length);
  if (!(major >= 1 && major <= 3 && minor === 0)) fail(file, `its version is ${major}.${minor}, not 1.0, 2.0 or 3.0`);
  const headerStart = MAGIC.length + (major === 1 ? 4 : 6);
  checkLength(headerStart, "before its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset + MAGIC.length + 2);
  const headerLength = major === 1 ? view.getUint16(0, true) : view.getUint32(0, true);
  if (headerLength > MAX_HEADER_BYTES)
    fail(file, `its header has ${headerLength} bytes, more than ${MAX_HEADER_BYTES}`);
  const start = headerStart + headerLength;
  checkLength(start, `within its header of ${start} bytes`);
  return { ...parseDict(bytes.subarray(headerStart, start), file), start };
}

/**
 * @throws UserError unless a file of `length` bytes (Infinity if unknown, but too long) is as long as its header says
 */
export function checkNpyLength({ dtype, shape, end }: NpyHeader, length: number, file: string): void {
  if (length === end) return;
  const found = length === Infinity ? "more" : length;
  fail(file, `its header promises ${asTuple(shape)} values of ${dtype}, ${end} bytes in all, and it has ${found}`);
}

/** Numbers, or texts without NUL at their end. */
export type NpyValues = Uint8Array | Uint16Array | BigInt64Array | Float32Array | readonly string[];

/** Encodes an array with the same bytes as np.save. @throws UserError if texts take more than 2 GB */
export function encodeNpy({ data, shape }: { data: NpyValues; shape: readonly number[] }): Uint8Array {
  const { descr, values } = ArrayBuffer.isView(data) ? { descr: descrOf(data), values: data } : encodeTexts(data);
  const header = encodeHeader(descr, shape);
  const file = new Uint8Array(header.length + values.byteLength);
  file.set(header);
  file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), header.length);
  return file;
}

function descrOf(data: Exclude<NpyValues, readonly string[]>): string {
  if (data instanceof Uint8Array) return "|u1";
  if (data instanceof Uint16Array) return "<u2";
  return data instanceof Float32Array ? "<f4" : "<i8";
}

/** Encodes texts as UTF-32, padded with zeros to the length of the longest. */
function encodeTexts(texts: readonly string[]): { descr: string; values: Uint32Array } {
  const length = texts.reduce((longest, text) => Math.max(longest, Array.from(text).length), 1);
  if (4 * length * texts.length > MAX_TEXT_BYTES) {
    throw new UserError(`NumPy stores ${texts.length} texts of up to ${length} characters as more than 2 GB.`);
  }
  const values = new Uint32Array(length * texts.length);
  texts.forEach((text, i) => {
    values.set(
      Array.from(text, (character) => character.codePointAt(0) as number),
      i * length,
    );
  });
  return { descr: `<U${length}`, values };
}

/** Encodes the header for values that are written separately: bytes, or little-endian float32. */
export function npyHeader(dtype: "uint8" | "float32", shape: readonly number[]): Uint8Array {
  return encodeHeader(dtype === "uint8" ? "|u1" : "<f4", shape);
}

function encodeHeader(descr: string, shape: readonly number[]): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${asTuple(shape)}, }`;
  const start = MAGIC.length + 4;
  const length = Math.ceil((start + text.length + 1) / ALIGNMENT) * ALIGNMENT - start;
  return Buffer.from([...MAGIC, 1, 0, length & 0xff, length >> 8, ...Buffer.from(`${text.padEnd(length - 1)}\n`)]);
}

/** Formats a shape as a Python tuple. */
function asTuple(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

/** Parses the Python dictionary of a header. `descr` includes its quotes, or brackets if the file holds records. */
function parseDict(bytes: Uint8Array, file: string): { descr: string; isFortran: boolean; shape: readonly number[] } {
  const text = Buffer.from(bytes).toString("latin1").trim(); // version 3.0 has UTF-8, but only in names of fields
  let rest = text;
  const refuseText = (): never => {
    const example = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
    fail(file, `its header must look like ${example}, but is ${visible(JSON.stringify(text.slice(0, 200)))}`);
  };
  /** Removes an entry from `rest` and returns its value. */
  const take = (key: string, pattern: string): string => {
    const entry =
      new RegExp(String.raw`(['"])${key}\1\s*:\s*(${pattern})\s*(,\s*|(?=\}))`, "s").exec(rest) ?? refuseText();
    rest = rest.replace(entry[0], "");
    return entry[2];
  };
  const descr = take("descr", String.raw`'[^'\\]+'|"[^"\\]+"|\[.*\]`);
  const isFortran = take("fortran_order", "True|False") === "True";
  // Python 2 writes integers such as 28L.
  const tuple = take("shape", String.raw`\(\s*\)|\((?:\s*\d+L?\s*,)+(?:\s*\d+L?)?\s*\)`);
  if (!/^\{\s*\}$/.test(rest)) refuseText();
  const shape = (tuple.match(/\d+/g) ?? []).map(Number);
  if (!shape.every(Number.isSafeInteger)) fail(file, "its header has a size that is too large");
  return { descr, isFortran, shape };
}

/** Describes values that are not plain numbers, with a NumPy expression that converts them to numbers. */
function describeOther(descr: string, shape: readonly number[]): [what: string, remedy: string] {
  if (descr.startsWith("[")) {
    const [, field = "field"] = /^\[\('(\w+)'/.exec(descr) ?? [];
    return ["holds records, not plain numbers", `x["${field}"]`];
  }
  const type = descr.slice(1, -1);
  const [, kind] = /^[<>|=]?([OUSMmc])(?=\d|\[|$)/.exec(type) ?? [];
  const asFloats = 'x.astype("float32")';
  if (kind === "O") {
    const ofRank = ['x.item()["name"]', "np.stack(x)"]; // by rank: one dictionary; a list of arrays or numbers
    return ["holds Python objects, not numbers", ofRank[shape.length] ?? asFloats];
  }
  if (kind === "U" || kind === "S") {
    const isOnePerRow = sizeOf(shape.slice(1)) === 1; // names of classes
    return ["holds texts, not numbers", isOnePerRow ? "np.unique(x, return_inverse=True)[1]" : asFloats];
  }
  if (kind === "M" || kind === "m") return ["holds dates or times, not plain numbers", 'x.astype("float64")'];
  if (kind === "c") return ["holds complex numbers", "np.abs(x)"];
  return [`holds values of the type ${printable(JSON.stringify(type))}, not plain numbers`, asFloats];
}

function isTypeName(name: string): name is keyof typeof TYPES {
  return Object.hasOwn(TYPES, name);
}

function fail(file: string, problem: string): never {
  throw new UserError(`${file} is not a valid .npy file: ${problem}.`);
}
