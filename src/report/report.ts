// A report of a trained model: one HTML file that opens without a network.
import { satisfying } from "../arguments.js";
import type { Dataset } from "../data/dataset.js";
import { UserError } from "../errors.js";
import { LoadedModel } from "../inference/loaded-model.js";
import { loadTrainingData } from "../run/data.js";
import { readRunOf } from "../run/list.js";
import { checkValue } from "../values/checker.js";
import { printableLine } from "../wording.js";
import * as about from "./about.js";
import { createDocument } from "./document.js";
import { drawCurves } from "./drawings.js";
import { html } from "./html.js";
import { readEvaluation } from "./numbers.js";
import { drawPlane } from "./plane.js";
import { footer } from "./sections.js";

export interface Report {
  /** The file's content. */
  readonly html: string;
  /** What is missing in the report, and why: one sentence each. */
  readonly notes: readonly string[];
}

const MODEL = satisfying("be a model from loadModel", (value) => value instanceof LoadedModel);

/**
 * Reports on a trained model and its training: numbers, learning curves, pictures and settings, and the latent plane of
 * the test images. The file contains decoders of fully connected layers of at most 20 MB, and draws the image
 * of each place in the plane. Without the training's data set, it has no latent plane.
 *
 * @throws UserError if files of the run are damaged
 */
export async function createReport(model: LoadedModel): Promise<Report> {
  checkValue("The model", MODEL, model);
  return model.use(async () => {
    const run = await readRunOf(model.folder.dir, model.metadata.epoch);
    const notes: string[] = [];
    const data = await loadData(model, notes);
    const curves = await drawCurves(model, run.epochs);
    const plane = data && (await drawPlane(model, data));
    const evaluation = await readEvaluation(model);
    const body = html`<main>
${about.header(model, run)}
${about.training(model, run)}
${about.numbers(model, run)}
${curves && about.curves(model, curves)}
${await about.reconstructions(model, run, data !== undefined, plane?.contents.decoder !== undefined)}
${await about.newImages(model)}
${plane && about.plane(model, plane)}
${about.evaluation(evaluation)}
${about.settings(run)}
${about.terms(model, evaluation)}
${footer()}
</main>`;
    const contents = { ...(curves && { curves: curves.contents }), ...(plane && { plane: plane.contents }) };
    return { html: await createDocument(`${run.runConfig.data.name} – training report`, body, contents), notes };
  });
}

/** The data set, if it can be read: the report then has a latent plane. */
async function loadData(model: LoadedModel, notes: string[]): Promise<Dataset | undefined> {
  try {
    return await loadTrainingData(model.folder.config);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    notes.push(`The report has no latent plane. ${printableLine(error.message)}`);
    return undefined;
  }
}
