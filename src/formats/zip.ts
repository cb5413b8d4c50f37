// Reads and writes .zip archives in memory, for NumPy's .npz. Reads stored and deflated entries, and Zip64, but no
// encryption. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
import { constants, crc32, inflateRawSync } from "node:zlib";
import { UserError } from "../errors.js";
import { printable } from "../wording.js";

/** The first two bytes of every record. */
const MAGIC = 0x504b; // PK
const LOCAL_HEADER = 0x04034b50;
const DIRECTORY_HEADER = 0x02014b50;
const END = 0x06054b50;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_END = 0x06064b50;

const LOCAL_HEADER_BYTES = 30;
const DIRECTORY_HEADER_BYTES = 46;
const END_BYTES = 22;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_END_BYTES = 56;

const STORED = 0;
const DEFLATED = 8;
/** In a field of 16 or 32 bits, this value refers to the Zip64 record. */
const MAX_UINT16 = 2 ** 16 - 1;
const MAX_UINT32 = 2 ** 32 - 1;
/** Deflate writes two bits or more for 258 bytes. */
const MAX_DEFLATE_RATIO = (258 * 8) / 2;

export interface ZipEntry {
  /** The declared number of bytes, which `read` verifies. */
  readonly size: number;
  /**
   * Reads the content and verifies its CRC-32. A stored entry shares the archive's memory.
   *
   * @throws UserError if the entry is larger than `maxBytes`, damaged, encrypted or compressed in another way
   */
  read(maxBytes: number): Uint8Array;
  /** Reads at least the first `bytes` bytes, or all. Verifies no checksum. @throws UserError like `read` */
  readStart(bytes: number): Uint8Array;
}

/** The position of the central directory. */
interface Directory {
  readonly start: number;
  readonly end: number;
  readonly count: number;
}

/** An entry of the central directory. */
interface Header {
  readonly name: string;
  readonly isEncrypted: boolean;
  readonly method: number;
  readonly checksum: number;
  readonly size: number;
  readonly compressedSize: number;
  /** The offset of the local header. */
  readonly offset: number;
}

/**
 * Lists the entries of an archive by name, in the order of its central directory. Reads no content.
 *
 * @throws UserError if the archive is truncated, its central directory is damaged, or two entries share a name or bytes
 */
export function readZip(bytes: Uint8Array, file: string): ReadonlyMap<string, ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { start, end, count } = findDirectory(view, file);
  const entries = new Map<string, ZipEntry>();
  const headers: Header[] = [];
  for (let at = start; at < end; ) {
    const { header, next } = parseHeader(bytes, view, at, end) ?? failAt(file, at);
    if (entries.has(header.name)) fail(file, `it has two entries named ${printable(JSON.stringify(header.name))}`);
    headers.push(header);
    const packed = (maxBytes: number) => findContent(header, bytes.subarray(0, start), view, maxBytes, file);
    entries.set(header.name, {
      size: header.size,
      read: (maxBytes) => readContent(header, packed(maxBytes), file),
      readStart: (minBytes) => readBeginning(header, packed(Infinity), minBytes, file),
    });
    at = next;
  }
  if (entries.size !== count) fail(file, `it declares ${count} entries, but lists ${entries.size}`);
  checkOverlap(headers, file);
  return entries;
}

/** Refuses entries that share bytes, with which a small archive could hold any number of large entries. */
function checkOverlap(headers: readonly Header[], file: string): void {
  let end = 0;
  for (const { offset, compressedSize } of [...headers].sort((a, b) => a.offset - b.offset)) {
    if (offset < end) fail(file, "its entries overlap");
    end = offset + LOCAL_HEADER_BYTES + compressedSize;
  }
}

