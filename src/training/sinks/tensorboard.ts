// A sink that writes a run's files for TensorBoard.
import type { Dataset } from "../../data/dataset.js";
import { encodeEpoch, encodeTest, restoreEvents } from "../../inference/event-log.js";
import { latentsOf, writeProjector } from "../../inference/projector.js";
import { TrainedModel, type TrainedModelInit } from "../../inference/trained-model.js";
import type { RunFolder } from "../../run/folder.js";
import type { Sink } from "../events.js";

/**
 * Appends an event after each epoch, with the pictures of the epoch, which an earlier sink draws. At the start, resets
 * the event file to the checkpoint's epochs. At the end, writes the test and the projector.
 */
export function writeEvents(run: RunFolder, data: Dataset, init: Omit<TrainedModelInit, "params">): Sink {
  const folder = run.events;
  const now = () => Date.now() / 1000;
  return async (event, { state, best, reports }) => {
    if (event.type === "start") await folder.replace(restoreEvents(run, folder, reports));
    else if (event.type === "epoch") {
      const trained = new TrainedModel({ ...init, params: state.params });
      await folder.append(await encodeEpoch(run, event, now(), await latentsOf(trained, data, event.epoch)));
    } else if (event.type === "done" && best) {
      for (const record of encodeTest(event.bestEpoch, event.test, run.config, now())) await folder.append(record);
      await writeProjector(new TrainedModel({ ...init, params: best }), data, folder);
    }
  };
}
