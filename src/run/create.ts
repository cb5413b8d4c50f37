// Creates the folder of a run or of a group of runs.
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.js";
import { listNames, statIfThere } from "../files/read.js";
import { makeFolder, syncFolder, TEMPORARY, withTemporary } from "../files/write.js";
import { lockRun, lockState, type RunLock } from "./lock.js";

/**
 * Creates a folder atomically, and locks it.
 *
 * @param fill writes the content into a temporary folder, which is then renamed
 * @throws UserError if the folder exists
 */
export async function createLocked(place: string, fill: (temporary: string) => Promise<void>): Promise<RunLock> {
  const target = path.resolve(place);
  const parent = path.dirname(target);
  await makeFolder(parent);
  const exists = new UserError(`${place} exists already. Give a new folder for a new run, or resume this one.`);
  if (statIfThere(place)) throw exists;
  await deleteAbandoned(parent);
  const lock = await withTemporary(target, async (temporary) => {
    await mkdir(temporary);
    const lock = await lockRun(temporary);
    await fill(temporary);
    await rename(temporary, target).catch((error) => {
      throw ["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(error.code) ? exists : error; // another run was faster
    });
    return lock;
  });
  try {
    await syncFolder(parent);
  } catch (error) {
    await lock.release(place);
    throw error;
  }
  return lock;
}

/** Deletes the temporary folders of processes that were killed while they created a run. */
async function deleteAbandoned(parent: string): Promise<void> {
  for (const name of await listNames(parent).catch(() => [])) {
    const folder = path.join(parent, name);
    if (!TEMPORARY.test(name) || (await lockState(folder).catch(() => "unknown")) !== "stale") continue;
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}
