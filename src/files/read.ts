// Examines and reads files. System errors name the file.
import { constants, createReadStream, type Dirent, type Stats, statSync } from "node:fs";
import { type FileHandle, lstat, open, readdir, stat } from "node:fs/promises";
import { isSystemError, UserError } from "../errors.js";
import { formatBytes } from "../wording.js";

/** Whether an error says that the file, or a folder above it, does not exist. A name that is too long cannot exist. */
export function isMissing(error: unknown): boolean {
  return isSystemError(error) && ["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(error.code ?? "");
}

/** Awaits the reading of a file. @returns undefined if the file does not exist */
export async function ifPresent<Result>(reading: Promise<Result>): Promise<Result | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Adds the file name to the message of a system error, unless it has one. Errors of open files have none.
 */
export function addFileName(error: unknown, file: string, done: "read" | "written"): unknown {
  if (isSystemError(error) && error.path !== file) error.message = `${file} could not be ${done} (${error.message})`;
  return error;
}

/** @returns undefined if the path does not exist, or is a link to nothing or to itself */
export function statIfThere(place: string): Stats | undefined {
  try {
    return statSync(place);
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === "ELOOP") return undefined;
    throw error;
  }
}

/** Whether a path is known not to exist. One that cannot be examined may exist. */
export function isGone(place: string): boolean {
  try {
    return statIfThere(place) === undefined;
  } catch {
    return false;
  }
}

/** Whether two paths lead to the same file or folder. False if one does not exist. */
export function isSamePlace(one: string, other: string): boolean {
  const [a, b] = [statIfThere(one), statIfThere(other)];
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

export function isFolder(place: string): boolean {
  return statIfThere(place)?.isDirectory() ?? false;
}

/** @returns the names in a folder, empty if the folder does not exist */
export async function listNames(folder: string): Promise<string[]> {
  return (await ifPresent(readdir(folder))) ?? [];
}

/** The entries of a folder; none if it does not exist, or is a link. */
export async function listEntries(folder: string): Promise<Dirent[]> {
  const found = await ifPresent(lstat(folder));
  return found?.isDirectory() ? ((await ifPresent(readdir(folder, { withFileTypes: true }))) ?? []) : [];
}

/** The most bytes that Node.js reads in one call. */
export const MAX_READ_BYTES = 2 ** 31 - 1;
/** Opens a pipe or a device without waiting for its other end. Windows has no such flag. */
const READ_ONLY = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** @throws UserError if the file is a folder, a pipe, a socket or a device, which may block or never end */
function checkKind(file: string, found: Stats): void {
  if (found.isDirectory()) throw new UserError(`${file} is a folder, not a file.`);
  if (!found.isFile()) throw new UserError(`${file} is a pipe, a socket or a device, not a file.`);
}

/** Opens a regular file, or a link to one. @throws UserError if it is anything else */
async function openRegular(file: string): Promise<FileHandle> {
  checkKind(file, await stat(file)); // before opening it: opening a device may have side effects
  const handle = await open(file, READ_ONLY);
  try {
    checkKind(file, await handle.stat());
    return handle;
  } catch (error) {
    await closeRead(handle);
    throw error;
  }
}

/** Closes a file that was only read. A failure loses nothing. */
export async function closeRead(handle: FileHandle): Promise<void> {
  await handle.close().catch(() => {});
}

/** Reads a regular file. @throws UserError if it is not regular, or has more than 2 GiB */
export async function readBytes(file: string): Promise<Uint8Array> {
  return withRegular(file, async (handle, size) => {
    if (size <= MAX_READ_BYTES) return readFrom(handle, size, MAX_READ_BYTES);
    throw new UserError(`${file} has ${formatBytes(size)}, more than the 2 GiB that can be read at once.`);
  });
}

/** Reads up to `maxBytes` from the start of a regular file. @throws UserError if it is not regular */
export async function readStart(file: string, maxBytes: number): Promise<Uint8Array> {
  return withRegular(file, (handle, size) => readFrom(handle, size, maxBytes));
}

/** Reads up to `maxBytes` from a file or a pipe. */
export async function readStream(file: string, maxBytes: number): Promise<Uint8Array> {
  try {
    return await collect(createReadStream(file, { end: maxBytes - 1 }));
  } catch (error) {
    throw addFileName(error, file, "read");
  }
}

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of parts) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Reads a text.
 *
 * @param what describes the expected content in the error: "a lock"
 * @param read the function that reads bytes. Pass `readStream` to accept pipes
 * @throws UserError if it has more than `maxBytes`
 */
export async function readText(file: string, maxBytes: number, what: string, read = readStart): Promise<string> {
  const bytes = await read(file, maxBytes + 1);
  if (bytes.length > maxBytes) {
    throw new UserError(`${file} is not ${what}: it has more than ${formatBytes(maxBytes)}.`);
  }
  return new TextDecoder().decode(bytes);
}

/** Opens a regular file, calls `use`, and closes it. Errors name the file. @throws UserError if it is not regular */
export async function withRegular<Result>(
  file: string,
  use: (handle: FileHandle, size: number) => Promise<Result>,
): Promise<Result> {
  let handle: FileHandle | undefined;
  try {
    handle = await openRegular(file);
    return await use(handle, (await handle.stat()).size);
  } catch (error) {
    throw addFileName(error, file, "read");
  } finally {
    if (handle) await closeRead(handle);
  }
}

/** Yields what `parse` finds in a regular file. `read` returns fewer bytes than requested at the end of the file. */
export async function* parseRegular<Item>(
  file: string,
  parse: (read: (start: number, length: number) => Promise<Uint8Array>) => AsyncIterable<Item>,
): AsyncGenerator<Item, void> {
  let handle: FileHandle | undefined;
  try {
    const opened = await openRegular(file);
    handle = opened;
    const { size } = await opened.stat();
    yield* parse(async (start, length) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - start)));
      const { bytesRead } = await opened.read(bytes, 0, bytes.length, start);
      return bytes.subarray(0, bytesRead);
    });
  } catch (error) {
    throw addFileName(error, file, "read");
  } finally {
    if (handle) await closeRead(handle);
  }
}

/** Reads up to `maxBytes` bytes. A size of 0 may be wrong, as in /proc, so such files are read as streams. */
async function readFrom(handle: FileHandle, size: number, maxBytes: number): Promise<Uint8Array> {
  if (size === 0) return collect(handle.createReadStream({ start: 0, end: maxBytes - 1, autoClose: false }));
  const length = Math.min(size, maxBytes);
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, done);
    if (bytesRead === 0) return bytes.subarray(0, done);
    done += bytesRead;
  }
  return bytes;
}
