// The runs that the page shows, and their open models. A run stays open, so that views and comparisons can alternate.
import { type Signal, signal } from "@preact/signals";
import type { RunEvents, RunList } from "../explore/protocol.js";
import { followRun, listRuns } from "./client.js";
import { OpenModel } from "./model.js";
import { place } from "./place.js";
import { planeHistoryOf } from "./plane-history.js";

export const list = signal<RunList | undefined>(undefined);

/** A run on the page. */
export interface FollowedRun {
  readonly run: string;
  /** Undefined while it opens, and while the run has no weights. */
  readonly model: Signal<OpenModel | undefined>;
  /** The state of its training. */
  readonly progress: Signal<RunEvents["progress"] | undefined>;
  /** Why the model does not open. */
  readonly problem: Signal<string | undefined>;
}

const followed = new Map<string, FollowedRun>();

/** Starts to follow a run, unless it is followed already. The list of runs must have been read. */
export function follow(run: string): FollowedRun {
  const known = followed.get(run);
  if (known) return known;
  if (!list.value?.runs.some((summary) => summary.run === run)) return unknown(run);
  const created: FollowedRun = {
    run,
    model: signal(undefined),
    progress: signal(undefined),
    problem: signal(undefined),
  };
  followed.set(run, created);
  if (hasModel(run)) open(created);
  followRun(run, {
    progress: (progress) => {
      created.progress.value = progress;
      // The first weights may have been saved after the list was read, but before the page listened.
      if (progress.state === "in use" && progress.epochs.length > 0) open(created);
    },
    weights: () => (created.model.value ? created.model.value.reload().catch(() => {}) : open(created)),
  });
  return created;
}

function unknown(run: string): FollowedRun {
  const problem = signal(`${run} is not among the runs. Choose another one above.`);
  return { run, model: signal(undefined), progress: signal(undefined), problem };
}

/** The other models on the page that have the same data set and number of test images. */
export function othersOfSameImages(model: OpenModel): OpenModel[] {
  const datasetOf = (run: string) => list.value?.runs.find((summary) => summary.run === run)?.dataset;
  const { run, testImages } = model.info;
  return shownRuns().flatMap((other) => {
    const open = followed.get(other)?.model.value;
    const isSame = open?.info.testImages === testImages && datasetOf(other) === datasetOf(run);
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
  list.value = await listRuns();
}

function hasModel(run: string): boolean {
  return list.value?.runs.find((summary) => summary.run === run)?.hasModel ?? true;
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
