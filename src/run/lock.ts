// Locks a run for one process at a time, with a file in its folder that names the process.
import { createHash, randomUUID } from "node:crypto";
import { lstatSync, readFileSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import process, { kill, pid } from "node:process";
import { UserError } from "../errors.js";
import { ifPresent, isFolder, readText, statIfThere } from "../files/read.js";
import { createFileAtomically } from "../files/write.js";
import { printable } from "../wording.js";

const LOCK = "lock";
/** On file systems without hard links, a new lock is empty for a moment. An empty lock older than this is stale. */
const MAX_WRITING_MILLISECONDS = 10_000;
const MAX_ATTEMPTS = 20;
/** About 100 times the usual size. */
const MAX_BYTES = 1e4;

/** The folders of this process's locks, by the content of the lock. */
const ownLocks = new Map<string, string>();

/** Deletes this process's locks on exit: a second signal ends a training at once, without its `finally`. */
function deleteOwnLocks(): void {
  for (const [content, dir] of ownLocks) {
    try {
      const file = path.join(dir, LOCK);
      if (lstatSync(file).isFile() && readFileSync(file, "utf8") === content) rmSync(file);
    } catch {} // the process is ending
  }
}

/** A lock that this process holds. Calls take the folder's path, since the folder may have been renamed. */
export interface RunLock {
  /** @throws UserError if it was deleted or taken over */
  check(dir: string): Promise<void>;
  release(dir: string): Promise<void>;
}

/** @throws UserError if another process, or this one, holds the lock */
export async function lockRun(dir: string): Promise<RunLock> {
  const content = JSON.stringify({ pid, host: hostname(), id: randomUUID() });
  if (ownLocks.size === 0) process.prependListener("exit", deleteOwnLocks);
  ownLocks.set(content, dir);
  try {
    await acquire(path.join(dir, LOCK), content);
  } catch (error) {
    forget(content);
    throw error;
  }
  return { check: (place) => check(place, content), release: (place) => unlock(place, content) };
}

async function acquire(file: string, content: string): Promise<void> {
  let found: string | undefined;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (await createFileAtomically(file, content)) return;
    found = await read(file);
    if (found === undefined) continue; // the lock was just released
    if (!isStale(file, found)) break;
    await deleteStale(file, found, content);
  }
  const owner = parseOwner(found ?? "");
  const who = owner ? `process ${owner.pid} on ${printable(owner.host)}` : "another process";
  throw new UserError(`${path.dirname(file)} is in use by ${who}. If no training uses this folder, delete ${file}.`);
}

function forget(content: string): void {
  ownLocks.delete(content);
  if (ownLocks.size === 0) process.off("exit", deleteOwnLocks);
}

async function check(dir: string, content: string): Promise<void> {
  const file = path.join(dir, LOCK);
  ownLocks.set(content, dir);
  // If the folder is gone, the next write fails and names it.
  if (!isFolder(dir) || (await read(file)) === content) return;
  throw new UserError(
    `${file} was deleted or replaced, so another process may be training this run. This training stops. Resume it ` +
      "when the other one has ended.",
  );
}

async function unlock(dir: string, content: string): Promise<void> {
  const file = path.join(dir, LOCK);
  try {
    if ((await read(file)) === content) await rm(file, { force: true });
  } finally {
    forget(content); // a lock that could not be deleted is stale
  }
}

/** held: by a process that may be running. stale: by a process that has ended. */
export async function lockState(dir: string): Promise<"free" | "held" | "stale"> {
  const file = path.join(dir, LOCK);
  const found = await read(file);
  return found === undefined ? "free" : isStale(file, found) ? "stale" : "held";
}

/**
 * Deletes a stale lock while holding a second lock, named after the stale one, so that two processes cannot delete each
 * other's new lock. Deletes a stale second lock in the same way. After a crash, the second lock is cleaned up like any
 * temporary file, because it is named like one.
 */
async function deleteStale(file: string, found: string, content: string): Promise<void> {
  const hash = createHash("sha256").update(`${path.basename(file)}\n${found}`);
  const guard = path.join(path.dirname(file), `.lock.0-${hash.digest("hex").slice(0, 12)}.tmp`);
  if (await createFileAtomically(guard, content)) {
    try {
      if ((await read(file)) === found && isStale(file, found)) await rm(file, { force: true });
    } finally {
      await rm(guard, { force: true });
    }
    return;
  }
  const other = await read(guard);
  if (other !== undefined && isStale(guard, other)) await deleteStale(guard, other, content);
}

/** @returns undefined if the file does not exist */
function read(file: string): Promise<string | undefined> {
  return ifPresent(readText(file, MAX_BYTES, "a lock"));
}

/** Whether the lock's process is known to have ended. A process on another machine is not. */
function isStale(file: string, content: string): boolean {
  const owner = parseOwner(content);
  if (!owner) return Date.now() - (statIfThere(file)?.mtimeMs ?? Infinity) > MAX_WRITING_MILLISECONDS;
  if (owner.host !== hostname()) return false;
  if (owner.pid === pid) return !ownLocks.has(content); // if not, an earlier process had the same id, as in containers
  try {
    kill(owner.pid, 0); // throws if the process does not exist
    return isZombie(owner.pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Whether a process has ended but still exists because its parent has not waited for it, as in some containers. */
function isZombie(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.startsWith("Z") === true;
  } catch {
    return false; // not Linux, or the process has just ended
  }
}

/** @returns undefined if the lock is incomplete after a crash */
function parseOwner(text: string): { pid: number; host: string } | undefined {
  try {
    const { pid, host } = JSON.parse(text);
    return Number.isSafeInteger(pid) && pid > 0 && typeof host === "string" ? { pid, host } : undefined;
  } catch {
    return undefined;
  }
}
