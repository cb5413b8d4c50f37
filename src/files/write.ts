// Files that are whole or not there at all, whatever happens while they are written.
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdir, open, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import process, { pid, platform } from "node:process";
import { UserError } from "../errors.js";

/** Ends the names of files that are being written, and of what is left of them after a crash. */
export const TEMPORARY = /\.\d+-[\da-f]{12}\.tmp$/;

/** A name to write `file` under until it is whole: another one at every call, and short, however long that of the file is. */
export function temporaryName(file: string): string {
  return path.join(path.dirname(file), `.${pid}-${randomBytes(6).toString("hex")}.tmp`);
}

const SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const;
/** What is being written. */
const unfinished = new Set<string>();

/**
 * Sees to it that a temporary file or folder is deleted if a signal, or `process.exit`, ends the process meanwhile.
 *
 * @returns ends that
 */
export function guardTemporary(temporary: string): () => void {
  if (unfinished.size === 0) {
    process.on("exit", deleteUnfinished);
    for (const signal of SIGNALS) process.prependListener(signal, endBySignal); // first, so that it sees all others
  }
  unfinished.add(temporary);
  return () => {
    if (unfinished.delete(temporary) && unfinished.size === 0) stopGuarding();
  };
}

function stopGuarding(): void {
  process.off("exit", deleteUnfinished);
  for (const signal of SIGNALS) process.off(signal, endBySignal);
}

/** As if nobody listened, unless somebody else does, who then decides what the signal means. */
function endBySignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  deleteUnfinished();
  stopGuarding();
  process.kill(pid, signal);
}

function deleteUnfinished(): void {
  for (const temporary of unfinished) {
    try {
      rmSync(temporary, { recursive: true, force: true });
    } catch {} // the process ends all the same
  }
}

/**
 * Writes beside the file's place, flushes, and renames into it, replacing what was there.
 *
 * @param content whole, or part by part
 * @param flush false for one of very many files, of which a power cut may take some
 * @throws the system's error, with the file's name in its message; or that of the parts
 */
export async function writeFileAtomically(
  file: string,
  content: string | Uint8Array | AsyncIterable<string | Uint8Array>,
  { flush = true } = {},
): Promise<void> {
  const temporary = temporaryName(file);
  const release = guardTemporary(temporary);
  try {
    const handle = await open(temporary, "w");
    try {
      await writeFile(handle, content);
      if (flush) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    if (error instanceof Error && "syscall" in error) error.message = `${file} could not be written (${error.message})`;
    throw error;
  } finally {
    release();
  }
  if (flush) await syncFolder(path.dirname(file));
}

/**
 * Makes a folder, and what is missing above it. Node's own `recursive` never ends where the system has no place for folders (/proc).
 *
 * @throws UserError if it is a file, or below one; else the system's error
 */
export async function makeFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory()) return;
  const parent = path.dirname(folder);
  if (parent !== folder) await makeFolder(parent);
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(folder)).isDirectory()) return; // another process was faster
    if (code === "EEXIST" || code === "ENOTDIR") throw new UserError(`${folder} is a file, not a folder.`);
    throw error;
  }
}

/** The renaming itself is safe only when the folder's list of names is on the disk. Windows has no such call. */
export async function syncFolder(folder: string): Promise<void> {
  if (platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
