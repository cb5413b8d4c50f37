// Files of one array of bytes: IDX, as it is or compressed, and NumPy's .npy. Small ones are read into memory; of large ones, images
// are read from the disk whenever they are wanted.
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { UserError } from "../errors.js";
import { cached } from "../files/cache.js";
import { addFileName, withFileName } from "../files/errors.js";
import { readBytes } from "../files/read.js";
import { checkRegular } from "../files/stat.js";
import type { IdxHeader } from "../formats/idx.js";
import { checkIdxLength, MAX_IDX_HEADER_BYTES, parseIdxHeader } from "../formats/idx.js";
import { checkNpyLength, MAX_NPY_HEADER_BYTES, parseNpy, parseNpyHeader } from "../formats/npy.js";
import type { Pixels } from "./pixels.js";
import { pixelsInFile, pixelsInMemory } from "./pixels.js";

/** What is held in memory, at most: MNIST's 60,000 images are 47 MB. */
export const MAX_IN_MEMORY = 128e6;

/** Deflate makes no more than 1032 bytes of one. */
const MAX_INFLATION = 1032;

/** Bytes with a shape, row-major, in memory or on the disk. */
export interface ByteArray {
  readonly shape: readonly number[];
  /** The array as images of `size` bytes. */
  readonly pixels: (size: number) => Pixels;
}

/**
 * Opens an IDX file of unsigned bytes, or a .npy file: of bytes as they are, of floats from 0 to 1 as their 255-fold, of bool as black
 * and white.
 *
 * @param ranks the numbers of dimensions that it may have
 * @throws UserError if it is not such a file, the system's error if there is none
 */
export async function openArray(file: string, ranks: readonly number[]): Promise<ByteArray> {
  checkRegular(file);
  const start = await readStart(file);
  if (start[0] === 0x1f && start[1] === 0x8b) return openCompressed(file, ranks);
  if (file.endsWith(".npy")) return openNpy(file, start, ranks);
  const header = parseIdxHeader(start.subarray(0, MAX_IDX_HEADER_BYTES), ranks, file);
  checkIdxLength(header, (await stat(file)).size, file);
  return { shape: header.shape, ...(await openBytes(file, header.start, header.end)) };
}

/** Bytes start to end of a file. */
export async function openBytes(file: string, start: number, end: number): Promise<Pick<ByteArray, "pixels">> {
  if (end - start > MAX_IN_MEMORY) return { pixels: (size) => pixelsInFile(file, start, size) };
  const bytes = (await readBytes(file)).subarray(start, end);
  if (bytes.length < end - start) throw Object.assign(new Error(`${file} has become shorter`), { syscall: "read" });
  return { pixels: (size) => pixelsInMemory(bytes, size) };
}

async function openNpy(file: string, beginning: Uint8Array, ranks: readonly number[]): Promise<ByteArray> {
  const { size: length } = await stat(file);
  const header = parseNpyHeader(beginning, file);
  checkNpyLength(header, length, file);
  const { dtype, shape, start } = header;
  if (!ranks.includes(shape.length) || shape.includes(0)) {
    throw new UserError(
      `${file} is of shape (${shape}), and must have ${ranks.join(" or ")} dimensions, none of them 0.`,
    );
  }
  if (dtype === "uint8") return { shape, ...(await openBytes(file, start, length)) };
  if (dtype !== "bool" && !dtype.startsWith("float")) {
    throw new UserError(
      `${file} holds ${dtype}. Images are uint8 from 0 to 255, or floats from 0 to 1: np.save(file, x.astype("uint8")).`,
    );
  }
  const { data } = parseNpy(await readBytes(file), file);
  const bytes = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    if (!(data[i] >= 0 && data[i] <= 1)) {
      throw new UserError(
        `${file} holds ${data[i]}, and images of ${dtype} must lie from 0 to 1: np.save(file, x / 255).`,
      );
    }
    bytes[i] = Math.round(data[i] * 255);
  }
  return { shape, pixels: (size) => pixelsInMemory(bytes, size) };
}

/** Unpacks an IDX file: into memory, or if it is large into the cache. No more of it than its header promises. */
async function openCompressed(file: string, ranks: readonly number[]): Promise<ByteArray> {
  let start = Buffer.alloc(0);
  for await (const chunk of decompress(file)) {
    start = Buffer.concat([start, chunk]);
    if (start.length >= MAX_IDX_HEADER_BYTES) break;
  }
  const header = parseIdxHeader(start, ranks, file);
  if (header.end > MAX_INFLATION * (await stat(file)).size) {
    throw new UserError(
      `${file} is compressed with gzip, and promises more than can be in it: ${header.shape.join("×")} values.`,
    );
  }
  const { shape, end } = header;
  if (end > MAX_IN_MEMORY) {
    const { file: unpacked } = await cached(path.dirname(file), [file], "unpacked.idx", () => unpack(file, header));
    return { shape, ...(await openBytes(unpacked, header.start, end)) };
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of unpack(file, header)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks).subarray(header.start);
  return { shape, pixels: (size) => pixelsInMemory(bytes, size) };
}

/** The bytes that the header promises. @throws UserError if there are fewer or more */
async function* unpack(file: string, header: IdxHeader): AsyncGenerator<Buffer, object> {
  let length = 0;
  for await (const chunk of decompress(file)) {
    length += chunk.length;
    if (length > header.end) break;
    yield chunk;
  }
  checkIdxLength(header, length, file);
  return {};
}

async function* decompress(file: string): AsyncGenerator<Buffer, void> {
  const unpacked = createGunzip();
  pipeline(createReadStream(file), unpacked).catch(() => {}); // an error reaches the reader of `unpacked`
  try {
    for await (const chunk of unpacked) yield chunk;
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code?.startsWith("Z_")) throw addFileName(error, file, "read");
    throw new UserError(`${file} is compressed with gzip, but damaged (${(error as Error).message}).`);
  }
}

async function readStart(file: string): Promise<Uint8Array> {
  const opened = await open(file, "r");
  try {
    const start = new Uint8Array(MAX_NPY_HEADER_BYTES);
    const { bytesRead } = await withFileName(file, "read", () => opened.read(start, 0, start.length, 0));
    return start.subarray(0, bytesRead);
  } finally {
    await opened.close();
  }
}