/** Encodes an archive of stored entries, like np.savez. The same entries give the same bytes. */
export function encodeZip(entries: Iterable<readonly [name: string, content: Uint8Array]>): Uint8Array {
  const contents: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let length = 0;
  let directoryLength = 0;
  for (const [name, content] of entries) {
    const encodedName = Buffer.from(name);
    // Version 2.0, a name in UTF-8, stored, at midnight of 1 January 1980.
    const method = pack([2, 20], [2, 1 << 11], [2, STORED], [2, 0], [2, (1 << 5) | 1]);
    const sizes = pack([4, crc32(content)], [4, content.length], [4, content.length], [2, encodedName.length], [2, 0]);
    const place = pack([2, 0], [2, 0], [2, 0], [4, 0], [4, length]);
    contents.push(pack([4, LOCAL_HEADER]), method, sizes, encodedName, content);
    directory.push(pack([4, DIRECTORY_HEADER], [2, 20]), method, sizes, place, encodedName);
    length += LOCAL_HEADER_BYTES + encodedName.length + content.length;
    directoryLength += DIRECTORY_HEADER_BYTES + encodedName.length;
  }
  const count = contents.length / 5;
  if (length + directoryLength >= MAX_UINT32 || count >= MAX_UINT16) {
    throw new UserError("A .zip archive holds fewer than 65,535 entries and less than 4 GiB. Write single files.");
  }
  const counts = pack([4, END], [2, 0], [2, 0], [2, count], [2, count]);
  return Buffer.concat([...contents, ...directory, counts, pack([4, directoryLength], [4, length], [2, 0])]);
}

/** Finds the central directory, by the record at the end of the archive. */
function findDirectory(view: DataView, file: string): Directory {
  const length = view.byteLength;
  if (length < 2 || view.getUint16(0) !== MAGIC) fail(file, "it does not begin with PK");
  let at = length - END_BYTES;
  // A comment of up to 65,535 bytes can follow.
  const isEnd = () => view.getUint32(at, true) === END && at + END_BYTES + view.getUint16(at + 20, true) === length;
  while (at >= Math.max(0, length - END_BYTES - MAX_UINT16) && !isEnd()) at--;
  if (at < Math.max(0, length - END_BYTES - MAX_UINT16)) {
    fail(file, `it ends at byte ${length}, without a central directory; the file may be incomplete`);
  }
  let count = view.getUint16(at + 10, true);
  let size = view.getUint32(at + 12, true);
  let start = view.getUint32(at + 16, true);
  if (count === MAX_UINT16 || size === MAX_UINT32 || start === MAX_UINT32) {
    const locator = at - ZIP64_LOCATOR_BYTES;
    if (locator >= 0 && view.getUint32(locator, true) === ZIP64_LOCATOR) {
      const record = uint64At(view, locator + 8);
      if (record + ZIP64_END_BYTES > locator || view.getUint32(record, true) !== ZIP64_END) failAt(file, locator);
      [count, size, start] = [record + 32, record + 40, record + 48].map((field) => uint64At(view, field));
    }
  }
  if (start + size > at) failAt(file, at);
  return { start, end: start + size, count };
}

/** @returns undefined if no header ends before `end` */
function parseHeader(bytes: Uint8Array, view: DataView, at: number, end: number) {
  if (at + DIRECTORY_HEADER_BYTES > end || view.getUint32(at, true) !== DIRECTORY_HEADER) return undefined;
  const nameStart = at + DIRECTORY_HEADER_BYTES;
  const nameEnd = nameStart + view.getUint16(at + 28, true);
  const extraEnd = nameEnd + view.getUint16(at + 30, true);
  const next = extraEnd + view.getUint16(at + 32, true);
  if (next > end) return undefined;
  const fields = [at + 24, at + 20, at + 42].map((field) => view.getUint32(field, true));
  const [size, compressedSize, offset] = withZip64(fields, view, nameEnd, extraEnd);
  if (Number.isNaN(size + compressedSize + offset)) return undefined;
  const header: Header = {
    // Most archivers write UTF-8, even if they declare code page 437.
    name: new TextDecoder().decode(bytes.subarray(nameStart, nameEnd)),
    isEncrypted: (view.getUint16(at + 8, true) & 1) === 1,
    method: view.getUint16(at + 10, true),
    checksum: view.getUint32(at + 16, true),
    size,
    compressedSize,
    offset,
  };
  return { header, next };
}

