// Draws trained models side by side: samples, latents and an interpolation of each.
import { listOf } from "../arguments.js";
import type { Dataset } from "../data/dataset.js";
import { describeShape, shapeOf } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { type Column, sideBySide } from "../pictures/side-by-side.js";
import { compareRuns, describeValues } from "../run/compare.js";
import { checkValue } from "../values/checker.js";
import { TEXT } from "../values/domains.js";
import { drawImages } from "./drawing.js";
import { type LoadedModel, loadModel } from "./loaded-model.js";
import { defaultPair, defaultTiles, drawInterpolation, drawLatents } from "./views.js";

const MAX_MODELS = 8;
const SAMPLES = 64;
const SCATTERED = 2000;
const STEPS = 8;

export interface ModelComparison {
  /** The picture as SVG text. */
  readonly svg: string;
  /** Notes about the picture, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Draws models side by side, a column for each run: decoded draws from the prior, the latents of test images by class,
 * and an interpolation between two test images. All models use the test images and the seed of the first run, so models
 * with the same prior and dimensions decode the same z.
 *
 * @param runs folders of runs, or of groups for all their runs: up to 8 runs
 * @throws UserError if a run has no model, the models have images of different shapes, or they are too many
 */
export async function compareModels(runs: readonly string[]): Promise<ModelComparison> {
  const { runs: found } = await compareRuns(checkValue("The runs", listOf(TEXT, 1), runs));
  if (found.length > MAX_MODELS) {
    throw new UserError(
      `A picture shows up to ${MAX_MODELS} models side by side, not ${found.length}. Name fewer runs.`,
    );
  }
  const columns: Column[] = [];
  const notes: string[] = [];
  let first: { readonly folder: LoadedModel["folder"]; readonly data: Dataset } | undefined;
  for (const { run, name, values } of found) {
    const model = await loadModel(run);
    try {
      const { folder } = model;
      first ??= { folder, data: await model.loadData() };
      checkSameShape(first.folder, folder);
      const cells = await drawCells(model, first.data, first.folder.config.settings.seed);
      columns.push({ title: name, subtitle: describeValues(values), cells });
      if (folder.config.data.sha256 !== first.folder.config.data.sha256) {
        const { dir } = first.folder;
        notes.push(`${run} was trained on other images than ${dir}. All models see the test images of ${dir}.`);
      }
    } finally {
      await model.close();
    }
  }
  return { svg: sideBySide(columns), notes };
}

/** @throws UserError if the images of two runs differ in shape */
function checkSameShape(one: LoadedModel["folder"], other: LoadedModel["folder"]): void {
  const [shape, otherShape] = [one, other].map(({ config }) => describeShape(shapeOf(config.data)));
  if (shape === otherShape) return;
  throw new UserError(
    `${one.dir} has images of ${shape}, and ${other.dir} of ${otherShape}. Compare models of images of one shape.`,
  );
}

async function drawCells(model: LoadedModel, { test, classes }: Dataset, seed: number): Promise<Column["cells"]> {
  const { binarize } = model.config;
  const drawing = { binarize, noise: null, seed };
  const samples = await model.sample(Math.min(SAMPLES, defaultTiles(model.size)), { seed });
  const images = { ...test, count: Math.min(SCATTERED, test.count) };
  const { svg } = await drawLatents(model, images, "means", drawing, classes);
  const pair = defaultPair(test);
  return [
    { title: `Samples: decoded draws from ${priorName(model)}`, picture: drawImages(samples) },
    { svg },
    {
      title: `From test image ${pair[0]} to ${pair[1]}, decoded between their latents`,
      picture: await drawInterpolation(model, test, [pair], STEPS, drawing),
    },
  ];
}

/** An autoencoder has no prior, and draws z like the VAE with the same settings. */
function priorName({ model: { parts } }: LoadedModel): string {
  return parts.hasNormalPrior ? "N(0, I)" : "the prior";
}
