// The runs that the page shows, and their open models. A run stays open, so that views and comparisons can alternate.
import { effect, type Signal, signal, untracked } from "@preact/signals";
import type { RunEvents, RunList } from "../explore/protocol.js";
import { followRun, listRuns } from "./client.js";
import { OpenModel } from "./model.js";
import { keepRun, place } from "./place.js";
import { planeHistoryOf } from "./plane-history.js";

export const list = signal<RunList | undefined>(undefined);
/** Why the list of runs could not be read. */
export const listProblem = signal<string | undefined>(undefined);

/** A run on the page. */
export interface FollowedRun {
  readonly run: string;
  /** Undefined while it opens, and while the run has no weights. */
  readonly model: Signal<OpenModel | undefined>;
  /** The state of its training. */
  readonly progress: Signal<RunEvents["progress"] | undefined>;
  /** Why the model does not open. */
  readonly problem: Signal<string | undefined>;
  /** Why no events come. */
  readonly connection: Signal<string | undefined>;
}

const followed = new Map<string, FollowedRun>();
/** Functions that stop the event streams of the shown runs. */
const streams = new Map<string, () => void>();

/** Reads the list of runs, and keeps an event stream of each shown run from now on. */
export async function start(): Promise<void> {
  effect(() => followOnly(new Set(shownRuns().filter((run) => summaryOf(run)))));
  await refreshList();
  if (list.value?.chosen) keepRun(list.value.chosen);
}

/** Opens missing event streams, and closes those of other runs. */
function followOnly(runs: ReadonlySet<string>): void {
  for (const [run, stop] of streams) {
    if (runs.has(run)) continue;
    stop();
    streams.delete(run);
  }
  for (const run of runs) {
    if (!streams.has(run))
      streams.set(
        run,
        untracked(() => follow(followedOf(run))),
      );
  }
}

/** The state of a run. The list of runs must have been read. */
export function followedOf(run: string): FollowedRun {
  const known = followed.get(run);
  if (known) return known;
  const problem = summaryOf(run) ? undefined : `There is no run ${run}. Choose another one above.`;
  const created: FollowedRun = {
    run,
    model: signal(undefined),
    progress: signal(undefined),
    problem: signal(problem),
    connection: signal(undefined),
  };
  if (problem === undefined) followed.set(run, created);
  return created;
}

/** @returns stops to follow the run */
function follow(followed: FollowedRun): () => void {
  const { run, model, progress, connection } = followed;
  if (hasModel(run)) open(followed);
  const handlers = {
    progress(next: RunEvents["progress"]) {
      progress.value = next;
    },
    weights({ epoch }: RunEvents["weights"]) {
      if (!model.value) open(followed);
      else if (model.value.epoch.value !== epoch) model.value.reload().catch(() => {}); // the shell shows the problem
    },
  };
  return followRun(run, handlers, (problem) => {
    connection.value = problem;
  });
}

/** The other models on the page that have the same data set and number of test images. */
export function othersOfSameImages(model: OpenModel): OpenModel[] {
  const { run, testImages } = model.info;
  return shownRuns().flatMap((other) => {
    const open = followed.get(other)?.model.value;
    const isSame = open?.info.testImages === testImages && summaryOf(other)?.dataset === summaryOf(run)?.dataset;
    return open && other !== run && isSame ? [open] : [];
  });
}

/** The runs that the address names, or else the one that the server chose. */
export function shownRuns(): string[] {
  const { run = list.value?.chosen, other } = place.value;
  return run === undefined ? [] : [...new Set([run, ...(other ? [other] : [])])];
}

/** Reads the list of runs again. */
export async function refreshList(): Promise<void> {
  try {
    list.value = await listRuns();
    listProblem.value = undefined;
  } catch (error) {
    listProblem.value = (error as Error).message;
  }
}

export function hasModel(run: string): boolean {
  return summaryOf(run)?.hasModel ?? true;
}

export function summaryOf(run: string): RunList["runs"][number] | undefined {
  return list.value?.runs.find((summary) => summary.run === run);
}

const opening = new Set<string>();

/** Opens the model, unless it is open. */
async function open({ run, model, problem }: FollowedRun): Promise<void> {
  if (model.value || opening.has(run)) return;
  opening.add(run);
  try {
    const opened = await OpenModel.open(run);
    planeHistoryOf(opened); // begins to keep the planes
    model.value = opened;
    problem.value = undefined;
  } catch (error) {
    problem.value = (error as Error).message;
  } finally {
    opening.delete(run);
  }
}