/** Finds the stored content of an entry. `bytes`: the archive up to its central directory. */
function findContent(header: Header, bytes: Uint8Array, view: DataView, maxBytes: number, file: string): Uint8Array {
  const { name, isEncrypted, method, size, compressedSize, offset } = header;
  const refuse = (problem: string): never => fail(file, `its entry ${printable(JSON.stringify(name))} ${problem}`);
  const limit = Math.min(maxBytes, MAX_UINT32 - 1);
  if (isEncrypted) refuse("is encrypted");
  if (method !== STORED && method !== DEFLATED) {
    refuse(`has the compression method ${method}; save it again with np.savez_compressed`);
  }
  if (size > limit) refuse(`has ${size} bytes, more than ${limit}`);
  if (offset + LOCAL_HEADER_BYTES > bytes.length || view.getUint32(offset, true) !== LOCAL_HEADER) {
    refuse(`does not begin at byte ${offset}`);
  }
  const start = offset + LOCAL_HEADER_BYTES + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + compressedSize > bytes.length) refuse("does not end before the central directory");
  return bytes.subarray(start, start + compressedSize);
}

function readContent({ name, method, checksum, size }: Header, packed: Uint8Array, file: string): Uint8Array {
  const content = method === STORED ? packed : inflate(packed, size);
  if (content?.length !== size || crc32(content) !== checksum)
    fail(file, `its entry ${printable(JSON.stringify(name))} is damaged`);
  return content;
}

function readBeginning({ name, method }: Header, packed: Uint8Array, minBytes: number, file: string): Uint8Array {
  const start = packed.subarray(0, 2 * minBytes); // deflate adds at most an eighth to incompressible bytes
  if (method === STORED) return start;
  try {
    return inflateRawSync(start, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith("Z_"))
      fail(file, `its entry ${printable(JSON.stringify(name))} is damaged`);
    throw error;
  }
}

/**
 * Replaces fields that do not fit in 32 bits by values of the Zip64 record, which holds only these fields, in order. A
 * field without a value in the record becomes NaN.
 */
function withZip64(fields: readonly number[], view: DataView, start: number, end: number): number[] {
  const values: number[] = [];
  for (let at = start; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    const recordEnd = Math.min(end, at + 4 + view.getUint16(at + 2, true));
    for (let value = at + 4; value + 8 <= recordEnd; value += 8) values.push(uint64At(view, value));
    break;
  }
  return fields.map((field) => (field === MAX_UINT32 ? (values.shift() ?? Number.NaN) : field));
}

/** Inflates up to `size` bytes. @returns undefined if the stream is damaged or longer */
function inflate(packed: Uint8Array, size: number): Uint8Array | undefined {
  if (size > MAX_DEFLATE_RATIO * packed.length) return undefined; // before it allocates memory
  try {
    // A single chunk needs no copy. It has a spare byte, because zlib allocates another chunk when one is full.
    return inflateRawSync(packed, { chunkSize: Math.max(64, size + 1), maxOutputLength: Math.max(1, size) });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE" || code?.startsWith("Z_")) return undefined;
    throw error;
  }
}

/** Encodes fields of 2 or 4 bytes, in little-endian order. */
function pack(...fields: readonly (readonly [bytes: 2 | 4, value: number])[]): Uint8Array {
  const packed: number[] = [];
  for (const [bytes, value] of fields) {
    for (let i = 0; i < bytes; i++) packed.push((value >>> (8 * i)) & 0xff);
  }
  return Uint8Array.from(packed);
}

/** Reads 64 bits. Rounds above 2^53, which is beyond the end of any file. */
function uint64At(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function failAt(file: string, at: number): never {
  fail(file, `its central directory is damaged at byte ${at}`);
}

function fail(file: string, problem: string): never {
  throw new UserError(`${file} is not a readable .zip archive: ${problem}.`);
}
