// Opens files of arrays by their content: IDX, .npy, .npz and text tables, plain or compressed with gzip. Large arrays
// of bytes stay on disk.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { UserError } from "../errors.js";
import { cached, type Reserve } from "../files/cache.js";
import { addFileName, MAX_READ_BYTES, readBytes, readStart } from "../files/read.js";
import { checkIdxLength, type IdxHeader, parseIdx, parseIdxHeader } from "../formats/idx.js";
import {
  checkNpyLength,
  MAX_NPY_HEADER_BYTES,
  type NpyArray,
  type NpyHeader,
  parseNpy,
  parseNpyHeader,
} from "../formats/npy.js";
import { NPZ, recognize } from "../formats/recognize.js";
import { parseTable } from "../formats/table.js";
import { readZip, type ZipEntry } from "../formats/zip.js";
import type { Size } from "../values/size.js";
import { formatBytes, printable } from "../wording.js";
import { endingOf } from "./names.js";
import { type Pixels, pixelsInFile, pixelsInMemory, readRange } from "./pixels.js";
import { openTable } from "./table-arrays.js";

/** Arrays of more bytes stay on disk. MNIST's 60,000 images are 47 MB. */
export const MAX_IN_MEMORY = 128e6;
/** Deflate compresses at most 1032 bytes to one. */
const MAX_INFLATION = 1032;

/** A row-major array of a file. */
export interface FileArray {
  /** The file, and in an archive the array: x.npz/images. */
  readonly name: string;
  /** The array's name in an archive or a table. */
  readonly key?: string | undefined;
  /** NumPy's name of the type. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** How the file is read, and which of its content is ignored. */
  readonly notes?: readonly string[] | undefined;
  /** The values, unless their type is uint8. */
  readonly values?: ArrayLike<number> | undefined;
  /** Values of type uint8, as images of `size` bytes. */
  readonly pixels?: ((size: number) => Pixels) | undefined;
}

/** The bytes of a file, in memory or on disk. */
interface Content {
  readonly file: string;
  readonly length: number;
  readonly start: Uint8Array;
  readonly readAll: () => Promise<Uint8Array>;
  readonly open: (start: number, end: number) => NonNullable<FileArray["pixels"]>;
}

/**
 * Opens a file of arrays. IDX and .npy hold one array, .npz several. A table yields its images and, if any, its labels.
 *
 * @param size the given size of the images, which separates pixels from other columns of a table
 * @throws UserError if the file is not valid, or holds no arrays
 */
export async function openArrays(file: string, size?: Size | null): Promise<FileArray[]> {
  const start = await readStart(file, MAX_NPY_HEADER_BYTES);
  const { size: length } = await stat(file);
  return parseContent(isGzip(start) ? await decompress(file, length) : contentOf(file, length, start), size);
}

/**
 * Reads the shape of the array in an IDX or .npy file from its header.
 *
 * @returns undefined for other files, and for damaged ones, which `openArrays` reports
 */
