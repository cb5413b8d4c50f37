// Finds the runs in a folder, and the newest of them.
import { stat } from "node:fs/promises";
import path from "node:path";
import { isSystemError, UserError } from "../errors.js";
import { isFolder, listNames, statIfThere } from "../files/stat.js";
import { TEMPORARY } from "../files/write.js";
import { CONFIG, type RunConfig, readRunConfig } from "./config.js";

/** Holds the runs that are not given a folder. */
export const RUNS = "runs";

interface FoundRun {
  readonly dir: string;
  readonly config: RunConfig;
}

/** A run that exists, and why it cannot be read. */
export interface UnreadableRun {
  readonly run: string;
  readonly problem: string;
}

/**
 * Lists the runs in a folder, in no order. Skips what is not a run.
 *
 * @param dir default `runs/`, which need not exist
 * @throws UserError if there is no such folder
 */
export async function findRuns(dir?: string): Promise<{ runs: FoundRun[]; unreadable: UnreadableRun[] }> {
  if (dir !== undefined && !isFolder(dir)) throw new UserError(`There is no folder ${dir}.`);
  const runs: FoundRun[] = [];
  const unreadable: UnreadableRun[] = [];
  for (const name of await listNames(dir ?? RUNS)) {
    const run = path.join(dir ?? RUNS, name);
    try {
      if (TEMPORARY.test(name) || !statIfThere(path.join(run, CONFIG))) continue;
      runs.push({ dir: run, config: await readRunConfig(run) });
    } catch (error) {
      unreadable.push({ run, problem: problemOf(error) });
    }
  }
  return { runs, unreadable };
}

/** @returns the message of a UserError or a system error. Throws any other error. */
export function problemOf(error: unknown): string {
  if (error instanceof UserError || isSystemError(error)) return error.message;
  throw error;
}

/**
 * Finds the newest run in `runs/` that `isWanted`.
 *
 * @param none the error if there is none
 * @throws UserError also if a run that cannot be read may be newer
 */
export async function findNewest(isWanted: (dir: string) => boolean | Promise<boolean>, none: string): Promise<string> {
  let newest: FoundRun | undefined;
  const { runs, unreadable } = await findRuns();
  for (const run of runs) {
    const isNewer = !newest || run.config.created > newest.config.created;
    if (isNewer && (await isWanted(run.dir))) newest = run;
  }
  for (const { run, problem } of unreadable) {
    const changed = await stat(path.join(run, CONFIG)).catch(() => undefined);
    if (newest && changed && changed.mtime < new Date(newest.config.created)) continue;
    throw new UserError(
      `${run} may be the newest run, but it cannot be read (${problem.replace(/\.$/, "")}): name the one that you mean.`,
    );
  }
  if (!newest) throw new UserError(none);
  return newest.dir;
}
