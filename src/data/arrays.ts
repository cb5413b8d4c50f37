// Opens files of arrays by their content: IDX, .npy, .npz, text tables; plain or compressed with gzip. Large arrays of
// bytes stay on the disk.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { UserError } from "../errors.js";
import { cached } from "../files/cache.js";
import { addFileName, checkRegular, readBytes, readStart } from "../files/read.js";
import { checkIdxLength, MAX_IDX_HEADER_BYTES, parseIdx, parseIdxHeader } from "../formats/idx.js";
import { checkNpyLength, MAX_NPY_HEADER_BYTES, parseNpy, parseNpyHeader } from "../formats/npy.js";
import { NPZ, recognize } from "../formats/recognize.js";
import { type NumberTable, parseTable } from "../formats/table.js";
import { readZip } from "../formats/zip.js";
import { endingOf, parseName, type Role, SPLITS, type Split } from "./names.js";
import { type Pixels, pixelsInFile, pixelsInMemory } from "./pixels.js";
import { measureRange } from "./scale.js";

/** Arrays of more bytes stay on the disk. MNIST's 60,000 images are 47 MB. */
export const MAX_IN_MEMORY = 128e6;
/** Node.js reads files up to this size in one piece. */
const MAX_READ = 2 ** 31 - 1;
/** Deflate makes at most 1032 bytes of one. */
const MAX_INFLATION = 1032;
/** Decompressed text has no header that bounds it. */
const MAX_TEXT = 4e9;

/** A row-major array of a file. */
export interface FileArray {
  /** The name of the file, and that of the array within an archive. */
  readonly name: string;
  /** The name within an archive. */
  readonly key?: string | undefined;
  /** NumPy's name for the type. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** On what the file holds besides. */
  readonly note?: string | undefined;
  /** The values of a type other than uint8. */
  readonly values?: ArrayLike<number> | undefined;
  /** The values of uint8, as images of `size` bytes. */
  readonly pixels?: ((size: number) => Pixels) | undefined;
}

/** The bytes of a file, in memory or on the disk. */
interface Content {
  readonly file: string;
  readonly length: number;
  readonly start: Uint8Array;
  readonly readAll: () => Promise<Uint8Array>;
  readonly open: (start: number, end: number) => NonNullable<FileArray["pixels"]>;
}

/**
 * Opens a file of arrays: one of IDX and .npy, several of .npz, and of a table its images and, if it has them, labels.
 *
 * @throws UserError if it is not such a file
 */
export async function openArrays(file: string): Promise<FileArray[]> {
  checkRegular(file);
  const start = await readStart(file, MAX_NPY_HEADER_BYTES);
  const { size } = await stat(file);
  if (start[0] === 0x1f && start[1] === 0x8b) return parseContent(await unpack(file, size));
  return parseContent(contentOf(file, size, start));
}

function contentOf(file: string, length: number, start: Uint8Array, place = file): Content {
  const open = (from: number, end: number) => openBytes(place, from, end);
  const readAll = async () => {
    if (length <= MAX_READ) return (await readBytes(place)).subarray(0, length);
    throw new UserError(`${file} has ${(length / 1e9).toFixed(1)} GB, more than 2. Save its images as .npy of uint8.`);
  };
  return { file, length, start, readAll, open };
}

/** Opens bytes `start` to `end` of a file. */
export function openBytes(file: string, start: number, end: number): NonNullable<FileArray["pixels"]> {
  if (end - start > MAX_IN_MEMORY) return (size) => pixelsInFile(file, start, size);
  const bytes = pixelsInFile(file, start, end - start).read([0]);
  return (size) => pixelsInMemory(bytes, size);
}

async function parseContent(content: Content): Promise<FileArray[]> {
  const { file, start, length } = content;
  if (isNpy(start)) return [await openNpy(content)];
  if (isIdx(start)) return [await openIdx(content)];
  const foreign = recognize(start);
  if (foreign?.name === NPZ) return openNpz(await content.readAll(), file);
  if (foreign) throw new UserError(`${file} is ${foreign.name}, not an array. ${foreign.remedy}`.trim());
  const isText = start.every((byte) => byte >= 32 || (byte >= 9 && byte <= 13));
  if (length > 0 && isText) return openTable(parseTable(await content.readAll(), file), file);
  if (endingOf(file) === ".npy") parseNpyHeader(start, file);
  if (endingOf(file) === ".npz") readZip(start, file);
  parseIdxHeader(start, file);
  throw new UserError(`${file} is none of IDX, .npy, .npz, .csv, .amat and .parquet.`);
}

function isIdx(start: Uint8Array): boolean {
  return start[0] === 0 && start[1] === 0 && start.length > 2;
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
  const { dtype, shape } = header;
  if (dtype === "uint8") return { name: file, dtype, shape, pixels: open(header.start, header.end) };
  return { name: file, dtype, shape, values: parseNpy(await readAll(), file).data };
}