export async function readShape(file: string): Promise<readonly number[] | undefined> {
  const stored = await readStart(file, MAX_NPY_HEADER_BYTES);
  try {
    const start = isGzip(stored) ? await decompressedStart(file) : stored;
    return isNpy(start) || isIdx(start) ? headerOf(start, file).shape : undefined;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Whether a file is compressed with gzip. */
function isGzip(start: Uint8Array): boolean {
  return start[0] === 0x1f && start[1] === 0x8b;
}

function contentOf(file: string, length: number, start: Uint8Array, place = file): Content {
  const open = (from: number, end: number) => openBytes(place, from, end);
  const readAll = async () => {
    if (length <= MAX_READ_BYTES) return (await readBytes(place)).subarray(0, length);
    throw new UserError(`${file} has ${formatBytes(length)}, more than 2 GB. Save its images as .npy of uint8.`);
  };
  return { file, length, start, readAll, open };
}

/** Opens bytes `start` to `end` of a file: in memory, or on disk if they are many. */
export function openBytes(file: string, start: number, end: number): NonNullable<FileArray["pixels"]> {
  if (end - start > MAX_IN_MEMORY) return (size) => pixelsInFile(file, start, size);
  const bytes = readRange(file, start, end);
  return (size) => pixelsInMemory(bytes, size);
}

async function parseContent(content: Content, size?: Size | null): Promise<FileArray[]> {
  const { file, start } = content;
  if (isNpy(start)) return [await openNpy(content)];
  if (isIdx(start)) return [await openIdx(content)];
  if (recognize(start)?.name === NPZ) return openNpz(await content.readAll(), file);
  checkTable(start, file);
  return openTable(parseTable(await content.readAll(), file), file, size);
}

/** @throws UserError if the file is not text, and so not a table */
function checkTable(start: Uint8Array, file: string): void {
  refuseForeign(start, file);
  if (start.length > 0 && start.every((byte) => byte >= 32 || (byte >= 9 && byte <= 13))) return;
  // These parsers throw errors that describe the damage.
  if (endingOf(file) === ".npy") parseNpyHeader(start, file);
  if (endingOf(file) === ".npz") readZip(start, file);
  if (/idx\d/.test(file)) parseIdxHeader(start, file);
  throw new UserError(
    `${file} is neither an image nor an array: it is none of IDX, .npy, .npz, .csv, .amat, .parquet.`,
  );
}

/** @throws UserError if the file has a known format that holds no arrays */
function refuseForeign(start: Uint8Array, file: string): void {
  const foreign = recognize(start);
  const isArray = isNpy(start) || isIdx(start) || foreign?.name === NPZ;
  if (foreign && !isArray) throw new UserError(`${file} is ${foreign.name}, not an array. ${foreign.remedy}`.trim());
}

function isIdx(start: Uint8Array): boolean {
  return start[0] === 0 && start[1] === 0 && start[2] >= 8 && start[2] <= 14;
}

function isNpy(start: Uint8Array): boolean {
  return start[0] === 0x93 && start[1] === 0x4e;
}

async function openIdx({ file, length, start, readAll, open }: Content): Promise<FileArray> {
  const header = parseIdxHeader(start, file);
  checkIdxLength(header, length, file);
  const { dtype, shape } = header;
  if (dtype === "uint8") return { name: file, dtype, shape, pixels: open(header.start, header.end) };
  return { name: file, dtype, shape, values: parseIdx(await readAll(), file).data };
}

async function openNpy({ file, length, start, readAll, open }: Content): Promise<FileArray> {
  const header = parseNpyHeader(start, file);
  checkNpyLength(header, length, file);
  const { dtype, shape, isFortran } = header;
  if (isFortran && length > MAX_READ_BYTES) {
    throw new UserError(
      `${file} is in Fortran order and has more than 2 GB. ` +
        'Save it again with np.save("new.npy", np.ascontiguousarray(x)).',
    );
  }
  if (dtype === "uint8" && !isFortran) return { name: file, dtype, shape, pixels: open(header.start, header.end) };
  const { data } = parseNpy(await readAll(), file);
  return dtype === "uint8"
    ? bytesOf({ name: file, dtype, shape }, () => data)
    : { name: file, dtype, shape, values: data };
}

function bytesOf(about: FileArray, read: () => NpyArray["data"]): FileArray {
  return { ...about, pixels: (size) => pixelsInMemory(read() as Uint8Array, size) };
}

/**
 * Opens the arrays of an archive by their headers. Reads values on demand: a small archive may hold many large arrays.
 * Notes arrays that do not hold numbers.
 *
 * @throws UserError if no array holds numbers, or the archive is damaged
 */
function openNpz(bytes: Uint8Array, file: string): FileArray[] {
  const entries = [...readZip(bytes, file)].filter(([name]) => name.endsWith(".npy"));
  const arrays: FileArray[] = [];
  const problems: string[] = [];
  const notes: string[] = [];
  for (const [entry, content] of entries) {
    const key = printable(entry.slice(0, -".npy".length));
    const name = `${file}/${key}`;
    const start = content.readStart(MAX_NPY_HEADER_BYTES);
    try {
      const header = parseNpyHeader(start, name);
      checkNpyLength(header, content.size, name);
      arrays.push(openEntry({ name, key, ...(arrays.length === 0 && { notes }) }, header, content));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(error.message);
    }
  }
  if (arrays.length === 0) throw new UserError(problems[0] ?? `${file} holds no arrays.`);
  notes.push(...problems.map((problem) => `Ignored: ${problem}`));
  return arrays;
}

function openEntry(
  about: Pick<FileArray, "name" | "key" | "notes">,
  { dtype, shape }: NpyHeader,
  content: ZipEntry,
): FileArray {
  let data: NpyArray["data"] | undefined;
  const read = () => {
    data ??= parseNpy(content.read(MAX_READ_BYTES), about.name).data;
    return data;
  };
  if (dtype === "uint8") return bytesOf({ ...about, dtype, shape }, read);
  return {
    ...about,
    dtype,
    shape,
    get values() {
      return read();
    },
  };
}

/** Decompresses a file into the cache. */
async function decompress(file: string, compressedLength: number): Promise<Content> {
  const start = await decompressedStart(file);
  refuseForeign(start, file);
  const expected = expectedLength(start, file);
  if (expected === Infinity && recognize(start)?.name !== NPZ) checkTable(start, file); // before it is cached
  if (expected > MAX_INFLATION * compressedLength && expected < Infinity) {
    throw new UserError(`${file} is too small for the ${formatBytes(expected)} that its header promises.`);
  }
  const maxLength = expected < Infinity ? expected : MAX_READ_BYTES; // text has no header that bounds it
  let length = 0;
  async function* parts(reserve?: Reserve): AsyncGenerator<Buffer, number> {
    if (expected < Infinity) await reserve?.(expected);
    for await (const chunk of gunzip(file)) {
      length += chunk.length;
      if (length > maxLength) break;
      yield chunk;
    }
    if (length !== expected && expected < Infinity) checkLength(start, length, file);
    if (length > maxLength)
      throw new UserError(`${file} decompresses to more than 2 GB of text. Save its images as .npy of uint8.`);
    return length;
  }
  if (expected <= MAX_IN_MEMORY) {
    const chunks: Buffer[] = [];
    for await (const chunk of parts()) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const open = (from: number, end: number) => (size: number) => pixelsInMemory(bytes.subarray(from, end), size);
    return {
      file,
      length: bytes.length,
      start: bytes.subarray(0, MAX_NPY_HEADER_BYTES),
      readAll: async () => bytes,
      open,
    };
  }
  const key = [path.resolve(file), "unpacked"];
  const { file: unpacked, info } = await cached({ key, sources: [file], make: parts });
  return contentOf(file, info, start, unpacked);
}

/** The length of a file by the header of its array. Infinity for other formats. */
function expectedLength(start: Uint8Array, file: string): number {
  return isNpy(start) || isIdx(start) ? headerOf(start, file).end : Infinity;
}

function headerOf(start: Uint8Array, file: string): NpyHeader | IdxHeader {
  return isNpy(start) ? parseNpyHeader(start, file) : parseIdxHeader(start, file);
}

function checkLength(start: Uint8Array, length: number, file: string): void {
  if (isNpy(start)) checkNpyLength(parseNpyHeader(start, file), length, file);
  else checkIdxLength(parseIdxHeader(start, file), length, file);
}

async function decompressedStart(file: string): Promise<Uint8Array> {
  let start = Buffer.alloc(0);
  for await (const chunk of gunzip(file)) {
    start = Buffer.concat([start, chunk]);
    if (start.length >= MAX_NPY_HEADER_BYTES) break;
  }
  return start.subarray(0, MAX_NPY_HEADER_BYTES);
}

async function* gunzip(file: string): AsyncGenerator<Buffer, void> {
  const unpacked = createGunzip();
  pipeline(createReadStream(file), unpacked).catch(() => {}); // an error reaches the reader of `unpacked`
  try {
    yield* unpacked;
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code?.startsWith("Z_")) throw addFileName(error, file, "read");
    throw new UserError(`${file} is compressed with gzip, but damaged (${(error as Error).message}).`);
  }
}
