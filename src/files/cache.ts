// The cache of decoded and decompressed data: one file for each data set. Can be deleted at any time.
import { createHash } from "node:crypto";
import { lstatSync, type Stats, statSync } from "node:fs";
import { type FileHandle, open, rm, statfs } from "node:fs/promises";
import path from "node:path";
import { isSystemError } from "../errors.js";
import { formatBytes } from "../wording.js";
import { openCacheFolder } from "./cache-folder.js";
import { closeRead, listNames } from "./read.js";
import { TEMPORARY, writeFileAtomically } from "./write.js";

/** The version of the content. Raise it when the same sources give other bytes or another info. */
const FORMAT = 4;
const DAY = 86_400_000;
/** The number of digits of each hash in a name. */
const DIGITS = 24;
/** The name of an entry: the hash of its key, and the hash of its sources' state. */
const ENTRY = new RegExp(`^[\\da-f]{${DIGITS}}-[\\da-f]{${DIGITS}}\\.data$`);
const DIGEST_BYTES = 32;
/** The length of the info as uint32, and the SHA-256 of the file's name and all preceding bytes. */
const FOOTER_BYTES = 4 + DIGEST_BYTES;
const CHUNK_BYTES = 1 << 20;

export interface CacheRequest<Info> {
  /** Identifies the entry: absolute paths and options. If its sources change, the entry is replaced. */
  readonly key: readonly string[];
  /** The files that the entry is made from. */
  readonly sources: readonly string[];
  /**
   * Yields the data in parts, and returns the info, which must be JSON.
   *
   * @param reserve checks that a number of bytes fits on the disk. Call it as soon as the number is known
   */
  readonly make: (reserve: Reserve) => AsyncGenerator<Uint8Array, Info>;
}

export type Reserve = (bytes: number) => Promise<void>;

/**
 * Returns the cached file of a key. Makes it if it is missing or damaged, or if its sources have changed.
 *
 * @returns file: begins with the data, and ends with some bytes of the cache
 */
export async function cached<Info>(request: CacheRequest<Info>): Promise<{ file: string; info: Info }> {
  const { key, sources, make } = request;
  const folder = await openCache();
  const prefix = `${shorten(createHash("sha256").update(JSON.stringify(key)))}-`;
  const name = `${prefix}${fingerprint(sources)}.data`;
  const file = path.join(folder, name);
  const text = await readVerified(file);
  if (text !== undefined) return { file, info: JSON.parse(text) };

  // Listed before the work, so that entries that other processes add during it are not deleted.
  const outdated = (await listEntries(folder)).filter((entry) => entry.name.startsWith(prefix) && entry.name !== name);
  let info!: Info;
  async function* data() {
    info = yield* make((bytes) => checkSpace(folder, bytes));
  }
  async function* content() {
    const hash = createHash("sha256").update(name);
    for await (const part of data()) {
      hash.update(part);
      yield part;
    }
    const text = Buffer.from(JSON.stringify(info));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    yield Buffer.concat([text, length, hash.update(text).update(length).digest()]);
  }
  if (!regularFile(file)) await rm(file, { recursive: true, force: true }); // a rename cannot replace a folder
  await writeFileAtomically(file, content());
  await deleteFiles(outdated);
  return { file, info };
}

/** Checks the free space before writing. @throws a system error, ENOSPC, if it is too little */
async function checkSpace(folder: string, bytes: number): Promise<void> {
  const found = await statfs(folder).catch(() => undefined); // not supported everywhere
  if (!found || found.blocks === 0) return; // some file systems report 0
  const free = found.bavail * found.bsize;
  if (bytes <= free) return;
  const message =
    `The cache needs ${formatBytes(bytes)} for these images, and the disk of ${folder} has ${formatBytes(free)} ` +
    "left. Set VAE_CACHE to a folder on a larger disk.";
  throw Object.assign(new Error(message), { code: "ENOSPC", syscall: "write", path: folder });
}

