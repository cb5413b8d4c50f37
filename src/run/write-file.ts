// Files that are whole or not there at all, whatever happens while they are written.
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { pid, platform } from "node:process";

/** Writes beside the file's place, flushes, and renames into it, replacing what was there. */
export async function writeFileAtomically(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${file}.${pid}.tmp`;
  try {
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(path.dirname(file));
}

/** The renaming itself is safe only when the folder's list of names is on the disk. Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
