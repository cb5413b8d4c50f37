// Trains the runs of a group, one after the other, and compares them.
import path from "node:path";
import { Divergence, UserError } from "../errors.js";
import { statIfThere } from "../files/read.js";
import { writeFileAtomically } from "../files/write.js";
import { compareRuns, type GivenSettings, resume, type Training, train } from "../index.js";
import { CONFIG } from "../run/config.js";
import { RUNS } from "../run/find.js";
import { GROUP, type PlannedRun, RunGroup } from "../run/group.js";
import { checkPlan } from "../training/plan.js";
import { changeSettings } from "../training/resume.js";
import type { TrainingOptions } from "../training/train.js";
import { type Divergences, encodeComparison, printComparison } from "./comparison-table.js";
import type { Io } from "./io.js";
import { note, plural, print } from "./output.js";
import { openPicture } from "./pictures.js";
import { resumeCommand } from "./program.js";
import { type ShowOptions, showTraining, withResumeHint } from "./training.js";
import { notesOnce } from "./training-screen.js";

export interface GroupOptions extends ShowOptions {
  readonly training: Omit<TrainingOptions, "parts">;
}

/**
 * Trains a new group of runs.
 *
 * @param folder by default a new one in runs/
 * @throws UserError before training if a run is invalid; after training if a run diverged
 */
export async function trainGroup(
  io: Io,
  planned: readonly PlannedRun[],
  folder: string | undefined,
  options: GroupOptions,
): Promise<void> {
  const usual = await checkPlan(planned, options.training);
  options.training.signal?.throwIfAborted();
  await finish(io, await RunGroup.create(folder ?? path.join(RUNS, usual), planned), {}, options);
}

/**
 * Resumes the interrupted run of a group, and trains the missing runs. Finished runs are tested again. Diverged runs
 * are trained again only with other settings: the same ones would diverge again.
 *
 * @param settings may change what `resume` may change
 */
export async function resumeGroup(io: Io, dir: string, settings: GivenSettings, options: GroupOptions): Promise<void> {
  let group = await RunGroup.open(dir);
  try {
    const runs = group.runs.map(({ name, config }) => ({ name, config: changeSettings(config, settings) }));
    await checkPlan(
      runs.filter(({ name }) => !isThere(group, name)),
      options.training,
    );
    if (Object.keys(settings).length > 0) group = await group.withRuns(runs);
  } catch (error) {
    await group.close();
    throw error;
  }
  await finish(io, group, settings, options);
}

function isThere({ dir }: RunGroup, name: string): boolean {
  return statIfThere(path.join(dir, name, CONFIG)) !== undefined;
}

/** Trains all runs of a group, compares them, and closes the group. */
async function finish(io: Io, group: RunGroup, settings: GivenSettings, options: GroupOptions): Promise<void> {
  const { dir, runs } = group;
  const { json, open } = options;
  try {
    const diverged = await trainAll(io, group, settings, options);
    const { svg, ...comparison } = await compareRuns(runs.map(({ name }) => path.join(dir, name)));
    const picture = path.join(dir, "compare.svg");
    if (svg !== undefined) await writeFileAtomically(picture, svg);
    if (json) print(io, JSON.stringify({ group: dir, ...encodeComparison(comparison, diverged) }));
    else {
      printComparison(io, comparison, diverged);
      if (svg !== undefined) print(io, picture);
    }
    if (open && svg !== undefined) await openPicture(io, picture);
    const names = [...diverged.keys()].map((run) => path.relative(dir, run));
    if (names.length > 0)
      throw new UserError(`${names.length} of ${plural(runs.length, "run")} diverged: ${names.join(", ")}.`);
  } catch (error) {
    throw withResumeHint(error, dir, GROUP, resumeCommand(io, dir));
  } finally {
    await group.close();
  }
}

/** Trains or resumes each run. The group continues after a run that diverges. */
async function trainAll(
  io: Io,
  group: RunGroup,
  settings: GivenSettings,
  { training, stop, quiet }: GroupOptions,
): Promise<Divergences> {
  const diverged = new Map<string, string>();
  stop.hint = ` Resume: ${resumeCommand(io, group.dir)}`;
  const noteOnce = notesOnce(io);
  let planned = group.runs;
  const mark = async (name: string, diverged: string | undefined) => {
    planned = planned.map((one) => (one.name === name ? { ...one, diverged } : one));
    await group.withRuns(planned);
  };
  for (const [i, { name, config, diverged: before }] of group.runs.entries()) {
    const run = path.join(group.dir, name);
    if (!quiet) note(io, `Run ${i + 1} of ${group.runs.length}: ${name}`);
    if (before !== undefined && isThere(group, name)) {
      note(io, `${name} diverged before. It is not trained again with the same settings.`);
      diverged.set(run, before);
      continue;
    }
    const events: Training = isThere(group, name)
      ? resume(run, settings, training)
      : train({}, { run, preset: config, ...training });
    try {
      await showTraining(io, events, { quiet, stop, explain: (error) => error }, noteOnce);
      if (before !== undefined) await mark(name, undefined);
    } catch (error) {
      if (!(error instanceof Divergence)) throw error;
      note(io, `${name} diverged. ${error.message}`);
      diverged.set(run, error.message);
      await mark(name, error.message);
    }
  }
  return diverged;
}
