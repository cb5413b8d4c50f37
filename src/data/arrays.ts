// Opens IDX files, plain or compressed, and .npy files as arrays of bytes. Large arrays stay on the disk.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { UserError } from "../errors.js";
import { cached } from "../files/cache.js";
import { addFileName, checkRegular, readBytes, readStart } from "../files/read.js";
import { checkIdxLength, type IdxHeader, MAX_IDX_HEADER_BYTES, parseIdx, parseIdxHeader } from "../formats/idx.js";
import { checkNpyLength, MAX_NPY_HEADER_BYTES, type NpyArray, parseNpy, parseNpyHeader } from "../formats/npy.js";
import { type Pixels, pixelsInFile, pixelsInMemory } from "./pixels.js";

/** Arrays of more bytes stay on the disk. MNIST's 60,000 images are 47 MB. */
export const MAX_IN_MEMORY = 128e6;
/** Deflate makes at most 1032 bytes of one. */
const MAX_INFLATION = 1032;

/** A row-major array of bytes, in memory or on the disk. */
export interface ByteArray {
  readonly shape: readonly number[];
  /** The array as images of `size` bytes. */
  readonly pixels: (size: number) => Pixels;
}

/**
 * Opens an IDX or .npy file. `ranks`: the accepted numbers of dimensions.
 *
 * @throws UserError if it is not such a file
 */
export async function openArray(file: string, ranks: readonly number[]): Promise<ByteArray> {
  checkRegular(file);
  const start = await readStart(file, MAX_NPY_HEADER_BYTES);
  const { size } = await stat(file);
  if (start[0] === 0x1f && start[1] === 0x8b) return openCompressed(file, size, ranks);
  if (file.endsWith(".npy")) return openNpy(file, size, start, ranks);
  const header = parseIdxHeader(start, ranks, file);
  checkIdxLength(header, size, file);
  return { shape: header.shape, pixels: openBytes(file, header.start, header.end) };
}

/** Opens bytes `start` to `end` of a file. */
export function openBytes(file: string, start: number, end: number): ByteArray["pixels"] {
  if (end - start > MAX_IN_MEMORY) return (size) => pixelsInFile(file, start, size);
  const bytes = pixelsInFile(file, start, end - start).read([0]);
  return (size) => pixelsInMemory(bytes, size);
}

async function openNpy(
  file: string,
  length: number,
  beginning: Uint8Array,
  ranks: readonly number[],
): Promise<ByteArray> {
  const header = parseNpyHeader(beginning, file);
  checkNpyLength(header, length, file);
  const { dtype, shape, start } = header;
  if (!ranks.includes(shape.length) || shape.includes(0)) {
    throw new UserError(`${file} has the shape (${shape}). Give ${ranks.join(" or ")} dimensions, none of them 0.`);
  }
  checkImageType(dtype, file);
  if (dtype === "uint8") return { shape, pixels: openBytes(file, start, length) };
  const { data } = toImages(parseNpy(await readBytes(file), file), file);
  const bytes = data instanceof Uint8Array ? data : toBytes(data, dtype, file);
  return { shape, pixels: (size) => pixelsInMemory(bytes, size) };
}

function checkImageType(dtype: NpyArray["dtype"], file: string): void {
  if (dtype === "uint8" || dtype === "bool" || dtype.startsWith("float")) return;
  throw new UserError(
    `${file} holds ${dtype}. Images are uint8 from 0 black to 255 white, or floats from 0 to 1: ` +
      `np.save(file, x.astype("uint8")).`,
  );
}

/**
 * Checks that an array holds bytes from 0 to 255, floats, or bool, which becomes 0 and 255.
 *
 * @throws UserError if not
 */
export function toImages({ dtype, shape, data }: NpyArray, file: string): Pick<NpyArray, "data" | "shape"> {
  checkImageType(dtype, file);
  return { data: dtype === "bool" ? Uint8Array.from(data, (bit) => 255 * bit) : data, shape };
}

/** Scales floats to bytes. @throws UserError unless they are from 0 to 1 */
function toBytes(floats: NpyArray["data"], dtype: string, file: string): Uint8Array {
  return Uint8Array.from(floats, (float) => {
    if (float >= 0 && float <= 1) return Math.round(float * 255);
    throw new UserError(`${file} holds ${float}, and images of ${dtype} must lie from 0 to 1: np.save(file, x / 255).`);
  });
}

/** Decompresses an IDX file into memory, or into the cache if it is large. */
async function openCompressed(file: string, length: number, ranks: readonly number[]): Promise<ByteArray> {
  let beginning = Buffer.alloc(0);
  for await (const chunk of gunzip(file)) {
    beginning = Buffer.concat([beginning, chunk]);
    if (beginning.length >= MAX_IDX_HEADER_BYTES) break;
  }
  const header = parseIdxHeader(beginning, ranks, file);
  const { shape, start, end } = header;
  if (end > MAX_INFLATION * length) {
    throw new UserError(`${file} is too small for the ${shape.join("×")} compressed values that it promises.`);
  }
  if (end > MAX_IN_MEMORY) {
    const key = [path.resolve(file), "unpacked.idx"];
    const { file: unpacked } = await cached({ key, sources: [file], make: () => unpack(file, header) });
    return { shape, pixels: openBytes(unpacked, start, end) };
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of unpack(file, header)) chunks.push(chunk);
  const { data } = parseIdx(Buffer.concat(chunks), ranks, file);
  return { shape, pixels: (size) => pixelsInMemory(data, size) };
}

/** Decompresses as many bytes as the header promises. @throws UserError if there are fewer or more */
async function* unpack(file: string, header: IdxHeader): AsyncGenerator<Buffer, object> {
  let length = 0;
  for await (const chunk of gunzip(file)) {
    length += chunk.length;
    if (length > header.end) break;
    yield chunk;
  }
  checkIdxLength(header, length, file);
  return {};
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
