// Finds the runs in a folder, and the newest of them.
import { stat } from "node:fs/promises";
import path from "node:path";
import { isSystemError, UserError } from "../errors.js";
import { isFolder, listNames, statIfThere } from "../files/read.js";
import { TEMPORARY } from "../files/write.js";
import { CONFIG, readRunConfig } from "./config.js";

/** Holds the runs that are not given a folder. */
export const RUNS = "runs";

/** A run that exists, and why it cannot be read. */
export interface UnreadableRun {
  readonly run: string;
  readonly problem: string;
}

/**
 * Opens the runs in a folder, by name.
 *
 * @param dir default `runs/`, which need not exist.
 * @throws UserError if there is none
 */
export async function findRuns<Run>(
  open: (run: string) => Promise<Run>,
  dir?: string,
): Promise<{ runs: Run[]; unreadable: UnreadableRun[] }> {
  if (dir !== undefined && !isFolder(dir)) throw new UserError(`There is no folder ${dir}.`);
  const runs: Run[] = [];
  const unreadable: UnreadableRun[] = [];
  for (const name of (await listNames(dir ?? RUNS)).sort()) {
    const run = path.join(dir ?? RUNS, name);
    try {
      if (!TEMPORARY.test(name) && statIfThere(path.join(run, CONFIG))) runs.push(await open(run));
    } catch (error) {
      if (!(error instanceof UserError || isSystemError(error))) throw error;
      unreadable.push({ run, problem: error.message });
    }
  }
  return { runs, unreadable };
}

/**
 * Finds the newest run in `runs/` that `isWanted`.
 *
 * @throws UserError `none`, or if a run that cannot be read may be newer
 */
export async function findNewest(isWanted: (dir: string) => boolean | Promise<boolean>, none: string): Promise<string> {
  const { runs, unreadable } = await findRuns(async (dir) => {
    const { created } = await readRunConfig(dir);
    return { dir, created, isWanted: await isWanted(dir) };
  });
  const [newest] = runs.filter((run) => run.isWanted).sort((a, b) => (a.created < b.created ? 1 : -1));
  for (const { run, problem } of unreadable) {
    const changed = await stat(path.join(run, CONFIG)).catch(() => undefined);
    if (newest && changed && changed.mtime < new Date(newest.created)) continue;
    throw new UserError(
      `${run} may be the newest run, but it cannot be read (${problem.replace(/\.$/, "")}): name the ` +
        "one that you mean.",
    );
  }
  if (!newest) throw new UserError(none);
  return newest.dir;
}
