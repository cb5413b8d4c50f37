// Follows a run: yields an event when the training ends an epoch, writes pictures or saves weights.
import { setTimeout } from "node:timers/promises";
import { objectiveTitle } from "../config/names.js";
import { RunFolder } from "../run/folder.js";
import { readRun } from "../run/list.js";
import { modelEpoch } from "../run/model-file.js";
import { modelVersion, progressVersion } from "../run/versions.js";
import { summarizeEpoch } from "./epochs.js";
import type { RunEvents } from "./protocol.js";

export type RunEvent = {
  [Name in keyof RunEvents]: { readonly name: Name; readonly data: RunEvents[Name] };
}[keyof RunEvents];

const POLL_MILLISECONDS = 1000;
const SILENT_POLLS = 15;

/**
 * Yields events until `signal` aborts. The first come at once. Yields undefined after each 15 seconds without events.
 *
 * @throws UserError if the folder is not a run
 */
export async function* followRun(run: string, signal: AbortSignal): AsyncGenerator<RunEvent | undefined, void> {
  let seen: { readonly progress: string; readonly weights?: string | undefined } = { progress: "" };
  for (let silence = 0; !signal.aborted; ) {
    const events: RunEvent[] = [];
    try {
      const now = { progress: await progressVersion(run), weights: modelVersion(run) };
      if (now.progress !== seen.progress) events.push({ name: "progress", data: await readProgress(run) });
      const hasChanged = now.weights !== undefined && now.weights !== seen.weights;
      if (hasChanged) events.push({ name: "weights", data: { epoch: (await modelEpoch(run)) ?? 0 } });
      seen = now;
    } catch (error) {
      if (seen.progress === "") throw error; // Later errors may be transient: retry at the next poll
    }
    yield* events;
    silence = events.length > 0 ? 0 : silence + 1;
    if (silence > 0 && silence % SILENT_POLLS === 0) yield undefined;
    await setTimeout(POLL_MILLISECONDS, undefined, { signal }).catch(() => {});
  }
}

async function readProgress(run: string): Promise<RunEvents["progress"]> {
  const { report, epochs } = await readRun(run);
  const pictures = await (await RunFolder.open(run)).listPictures();
  const { state, config } = report;
  const summaries = epochs.map(summarizeEpoch);
  return { state, epochs: summaries, objective: objectiveTitle(config), planned: config.epochs, pictures };
}
