// A run is trained by one process at a time: a file in its folder says by which.
import { createHash, randomUUID } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { kill, pid } from "node:process";
import { UserError } from "../errors.js";
import { readBytes } from "../files/read.js";
import { createFileAtomically } from "../files/write.js";

const LOCK = "lock";
/** A lock without content may be one that is just being written, for so long, where there are no hard links. */
const WRITING_MILLISECONDS = 10_000;
const MAX_ATTEMPTS = 20;

interface Owner {
  readonly pid: number;
  readonly host: string;
}

/** The contents of the locks that this process has, or tries to get. */
const own = new Set<string>();

/**
 * Takes the run for this process. The lock of a process that is gone is taken over.
 *
 * @param dir the run's folder
 * @returns gives the run back, in the folder that is named then
 * @throws UserError if another process, or this one, has it
 */
export async function lockRun(dir: string): Promise<(dir: string) => Promise<void>> {
  const file = path.join(dir, LOCK);
  const content = JSON.stringify({ pid, host: hostname(), id: randomUUID() } satisfies Owner & { id: string });
  own.add(content);
  try {
    await take(dir, file, content);
  } catch (error) {
    own.delete(content);
    throw error;
  }
  return async (place) => {
    own.delete(content);
    const lock = path.join(place, LOCK);
    if ((await read(lock)) === content) await rm(lock, { force: true });
  };
}

async function take(dir: string, file: string, content: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (await createFileAtomically(file, content)) return;
    const found = await read(file);
    if (found === undefined) continue; // it was given back just now
    if (!(await isStale(file, found))) throw inUse(dir, file, found);
    await deleteStale(file, found, content);
  }
  throw inUse(dir, file, "");
}

/**
 * Whoever deletes a stale lock holds meanwhile a second one, named for it, so that it is not another's new lock that is deleted. That
 * one is deleted likewise if its process ended. What is left of it otherwise has the name of a temporary file, and goes with these.
 */
async function deleteStale(file: string, found: string, content: string): Promise<void> {
  const name = createHash("sha256")
    .update(`${path.basename(file)}\n${found}`)
    .digest("hex")
    .slice(0, 12);
  const guard = path.join(path.dirname(file), `.lock.0-${name}.tmp`);
  if (await createFileAtomically(guard, content)) {
    try {
      if ((await read(file)) === found && (await isStale(file, found))) await rm(file, { force: true });
    } finally {
      await rm(guard, { force: true });
    }
    return;
  }
  const other = await read(guard);
  if (other !== undefined && (await isStale(guard, other))) await deleteStale(guard, other, content);
}

/** Whether a process has the run, as far as can be known. */
export async function isLocked(dir: string): Promise<boolean> {
  const file = path.join(dir, LOCK);
  const found = await read(file);
  return found !== undefined && !(await isStale(file, found));
}

/** Whether a process had the run that is known to have ended. */
export async function isAbandoned(dir: string): Promise<boolean> {
  const file = path.join(dir, LOCK);
  const found = await read(file);
  return found !== undefined && isStale(file, found);
}

function inUse(dir: string, file: string, content: string): UserError {
  const owner = parseOwner(content);
  const who = owner ? `process ${owner.pid} on ${owner.host}` : "another process";
  return new UserError(`${dir} is in use by ${who}. If that is no vae that trains, delete ${file}.`);
}

/** @returns undefined if the file is not there */
async function read(file: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await readBytes(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function isOld(file: string): Promise<boolean> {
  const status = await stat(file).catch(() => undefined);
  return status !== undefined && Date.now() - status.mtimeMs > WRITING_MILLISECONDS;
}

/** Whether the lock's process is known to have ended: of another machine nothing is known. */
async function isStale(file: string, content: string): Promise<boolean> {
  const owner = parseOwner(content);
  if (!owner) return isOld(file);
  if (owner.host !== hostname()) return false;
  if (owner.pid === pid) return !own.has(content); // left by one that had the same number, as in containers
  try {
    kill(owner.pid, 0); // sends nothing
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
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
