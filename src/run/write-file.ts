// Files that are whole or not there at all, whatever happens while they are written.
import { randomBytes } from "node:crypto";
import { open, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { pid, platform } from "node:process";

/** Ends the names of files that are being written, and of what is left of them after a crash. */
export const TEMPORARY = /\.\d+-[\da-f]{12}\.tmp$/;

/** A name to write `file` under until it is whole: another one at every call. */
export function temporaryName(file: string): string {
  return `${file}.${pid}-${randomBytes(6).toString("hex")}.tmp`;
}

/**
 * Writes beside the file's place, flushes, and renames into it, replacing what was there.
 *
 * @param content whole, or part by part
 * @throws the system's error, with the file's name in its message; or that of the parts
 */
export async function writeFileAtomically(
  file: string,
  content: string | Uint8Array | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const temporary = temporaryName(file);
  try {
    const handle = await open(temporary, "w");
    try {
      await writeFile(handle, content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    if (error instanceof Error && "syscall" in error) error.message = `${file} could not be written (${error.message})`;
    throw error;
  }
  await syncFolder(path.dirname(file));
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
