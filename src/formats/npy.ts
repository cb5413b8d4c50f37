// Reads and writes NumPy's .npy files: numbers in row-major order.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { UserError } from "../errors.js";
import { type HostArray, sizeOf } from "../tree.js";

export interface NpyArray {
  /** NumPy's name for the type in the file. */
  readonly dtype: NpyType;
  readonly shape: readonly number[];
  /** bool becomes 0 and 1, float16 float32, 64-bit integers float64. May share the file's memory. */
  readonly data: NpyData;
}

export type NpyType = (typeof TYPES)[keyof typeof TYPES]["name"];

export type NpyData = InstanceType<(typeof TYPES)[keyof typeof TYPES]["Values"]>;

type Fail = (problem: string) => never;

/** Types by their names in a header, without the byte order. `Values` views the bytes, which float16 and 64-bit integers decode further. */
const TYPES = {
  b1: { name: "bool", Values: Uint8Array },
  u1: { name: "uint8", Values: Uint8Array },
  i1: { name: "int8", Values: Int8Array },
  u2: { name: "uint16", Values: Uint16Array },
  i2: { name: "int16", Values: Int16Array },
  u4: { name: "uint32", Values: Uint32Array },
  i4: { name: "int32", Values: Int32Array },
  u8: { name: "uint64", Values: Float64Array },
  i8: { name: "int64", Values: Float64Array },
  f2: { name: "float16", Values: Uint16Array },
  f4: { name: "float32", Values: Float32Array },
  f8: { name: "float64", Values: Float64Array },
} as const;

const MAGIC = [0x93, ...new TextEncoder().encode("NUMPY")];
/** Values begin at a multiple of this. */
const ALIGNMENT = 64;
/** NumPy's own limit. */
const MAX_HEADER_BYTES = 10_000;
/** A file's first bytes up to here contain its header. */
export const MAX_NPY_HEADER_BYTES = MAGIC.length + 6 + MAX_HEADER_BYTES;

export interface NpyHeader extends Pick<NpyArray, "dtype" | "shape"> {
  /** Where the values begin. */
  readonly start: number;
  /** The length of the file. */
  readonly end: number;
  readonly type: keyof typeof TYPES;
  readonly isBigEndian: boolean;
}

/**
 * Parses a .npy file of version 1.0, 2.0 or 3.0, in either byte order.
 *
 * @param file the file's name, for errors
 * @throws UserError if the file is not valid, or must be saved in another way
 */
export function parseNpy(bytes: Uint8Array, file: string): NpyArray {
  const header = parseNpyHeader(bytes, file);
  checkNpyLength(header, bytes.length, file);
  const { dtype, shape, start, type, isBigEndian } = header;
  const { Values } = TYPES[type];
  const size = Values.BYTES_PER_ELEMENT;
  const isAligned = (bytes.byteOffset + start) % size === 0;
  const content = isBigEndian || !isAligned ? new Uint8Array(bytes.subarray(start)) : bytes.subarray(start);
  if (isBigEndian) swapBytes(Buffer.from(content.buffer), size);
  const values = new Values(content.buffer as ArrayBuffer, content.byteOffset, content.length / size);
  return { dtype, shape, data: toNumbers(dtype, values, failure(file)) };
}

/** Parses the header at the beginning of a .npy file. @throws UserError as `parseNpy` does */
export function parseNpyHeader(bytes: Uint8Array, file: string): NpyHeader {
  const fail = failure(file);
  const refuse = (what: string, remedy: string): never => {
    throw new UserError(`${file} ${what}. Save it again with np.save(file, ${remedy}).`);
  };
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) fail("it is compressed with gzip; decompress it first (gunzip)");
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) refuse("is an archive, such as .npz", 'np.load("x.npz")["name"]');
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) fail("it does not begin with \\x93NUMPY");
  const checkLength = (length: number, where: string) => {
    if (bytes.length < length) fail(`it ends at byte ${bytes.length}, ${where}`);
  };
  checkLength(MAGIC.length + 2, "before its header");
  const [major, minor] = bytes.subarray(MAGIC.length);
  if (!(major >= 1 && major <= 3 && minor === 0)) fail(`its version is ${major}.${minor}, not 1.0, 2.0 or 3.0`);
  const headerStart = MAGIC.length + (major === 1 ? 4 : 6);
  checkLength(headerStart, "before its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset + MAGIC.length + 2);
  const headerLength = major === 1 ? view.getUint16(0, true) : view.getUint32(0, true);
  if (headerLength > MAX_HEADER_BYTES) fail(`its header has ${headerLength} bytes, more than ${MAX_HEADER_BYTES}`);
  const start = headerStart + headerLength;
  checkLength(start, `within its header of ${start} bytes`);

  const { descr, isFortran, shape } = parseDict(bytes.subarray(headerStart, start), fail);
  if (descr === undefined) return refuse("holds records, not plain numbers", 'x["field"]');
  const [, order, type] = /^([<>|=])?(.*)$/s.exec(descr) as RegExpExecArray;
  if (!isTypeName(type)) {
    return refuse(`holds values of the type ${JSON.stringify(descr)}, not plain numbers`, 'x.astype("float32")');
  }
  if (isFortran) refuse("is in Fortran order", "np.ascontiguousarray(x)");
  const { name: dtype, Values } = TYPES[type];
  const size = Values.BYTES_PER_ELEMENT;
  const end = start + size * (shape.includes(0) ? 0 : sizeOf(shape));
  return { dtype, shape, start, end, type, isBigEndian: order === ">" && size > 1 };
}

