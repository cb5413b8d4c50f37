// NumPy's .npy format of one array, in row-major order and of plain numbers, read strictly. Does not touch the disk.
import { UserError } from "../errors.js";
import type { HostArray } from "../tree.js";
import { sizeOf } from "../tree.js";

/** An array as a file holds it. */
export interface NpyArray {
  /** NumPy's name for the type of the file's values. */
  readonly dtype: NpyType;
  readonly shape: readonly number[];
  /** The values, row-major. Those of bool are 0 and 1; float16 comes as float32, 64-bit integers as float64. May share the file's memory. */
  readonly data: NpyData;
}

export type NpyType = (typeof TYPES)[keyof typeof TYPES]["name"];

export type NpyData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

type Fail = (problem: string) => never;

/** The types that are read: their names in a header, without the order of bytes; and how their values lie in memory. */
const TYPES = {
  b1: { name: "bool", values: Uint8Array },
  u1: { name: "uint8", values: Uint8Array },
  i1: { name: "int8", values: Int8Array },
  u2: { name: "uint16", values: Uint16Array },
  i2: { name: "int16", values: Int16Array },
  u4: { name: "uint32", values: Uint32Array },
  i4: { name: "int32", values: Int32Array },
  u8: { name: "uint64", values: BigUint64Array },
  i8: { name: "int64", values: BigInt64Array },
  f2: { name: "float16", values: Uint16Array },
  f4: { name: "float32", values: Float32Array },
  f8: { name: "float64", values: Float64Array },
} as const;

const MAGIC = [0x93, ...new TextEncoder().encode("NUMPY")];
/** Values begin at a multiple of this. */
const ALIGNMENT = 64;
/** As NumPy has it. */
const MAX_HEADER_BYTES = 10_000;

/** What the header of a file says. */
export interface NpyHeader extends Pick<NpyArray, "dtype" | "shape"> {
  /** Where the values begin. */
  readonly start: number;
  /** The length of the whole file. */
  readonly end: number;
  readonly type: keyof typeof TYPES;
  readonly isBigEndian: boolean;
}

/** Enough of a file's beginning to hold its header. */
export const MAX_NPY_HEADER_BYTES = MAGIC.length + 6 + MAX_HEADER_BYTES;

/**
 * Reads a .npy file: the magic string, the version, the length of a header, the header as a Python dictionary, then the values
 * (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). Versions 1.0, 2.0 and 3.0; either order of bytes.
 *
 * @param file what to call the file in errors
 * @throws UserError that says what is wrong, or how to save the array so that it can be read
 */
export function parseNpy(bytes: Uint8Array, file: string): NpyArray {
  const header = parseNpyHeader(bytes, file);
  checkNpyLength(header, bytes.length, file);
  const { dtype, shape, start, type, isBigEndian } = header;
  const { values: Values } = TYPES[type];
  const size = Values.BYTES_PER_ELEMENT;
  const isAligned = (bytes.byteOffset + start) % size === 0;
  const content = isBigEndian || !isAligned ? new Uint8Array(bytes.subarray(start)) : bytes.subarray(start);
  if (isBigEndian) swapBytes(content, size);
  const values = new Values(content.buffer as ArrayBuffer, content.byteOffset, content.length / size);
  return { dtype, shape, data: toNumbers(dtype, values, failure(file)) };
}

/**
 * Reads the header alone.
 *
 * @param bytes the beginning of the file, or all of it
 * @throws UserError as above
 */
