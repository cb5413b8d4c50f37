// Finds the runs in a folder and in its groups, and the newest run that has a model or can be resumed.
import { stat } from "node:fs/promises";
import path from "node:path";
import { isSystemError, UserError } from "../errors.js";
import { isFolder, listNames, statIfThere } from "../files/read.js";
import { TEMPORARY } from "../files/write.js";
import { listCheckpoints } from "./checkpoints.js";
import { CONFIG, readRunConfig } from "./config.js";
import { isGroup } from "./group.js";
import { hasModel } from "./model-file.js";

/** The default folder for runs. */
export const RUNS = "runs";

/** The message if `runs/` holds no run with a model. */
export const NO_MODEL = "There is no trained model in runs/. Train one with vae train, or name the folder of its run.";

/**
 * Opens the runs in a folder and in its groups, in the order of their names.
 *
 * @param open reads a run
 * @param dir default `runs/`, which need not exist
 * @throws UserError if `dir` does not exist
 */
export async function findRuns<Run>(
  open: (run: string) => Promise<Run>,
  dir?: string,
): Promise<{ runs: Run[]; unreadable: { readonly run: string; readonly error: Error }[] }> {
  if (dir !== undefined && !isFolder(dir)) throw new UserError(`There is no folder ${dir}.`);
  const runs: Run[] = [];
  const unreadable: { run: string; error: Error }[] = [];
  const visit = async (run: string, isNested: boolean): Promise<void> => {
    if (TEMPORARY.test(run)) return;
    try {
      if (statIfThere(path.join(run, CONFIG))) runs.push(await open(run));
      else if (!isNested && isGroup(run)) await visitAll(run, true);
    } catch (error) {
      if (!(error instanceof UserError || isSystemError(error))) throw error;
      unreadable.push({ run, error });
    }
  };
  const visitAll = async (folder: string, isNested: boolean): Promise<void> => {
    for (const name of (await listNames(folder)).sort()) await visit(path.join(folder, name), isNested);
  };
  await visitAll(dir ?? RUNS, false);
  return { runs, unreadable };
}

/** Finds the newest run in `runs/` that has a model. @throws UserError if there is none */
export function findTrained(): Promise<string> {
  return findNewest(hasModel, NO_MODEL);
}

/** Finds the newest run in `runs/` that has a checkpoint. @throws UserError if there is none */
export function findResumable(): Promise<string> {
  const none = "There is no run in runs/ to resume. Name the folder of one.";
  return findNewest(async (run) => (await listCheckpoints(run)).length > 0, none);
}

/** Finds the newest run that can be resumed, or its group if it is in one. @throws UserError if there is none */
export async function findGroupOrRun(): Promise<string> {
  const run = await findResumable();
  const parent = path.dirname(run);
  return isGroup(parent) ? parent : run;
}

/**
 * Finds the newest run in `runs/` that satisfies `isWanted`.
 *
 * @param none the message of the error if there is no such run
 * @throws UserError if there is none, or an invalid run may be newer; a system error if an unreadable run may be newer
 */
async function findNewest(isWanted: (dir: string) => boolean | Promise<boolean>, none: string): Promise<string> {
  const { runs, unreadable } = await findRuns(async (dir) => {
    const { created } = await readRunConfig(dir);
    return { dir, created, isWanted: await isWanted(dir) };
  });
  const [newest] = runs.filter((run) => run.isWanted).sort((a, b) => (a.created < b.created ? 1 : -1));
  for (const { run, error } of unreadable) {
    const changed = await stat(path.join(run, CONFIG)).catch(() => undefined);
    if (newest && changed && changed.mtime < new Date(newest.created)) continue;
    const problem = error.message.replace(/\.$/, "");
    error.message = `${run} may be the newest run, but it cannot be read (${problem}): name the run to use.`;
    throw error;
  }
  if (!newest) throw new UserError(none);
  return newest.dir;
}
