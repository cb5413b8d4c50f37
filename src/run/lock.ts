// A run is trained by one process at a time: a file in its folder says by which.
import { open, readFile, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { kill, pid } from "node:process";
import { UserError } from "../errors.js";

const LOCK = "lock";

interface Owner {
  readonly pid: number;
  readonly host: string;
}

/**
 * Takes the run for this process. The lock of a process that is gone is taken over.
 *
 * @param dir the run's folder
 * @returns gives the run back
 * @throws UserError if another process, or this one, has it
 */
export async function lockRun(dir: string): Promise<() => Promise<void>> {
  const file = path.join(dir, LOCK);
  for (;;) {
    try {
      const handle = await open(file, "wx");
      try {
        await handle.writeFile(JSON.stringify({ pid, host: hostname() } satisfies Owner));
      } finally {
        await handle.close();
      }
      return unlocker(dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const text = await readLock(file);
    if (text === undefined) continue; // it was given back just now
    const owner = parseOwner(text);
    if (owner && !isGone(owner)) {
      throw new UserError(
        `${dir} is in use by process ${owner.pid} on ${owner.host}. If that is no vae that trains, delete ${file}.`,
      );
    }
    // Moved away before it is deleted, and looked at again: another process may have taken it over meanwhile.
    const stale = `${file}.${pid}.tmp`;
    await rename(file, stale).catch(() => {});
    if ((await readLock(stale)) === text) await rm(stale, { force: true });
    else await rename(stale, file).catch(() => {});
  }
}

/** Gives back a run that this process has. */
export function unlocker(dir: string): () => Promise<void> {
  return () => rm(path.join(dir, LOCK), { force: true });
}

/** @returns undefined if the file is not there */
async function readLock(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
}

/** @returns undefined for what a crash left half written */
function parseOwner(text: string): Owner | undefined {
  try {
    const { pid, host } = JSON.parse(text);
    return Number.isSafeInteger(pid) && pid > 0 && typeof host === "string" ? { pid, host } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the process is known to have ended: of another machine nothing is known. */
function isGone(owner: Owner): boolean {
  if (owner.host !== hostname()) return false;
  try {
    kill(owner.pid, 0); // sends nothing
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