/** @throws UserError unless a file of `length` bytes (Infinity if unknown, but too long) is as long as its header says */
export function checkNpyLength({ dtype, shape, end }: NpyHeader, length: number, file: string): void {
  if (length === end) return;
  const found = length === Infinity ? "more" : length;
  failure(file)(`its header promises ${asTuple(shape)} values of ${dtype}, ${end} bytes in all, and it has ${found}`);
}

/** Encodes an array with the same bytes as np.save. */
export function encodeNpy({ data, shape }: HostArray): Uint8Array {
  const header = npyHeader(data instanceof Uint8Array ? "uint8" : "float32", shape);
  const file = new Uint8Array(header.length + data.byteLength);
  file.set(header);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.length);
  return file;
}

/** Encodes a header, for values that are written in parts: bytes, or little-endian float32. */
export function npyHeader(dtype: "uint8" | "float32", shape: readonly number[]): Uint8Array {
  const descr = dtype === "uint8" ? "|u1" : "<f4";
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${asTuple(shape)}, }`;
  const start = MAGIC.length + 4;
  const length = Math.ceil((start + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = new Uint8Array(length);
  header.set([...MAGIC, 1, 0]);
  new DataView(header.buffer).setUint16(MAGIC.length + 2, length - start, true);
  header.set(new TextEncoder().encode(`${text.padEnd(length - start - 1)}\n`), start);
  return header;
}

/** Formats a shape as Python formats a tuple. */
function asTuple(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

function failure(file: string): Fail {
  return (problem) => {
    throw new UserError(`${file} is not a valid .npy file: ${problem}.`);
  };
}

/**
 * Parses the Python dictionary of a header: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
 *
 * @returns with `descr` undefined if the file holds records
 */
function parseDict(bytes: Uint8Array, fail: Fail): { descr?: string; isFortran: boolean; shape: readonly number[] } {
  const text = Buffer.from(bytes).toString("latin1"); // version 3.0 has UTF-8, but only in names of records
  const tokens = text.match(/'[^'\\]*'|"[^"\\]*"|\w+|\S/g) ?? [];
  let at = 0;
  const take = (expected: RegExp, what: string): string => {
    const token = tokens[at] ?? "the end";
    if (!expected.test(token)) fail(`its header has ${token.slice(0, 40)} where ${what} must be`);
    at++;
    return token;
  };
  const skipComma = () => tokens[at] === "," && at++ > 0;
  const takeText = (what: string) => take(/^['"]./, what).slice(1, -1);
  const takeShape = (): number[] => {
    const sizes: number[] = [];
    take(/^\($/, "a shape");
    for (let more = true; more && tokens[at] !== ")"; ) {
      const size = Number(take(/^\d+L?$/, "a size").replace("L", "")); // Python 2 marked long integers with an L
      if (!Number.isSafeInteger(size)) fail("its header names a size that is too large");
      sizes.push(size);
      more = skipComma();
      if (!more && sizes.length === 1) fail("the shape in its header is a number, not a tuple");
    }
    take(/^\)$/, "a )");
    return sizes;
  };

  const found: { descr?: string; fortran_order?: boolean; shape?: number[] } = {};
  take(/^\{$/, "a {");
  for (let more = true; more && tokens[at] !== "}"; more = skipComma()) {
    const key = takeText("a key");
    if (Object.hasOwn(found, key)) fail(`its header has ${key} twice`);
    take(/^:$/, "a colon");
    if (key === "descr") {
      if (tokens[at] === "[") return { isFortran: false, shape: [] };
      found.descr = takeText("a type");
    } else if (key === "fortran_order") found.fortran_order = take(/^(True|False)$/, "True or False") === "True";
    else if (key === "shape") found.shape = takeShape();
    else fail(`its header has the key ${JSON.stringify(key)}, not descr, fortran_order or shape`);
  }
  take(/^\}$/, "a }");
  if (at < tokens.length) fail("something follows the dictionary in its header");
  const { descr, fortran_order: isFortran, shape } = found;
  if (descr === undefined || isFortran === undefined || shape === undefined) {
    return fail("its header lacks descr, fortran_order or shape");
  }
  return { descr, isFortran, shape };
}

function isTypeName(name: string): name is keyof typeof TYPES {
  return Object.hasOwn(TYPES, name);
}

/** Swaps the bytes of each value in place. */
function swapBytes(buffer: Buffer, size: number): void {
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else buffer.swap64();
}

function toNumbers(dtype: NpyType, values: NpyData, fail: Fail): NpyData {
  if (dtype === "float16") return Float32Array.from(values, halfToNumber);
  if (dtype === "bool" && values.some((byte) => byte > 1)) fail("its values of bool are not all 0 or 1");
  if (dtype !== "int64" && dtype !== "uint64") return values;
  const halves = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length); // the low one first
  return Float64Array.from(values, (_, i) => {
    const high = dtype === "int64" ? halves[2 * i + 1] | 0 : halves[2 * i + 1];
    const integer = 2 ** 32 * high + halves[2 * i];
    if (!Number.isSafeInteger(integer)) fail(`it holds ${integer}, and integers are read up to 2^53 − 1`);
    return integer;
  });
}

/** Decodes a half-precision float: a sign bit, five bits of exponent, ten of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
