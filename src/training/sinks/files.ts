// Sinks that write a run's files: the best weights, metrics.jsonl, test.json and checkpoints.
import type { Config } from "../../config/config.js";
import type { ImageSet } from "../../data/dataset.js";
import type { RunFolder } from "../../run/folder.js";
import { bestOf, isDone } from "../../run/reports.js";
import { stepsPerEpoch } from "../batches.js";
import { encodeCheckpoint } from "../checkpoint.js";
import type { Sink } from "../events.js";
import { checkFinite } from "../snapshot.js";
import type { PictureRow } from "./pictures.js";

/** Writes the best weights. At the start, resets the file to the checkpoint's. */
export function writeModel(folder: RunFolder): Sink {
  return async (event, { best, reports }) => {
    if (event.type !== "start" && !(event.type === "epoch" && event.isBest)) return;
    const report = bestOf(reports);
    if (best && report) {
      const { epoch, validation } = report;
      await folder.writeModel(best, { epoch: String(epoch), validation_objective: String(validation.objective) });
    } else await folder.deleteModel();
  };
}

/** Writes metrics.jsonl after every epoch. At the start, resets it to the checkpoint's epochs. */
export function writeMetrics(folder: RunFolder): Sink {
  return async (event, { reports }) => {
    if (event.type === "start" || event.type === "epoch") await folder.writeMetrics(reports);
  };
}

export function writeTest(folder: RunFolder): Sink {
  return async (event) => {
    if (event.type === "done") await folder.writeTest({ epoch: event.bestEpoch, test: event.test });
  };
}

/**
 * Writes a checkpoint every `checkpointSeconds`, after the last epoch, and before an abort.
 *
 * @param images the training images
 * @returns the sink, and whether a checkpoint is due
 */
export function writeCheckpoints(
  folder: RunFolder,
  config: Config,
  images: Pick<ImageSet, "count">,
  rows: () => readonly PictureRow[],
  signal?: AbortSignal,
): { readonly sink: Sink; isDue(): boolean } {
  let saved = performance.now();
  const isDue = () => performance.now() - saved >= 1000 * config.checkpointSeconds;
  const sink: Sink = async (event, snapshot) => {
    if (event.type !== "chunk" && event.type !== "epoch") return;
    const isLast = event.type === "epoch" && isDone(snapshot.reports, config);
    if (!isDue() && !isLast && !signal?.aborted) return;
    checkFinite(snapshot);
    const { epoch, step } = snapshot.position;
    const done = (epoch - 1) * stepsPerEpoch(images, config.batchSize) + step;
    await folder.writeCheckpoint(done, encodeCheckpoint({ ...snapshot, rows: rows() }, config));
    saved = performance.now();
  };
  return { sink, isDue };
}