/** Opens the arrays of an archive. Those that hold no numbers are left out, unless there are no others. */
function openNpz(bytes: Uint8Array, file: string): FileArray[] {
  const entries = [...readZip(bytes, file)].filter(([name]) => name.endsWith(".npy"));
  const arrays: FileArray[] = [];
  let problem: unknown = new UserError(`${file} holds no arrays. ${recognize(bytes)?.remedy ?? ""}`.trim());
  for (const [entry, content] of entries) {
    const key = entry.slice(0, -".npy".length);
    const name = `${file}/${key}`;
    try {
      const { dtype, shape, data } = parseNpy(content.read(MAX_READ), name);
      const isBytes = data instanceof Uint8Array && dtype === "uint8";
      const values = isBytes ? { pixels: (size: number) => pixelsInMemory(data, size) } : { values: data };
      arrays.push({ name, key, dtype, shape, ...values });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problem = error;
    }
  }
  if (arrays.length === 0) throw problem;
  return arrays;
}

const LABEL_COLUMN = /^(label|labels|class|target|y|emotion)$/i;
/** Columns of row numbers. */
const NUMBER_COLUMN = /^(|id|index|unnamed: 0)$/i;

/**
 * Takes images and labels from a table. Labels are the column of that name. Without names they are the column in excess
 * of a square: the last of .amat, the first of other files. A column of texts such as Training and PublicTest divides
 * the rows into splits.
 */
function openTable({ header, columns, rows, data, texts }: NumberTable, file: string): FileArray[] {
  const names = header?.map((name) => name.trim());
  const isSquare = (count: number) => Number.isInteger(Math.sqrt(count)) || Number.isInteger(Math.sqrt(count / 3));
  let labelAt = names?.findIndex((name) => LABEL_COLUMN.test(name)) ?? -1;
  if (!names && columns > 1 && !isSquare(columns) && isSquare(columns - 1)) {
    labelAt = endingOf(file) === ".amat" ? columns - 1 : 0;
  }
  const isPixel = Array.from({ length: columns }, (_, at) => at !== labelAt && !NUMBER_COLUMN.test(names?.[at] ?? "-"));
  const splitOf = [...texts].find(([, column]) => column.every((text) => parseName(text).split));
  const splits = splitOf?.[1].map((text) => parseName(text).split as Split) ?? [];
  const ignored = [...texts.keys()].filter((name) => name !== splitOf?.[0]);
  const note = ignored.length > 0 ? `Columns of text in ${file} are ignored: ${ignored.join(", ")}.` : undefined;
  const pick = (role: Role, isWanted: (column: number) => boolean, split?: Split): FileArray[] => {
    const values = data.filter(
      (_, i) => isWanted(i % columns) && (!split || splits[Math.floor(i / columns)] === split),
    );
    if (values.length === 0) return [];
    const count = split ? splits.filter((one) => one === split).length : rows;
    const dtype = measureRange(values).isWhole ? "int64" : "float64";
    return [
      { name: file, key: split ? `${split}_${role}` : role, dtype, shape: [count, values.length / count], values },
    ];
  };
  const all = [undefined, ...SPLITS].filter((split) => (split ? splits.includes(split) : splits.length === 0));
  const arrays = all.flatMap((split) => [
    ...pick("images", (column) => isPixel[column], split),
    ...pick("labels", (column) => column === labelAt, split),
  ]);
  return arrays.map((array, i) => (i === 0 && note ? { ...array, note } : array));
}

/** Decompresses a file into the cache. */
async function unpack(file: string, packed: number): Promise<Content> {
  const start = await unpackedStart(file);
  const expected = expectedLength(start, file);
  if (expected > MAX_INFLATION * packed && expected < Infinity) {
    throw new UserError(`${file} is too small for the ${expected} bytes that it promises.`);
  }
  const most = Math.min(expected, MAX_TEXT);
  let length = 0;
  async function* parts(): AsyncGenerator<Buffer, number> {
    for await (const chunk of gunzip(file)) {
      length += chunk.length;
      if (length > most) break;
      yield chunk;
    }
    if (length !== expected && expected < Infinity) checkLength(start, length, file);
    if (length > most) throw new UserError(`${file} decompresses to more than ${most / 1e9} GB. Unpack it first.`);
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

/** The length that the header of an array promises; Infinity for other files. */
function expectedLength(start: Uint8Array, file: string): number {
  if (isNpy(start)) return parseNpyHeader(start, file).end;
  return isIdx(start) ? parseIdxHeader(start, file).end : Infinity;
}

function checkLength(start: Uint8Array, length: number, file: string): void {
  if (isNpy(start)) checkNpyLength(parseNpyHeader(start, file), length, file);
  else checkIdxLength(parseIdxHeader(start, file), length, file);
}

async function unpackedStart(file: string): Promise<Uint8Array> {
  let start = Buffer.alloc(0);
  for await (const chunk of gunzip(file)) {
    start = Buffer.concat([start, chunk]);
    if (start.length >= MAX_NPY_HEADER_BYTES) break;
  }
  return start.subarray(0, Math.max(MAX_NPY_HEADER_BYTES, MAX_IDX_HEADER_BYTES));
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
