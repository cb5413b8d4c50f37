// Exports a run to TensorBoard: the events of its epochs, and the projector.
import type { Dataset } from "../data/dataset.js";
import { UserError } from "../errors.js";
import { makeFolder } from "../files/write.js";
import { EventFolder } from "../run/event-folder.js";
import type { RunFolder } from "../run/folder.js";
import { readRun } from "../run/list.js";
import { encodeTest, restoreEvents, timeAfter } from "./event-log.js";
import type { LoadedModel } from "./loaded-model.js";
import { latentsOf, writeProjector } from "./projector.js";

/**
 * Writes an event file and the files of the projector. Of a run trained with the setting `tensorboard`, keeps the
 * events of its epochs. Otherwise only the epoch of the weights has histograms, and the times of epochs leave out
 * interruptions. Locks the run while it writes into it.
 *
 * @param dir the folder to write to, by default tensorboard/ of the run
 * @returns the folder
 * @throws UserError if the data cannot be read, or a process trains the run and `dir` is its tensorboard/
 */
export function exportTensorBoard(model: LoadedModel, dir?: string): Promise<string> {
  return model.use(async () => {
    const { folder: run } = model;
    const other = dir === undefined || run.isEventFolder(dir) ? undefined : new EventFolder(dir, () => makeFolder(dir));
    if (!other && (await run.isInUse())) {
      throw new UserError(
        `${run.dir} is being trained, and its event file may grow. Give another folder with \`out\`.`,
      );
    }
    const data = await model.loadData();
    if (other) await writeFiles(model, data, run, other);
    else await run.withLock((locked) => writeFiles(model, data, locked, locked.events));
    return dir ?? run.events.dir;
  });
}

async function writeFiles(model: LoadedModel, data: Dataset, run: RunFolder, folder: EventFolder): Promise<void> {
  const { report, epochs } = await readRun(run.dir);
  const { best, test } = report;
  // A training may have found a better epoch since the weights were loaded. Runs of older versions do not name it.
  const epoch = Number(model.metadata.epoch) || best?.epoch;
  const latents = epoch === undefined ? undefined : await latentsOf(model, data, epoch);
  const records = async function* () {
    yield* restoreEvents(run, run.events, epochs, latents);
    if (best && test) yield* encodeTest(best.epoch, test, run.config, timeAfter(epochs.at(-1), run.config));
  };
  await folder.replace(records());
  await writeProjector(model, data, folder);
}
