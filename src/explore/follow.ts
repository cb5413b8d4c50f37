// Follows a run: yields an event when the training ends an epoch, writes pictures or saves weights.
import { setTimeout } from "node:timers/promises";
import { modelVersion, progressVersion, RunFolder } from "../run/folder.js";
import { readRun } from "../run/list.js";
import { bestOf } from "../run/reports.js";
import type { RunEvents } from "./protocol.js";

export type RunEvent = {
  [Name in keyof RunEvents]: { readonly name: Name; readonly data: RunEvents[Name] };
}[keyof RunEvents];

const POLL_MILLISECONDS = 1000;
const SILENT_POLLS = 15;

/**
 * Yields events until `signal` aborts. The first comes at once. Yields undefined after each 15 seconds without events.
 *
 * @throws UserError if the folder is not a run
 */
export async function* followRun(run: string, signal: AbortSignal): AsyncGenerator<RunEvent | undefined, void> {
  let shown: string | undefined;
  let weights = modelVersion(run);
  let silence = 0;
  while (!signal.aborted) {
    const events: RunEvent[] = [];
    const progress = await progressVersion(run);
    if (progress !== shown) events.push({ name: "progress", data: await readProgress(run) });
    shown = progress;
    const version = modelVersion(run);
    if (version !== undefined && version !== weights) {
      events.push({ name: "weights", data: { epoch: await epochOf(run) } });
    }
    weights = version;
    yield* events;
    silence = events.length > 0 ? 0 : silence + 1;
    if (silence > 0 && silence % SILENT_POLLS === 0) yield undefined;
    await setTimeout(POLL_MILLISECONDS, undefined, { signal }).catch(() => {});
  }
}

async function readProgress(run: string): Promise<RunEvents["progress"]> {
  const { report, epochs } = await readRun(run);
  const folder = await RunFolder.open(run);
  return {
    state: report.state,
    epochs,
    planned: report.config.epochs,
    pictures: await folder.listPictures(),
  };
}

async function epochOf(run: string): Promise<number> {
  const { epochs } = await readRun(run);
  return bestOf(epochs)?.epoch ?? 0;
}
