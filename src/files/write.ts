// Atomic writes: temporary file, fsync, rename.
import { randomBytes } from "node:crypto";
import { constants, lstatSync, rmSync } from "node:fs";
import { link, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import process, { pid, platform } from "node:process";
import { UserError } from "../errors.js";
import { addFileName, closeRead, isFolder } from "./read.js";

/** Matches the names of temporary files. A killed process leaves them behind. */
export const TEMPORARY = /\.\d+-[\da-f]{12}\.tmp$/;

const SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const;
/** The temporary files of this process. */
const temporaries = new Set<string>();

/**
 * Calls `use` with a unique, short path in the folder of `target`. Deletes whatever is left at this path, even if a
 * signal or `process.exit` ends the process. Errors name the target.
 */
export async function withTemporary<Result>(
  target: string,
  use: (temporary: string) => Promise<Result>,
): Promise<Result> {
  const temporary = path.join(path.dirname(target), `.${pid}-${randomBytes(6).toString("hex")}.tmp`);
  if (temporaries.size === 0) {
    process.on("exit", deleteTemporaries);
    for (const signal of SIGNALS) process.prependListener(signal, onSignal); // first, to count all others
  }
  temporaries.add(temporary);
  try {
    return await use(temporary);
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replaceAll(temporary, target);
    throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    temporaries.delete(temporary);
    if (temporaries.size === 0) removeListeners();
  }
}

function removeListeners(): void {
  process.off("exit", deleteTemporaries);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

/** Cleans up and re-raises the signal, unless another listener handles it. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  deleteTemporaries();
  removeListeners();
  process.kill(pid, signal);
}

function deleteTemporaries(): void {
  for (const temporary of temporaries) {
    try {
      rmSync(temporary, { recursive: true, force: true });
    } catch {} // the process is ending
  }
}

/**
 * Writes or replaces a file atomically. System errors name it.
 *
 * @param flush whether to fsync. False is faster for thousands of small files, but a power cut may lose some of them
 */
export async function writeFileAtomically(
  file: string,
  content: string | Uint8Array | AsyncIterable<string | Uint8Array>,
  { flush = true } = {},
): Promise<void> {
  const parts = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
  const fail = failToWrite(file);
  await withTemporary(file, async (temporary) => {
    const handle = await open(temporary, "w").catch(fail);
    try {
      for await (const part of parts) await handle.writeFile(part).catch(fail);
      if (flush) await handle.sync().catch(fail);
    } finally {
      await handle.close().catch(fail);
    }
    await rename(temporary, file).catch(fail);
  });
  if (flush) await syncFolder(path.dirname(file), file);
}

/** Appends to an existing file, and flushes it. If that fails, removes what was appended. System errors name the file. */
export async function appendToFile(file: string, content: Uint8Array): Promise<void> {
  const fail = failToWrite(file);
  const handle = await open(file, constants.O_WRONLY | constants.O_APPEND).catch(fail);
  try {
    const { size } = await handle.stat().catch(fail);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } catch (error) {
      await handle.truncate(size).catch(() => {}); // readers skip an incomplete end
      fail(error);
    }
  } finally {
    await handle.close().catch(fail);
  }
}

/** @returns a handler that adds the file's name to system errors, and throws them */
function failToWrite(file: string): (error: unknown) => never {
  return (error) => {
    throw addFileName(error, file, "written");
  };
}

/** Creates a file atomically. Returns false if it exists. */
export async function createFileAtomically(file: string, content: string): Promise<boolean> {
  return withTemporary(file, async (temporary) => {
    try {
      await writeFile(temporary, content);
      // Some file systems have no hard links. There the file is empty for a moment.
      await link(temporary, file).catch(() => createFile(file, content));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      return failToWrite(file)(error);
    }
  });
}

/** Creates a file, and deletes it if its content cannot be written. */
async function createFile(file: string, content: string): Promise<void> {
  const handle = await open(file, "wx");
  try {
    await handle.writeFile(content).finally(() => handle.close());
  } catch (error) {
    await rm(file, { force: true }).catch(() => {});
    throw error;
  }
}

/** Creates a folder and its missing parents. @throws UserError if one of these paths is a file */
// Not mkdir with `recursive`, which never ends in /proc, and reports ENOENT for a folder that is not writable.
export async function makeFolder(folder: string, mode = 0o777): Promise<void> {
  if (isFolder(folder)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) await makeFolder(parent, mode);
  try {
    await mkdir(folder, mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && isFolder(folder)) return; // another process was faster
    if (code === "EEXIST" || code === "ENOTDIR") throw new UserError(`${folder} is a file, not a folder.`);
    throw error;
  }
}

/**
 * Creates a folder inside an existing one, unless it exists.
 *
 * @throws UserError if the path is a file, or a link, through which files would be written elsewhere
 */
export async function makeSubfolder(folder: string): Promise<void> {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found)
    throw new UserError(`${folder} is a ${found.isSymbolicLink() ? "link" : "file"}, not a folder. Move it away.`);
  await mkdir(folder);
}

/**
 * Flushes the entries of a folder, so that a rename survives a power cut. Windows has no such call.
 *
 * @param file the path that errors name
 */
export async function syncFolder(folder: string, file = folder): Promise<void> {
  if (platform === "win32") return;
  const fail = failToWrite(file);
  const handle = await open(folder, "r").catch(fail);
  await handle
    .sync()
    .catch(fail)
    .finally(() => closeRead(handle));
}