/** A summary of the entries of the cache. */
export interface CacheReport {
  readonly folder: string;
  readonly dataSets: number;
  readonly bytes: number;
}

export async function inspectCache(): Promise<CacheReport> {
  const folder = await openCache();
  return report(folder, await listEntries(folder));
}

/** Deletes all entries. @returns a summary of them */
export async function clearCache(): Promise<CacheReport> {
  const folder = await openCache();
  const entries = await listEntries(folder);
  for (const { file } of entries) await rm(file, { force: true });
  return report(folder, entries);
}

function report(folder: string, entries: readonly Entry[]): CacheReport {
  return { folder, dataSets: entries.length, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Opens the folder of the cache, and deletes old temporary files of killed processes. */
async function openCache(): Promise<string> {
  const folder = await openCacheFolder();
  const temporaries = await listFiles(folder, TEMPORARY);
  await deleteFiles(temporaries.filter(({ modified }) => Date.now() - modified > DAY));
  return folder;
}

interface Entry {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  /** In milliseconds since 1970. */
  readonly modified: number;
}

function listEntries(folder: string): Promise<Entry[]> {
  return listFiles(folder, ENTRY);
}

/** Lists the regular files whose names match. Skips links, which the cache does not create. */
async function listFiles(folder: string, pattern: RegExp): Promise<Entry[]> {
  const names = (await listNames(folder)).filter((name) => pattern.test(name));
  return names.flatMap((name) => {
    const file = path.join(folder, name);
    const found = regularFile(file);
    return found ? [{ name, file, bytes: found.size, modified: found.mtimeMs }] : [];
  });
}

/** @returns undefined if there is no regular file, for example because another process has deleted or renamed it */
function regularFile(file: string): Stats | undefined {
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found?.isFile() ? found : undefined;
}

/** Deletes files. Leaves files that cannot be deleted, such as open ones on Windows, for the next call. */
async function deleteFiles(entries: readonly Entry[]): Promise<void> {
  for (const { file } of entries) await rm(file, { force: true }).catch(() => {});
}

/** Hashes names, sizes, times and inodes, which change when a source is edited, replaced, added or removed. */
function fingerprint(sources: readonly string[]): string {
  const hash = createHash("sha256").update(String(FORMAT));
  for (const source of sources) {
    const { size, mtimeMs, ctimeMs, ino } = statSync(source);
    hash.update(JSON.stringify([path.resolve(source), size, mtimeMs, ctimeMs, ino]));
  }
  return shorten(hash);
}

function shorten(hash: ReturnType<typeof createHash>): string {
  return hash.digest("hex").slice(0, DIGITS);
}

/**
 * Reads the info of an entry, as JSON, and verifies the whole file. This takes 1 s per GB; decoding it took minutes.
 *
 * @returns undefined if the file does not exist, is damaged, is not of the cache, or cannot be read
 */
async function readVerified(file: string): Promise<string | undefined> {
  if (!regularFile(file)) return undefined;
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    const { size } = await handle.stat();
    if (size < FOOTER_BYTES) return undefined;
    const footer = await readPart(handle, size - FOOTER_BYTES, size);
    if (footer.readUInt32LE() === 0) return undefined; // a file extended by zeros, which may be huge
    const hash = createHash("sha256").update(path.basename(file));
    const end = size - DIGEST_BYTES;
    for (let at = 0; at < end; at += CHUNK_BYTES) {
      hash.update(await readPart(handle, at, Math.min(end, at + CHUNK_BYTES)));
    }
    if (!hash.digest().equals(footer.subarray(-DIGEST_BYTES))) return undefined;
    const infoEnd = size - FOOTER_BYTES;
    return (await readPart(handle, infoEnd - footer.readUInt32LE(), infoEnd)).toString();
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  } finally {
    if (handle) await closeRead(handle);
  }
}

async function readPart(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), { position: start });
  return buffer.subarray(0, bytesRead);
}