export function parseNpyHeader(bytes: Uint8Array, file: string): NpyHeader {
  const fail = failure(file);
  const refuse = (what: string, remedy: string): never => {
    throw new UserError(`${file} ${what}. Save it anew: np.save(file, ${remedy}).`);
  };
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) fail("it is compressed with gzip; decompress it first (gunzip)");
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) refuse("is an archive, such as .npz", 'np.load("x.npz")["name"]');
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) fail("it does not begin with \\x93NUMPY");
  const atLeast = (length: number, where: string) => {
    if (bytes.length < length) fail(`it ends at byte ${bytes.length}, ${where}`);
  };
  atLeast(MAGIC.length + 2, "before its header");
  const [major, minor] = bytes.subarray(MAGIC.length);
  if (!(major >= 1 && major <= 3 && minor === 0)) fail(`its version is ${major}.${minor}, not 1.0, 2.0 or 3.0`);
  const lengthBytes = major === 1 ? 2 : 4;
  const headerStart = MAGIC.length + 2 + lengthBytes;
  atLeast(headerStart, "before its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = major === 1 ? view.getUint16(MAGIC.length + 2, true) : view.getUint32(MAGIC.length + 2, true);
  if (headerLength > MAX_HEADER_BYTES) fail(`its header has ${headerLength} bytes, more than ${MAX_HEADER_BYTES}`);
  const start = headerStart + headerLength;
  atLeast(start, `within its header of ${start} bytes`);

  const { descr, fortranOrder, shape } = parseHeader(bytes.subarray(headerStart, start), fail);
  if (descr === undefined) return refuse("holds records, not plain numbers", 'x["field"]');
  const [, order, type] = /^([<>|=])?(.*)$/s.exec(descr) as RegExpExecArray;
  if (!isTypeName(type)) {
    return refuse(`holds values of the type ${JSON.stringify(descr)}, not plain numbers`, 'x.astype("float32")');
  }
  if (fortranOrder) refuse("is in Fortran order", "np.ascontiguousarray(x)");
  const { name: dtype, values } = TYPES[type];
  const size = values.BYTES_PER_ELEMENT;
  const end = start + size * (shape.includes(0) ? 0 : sizeOf(shape));
  return { dtype, shape, start, end, type, isBigEndian: order === ">" && size > 1 };
}

/** @throws UserError if a file of `length` bytes, Infinity where they were not counted, is not what its header promises */
export function checkNpyLength({ dtype, shape, end }: NpyHeader, length: number, file: string): void {
  if (length === end) return;
  const found = length === Infinity ? "more" : length;
  failure(file)(`its header promises ${asTuple(shape)} values of ${dtype}, ${end} bytes in all, and it has ${found}`);
}

/** An array of bytes or float32 as NumPy's np.save writes it. */
export function encodeNpy({ data, shape }: HostArray): Uint8Array {
  const header = npyHeader(data instanceof Uint8Array ? "uint8" : "float32", shape);
  const file = new Uint8Array(header.length + data.byteLength);
  file.set(header);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.length);
  return file;
}

/** What stands before the values, for those who write these part by part: bytes, or little-endian float32. */
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

/** As Python writes a tuple. */
function asTuple(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

function failure(file: string): Fail {
  return (problem) => {
    throw new UserError(`${file} is not a valid .npy file: ${problem}.`);
  };
}

interface Header {
  /** The type of a value; undefined where it is a record of several. */
  readonly descr: string | undefined;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`: of Python's grammar this much alone. */
function parseHeader(bytes: Uint8Array, fail: Fail): Header {
  const text = Buffer.from(bytes).toString("latin1"); // of version 3.0 it is UTF-8, for the names of records alone
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
  const takeSizes = (): number[] => {
    const sizes: number[] = [];
    take(/^\($/, "a shape");
    for (let more = true; more && tokens[at] !== ")"; ) {
      const size = Number(take(/^\d+L?$/, "a size").replace("L", "")); // Python 2 wrote the L of a long integer
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
      if (tokens[at] === "[") return { descr: undefined, fortranOrder: false, shape: [] };
      found.descr = takeText("a type");
    } else if (key === "fortran_order") found.fortran_order = take(/^(True|False)$/, "True or False") === "True";
    else if (key === "shape") found.shape = takeSizes();
    else fail(`its header has the key ${JSON.stringify(key)}, not descr, fortran_order or shape`);
  }
  take(/^\}$/, "a }");
  if (at < tokens.length) fail("something follows the dictionary in its header");
  const { descr, fortran_order: fortranOrder, shape } = found;
  if (descr === undefined || fortranOrder === undefined || shape === undefined) {
    return fail("its header lacks descr, fortran_order or shape");
  }
  return { descr, fortranOrder, shape };
}

function isTypeName(name: string): name is keyof typeof TYPES {
  return Object.hasOwn(TYPES, name);
}

/** Turns the bytes of each value around, in place. */
function swapBytes(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else buffer.swap64();
}

/** The values as JavaScript has them. */
function toNumbers(dtype: NpyType, values: NpyData | BigInt64Array | BigUint64Array, fail: Fail): NpyData {
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    const doubles = new Float64Array(values.length);
    values.forEach((integer, i) => {
      doubles[i] = Number(integer);
      if (!Number.isSafeInteger(doubles[i])) fail(`it holds ${integer}, and integers are read up to 2^53 − 1`);
    });
    return doubles;
  }
  if (dtype === "float16") return Float32Array.from(values, halfToNumber);
  if (dtype === "bool" && values.some((byte) => byte > 1)) fail("its values of bool are not all 0 or 1");
  return values;
}

/** The value of a half-precision float: a sign bit, five of the exponent, ten of the fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
