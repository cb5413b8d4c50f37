// Exports what a run's files say about its training to TensorBoard.
import { UserError } from "../errors.js";
import { makeFolder } from "../files/write.js";
import { EventFolder } from "../run/event-folder.js";
import { readRun } from "../run/list.js";
import { encodeTest, restoreEvents } from "./event-log.js";
import type { LoadedModel } from "./loaded-model.js";
import { latentsOf, writeProjector } from "./projector.js";

/**
 * Writes an event file and the files of the projector. Of a run trained with the setting `tensorboard`, keeps the
 * events of its epochs. Otherwise only the best epoch has histograms, and the times of epochs leave out interruptions.
 *
 * @param dir the folder to write to, by default tensorboard/ of the run
 * @returns the folder
 * @throws UserError if the data cannot be read, or another process trains the run and `dir` is not given
 */
export function exportTensorBoard(model: LoadedModel, dir?: string): Promise<string> {
  return model.use(async () => {
    const { folder: run } = model;
    if (dir === undefined && (await run.isInUse())) {
      throw new UserError(
        `${run.dir} is being trained, and its event file may grow. Give another folder with \`out\`.`,
      );
    }
    const { report, epochs } = await readRun(run.dir);
    const { best, test } = report;
    const data = await model.loadData();
    const folder = dir === undefined ? run.events : new EventFolder(dir, () => makeFolder(dir));
    const latents = best && (await latentsOf(model, data, best.epoch));
    const records = async function* () {
      yield* restoreEvents(run, run.events, epochs, latents);
      const end = Date.parse(report.created) / 1000 + (epochs.at(-1)?.seconds ?? 0);
      if (best && test) yield* encodeTest(best.epoch, test, run.config, end);
    };
    await folder.replace(records());
    await writeProjector(model, data, folder);
    return folder.dir;
  });
}
