// The texts of a report's sections.
import { describePixels, hasBound } from "../config/names.js";
import type { LoadedModel } from "../inference/loaded-model.js";
import type { ReadRun } from "../run/list.js";
import { repeatCommand } from "../run/repeat.js";
import { formatCount, formatPlural } from "../wording.js";
import { type Curves, drawManifold, drawReconstructions, drawSamples } from "./drawings.js";
import { readFixedPictures, readReconstructions } from "./epoch-pictures.js";
import { describeModel, describeTraining, formatDate, tabulateSettings } from "./facts.js";
import type { Html } from "./html.js";
import { explainTerms, keyNumbers, type ReadEvaluation } from "./numbers.js";
import type { Plane } from "./plane.js";
import * as sections from "./sections.js";

const { command, disclosure, facts, figure, live, pair, paragraph, section } = sections;

export function header(model: LoadedModel, { report, runConfig }: ReadRun): Html {
  const { name, train } = runConfig.data;
  const trained = `Trained for ${formatPlural(report.epochs, "epoch")} on ${formatPlural(train, "image")}`;
  return sections.header(name, describeModel(model), `${trained}; ${formatDate(runConfig.created)}.`);
}

export function training(model: LoadedModel, run: ReadRun): Html {
  return section(
    "training",
    "Training",
    facts(describeTraining(model, run)),
    ...(run.runConfig.parts === "own"
      ? [paragraph("The model has parts written by the user, so no command repeats this training.")]
      : [paragraph("This command trains the same model again:"), command(repeatCommand(run.runConfig))]),
  );
}

export function numbers(model: LoadedModel, run: ReadRun): Html {
  const all = keyNumbers(model, run);
  const unit = `Nats per image of ${describePixels(model.config)}.`;
  const isTested = run.report.test !== undefined;
  const missing = "There is no test result yet: these are the numbers of the validation images.";
  return section(
    "numbers",
    "Key numbers",
    sections.numberTiles(all),
    paragraph(isTested ? unit : `${unit} ${missing}`),
  );
}

export function curves(model: LoadedModel, { svg, contents }: Curves): Html {
  const better = hasBound(model.config) ? "Lower −ELBO is better." : "Higher is better.";
  const best =
    contents.best === undefined
      ? ""
      : ` The weights of epoch ${contents.best} are kept: the best on validation images.`;
  return section(
    "curves-section",
    "Learning curves",
    paragraph(`${better}${best}`),
    live("curves", svg, "Learning curves: the terms of training and validation by epoch"),
  );
}

/** The test images and their reconstructions by epoch, from the pictures of the training. */
export async function reconstructions(
  model: LoadedModel,
  { report }: ReadRun,
  hasData: boolean,
  hasDecoder: boolean,
): Promise<Html | undefined> {
  const { run, epochs } = report;
  const text = "Test images and their reconstructions. The model was not trained on these images.";
  const { pictures, total } = await readReconstructions(run, epochs, hasDecoder);
  if (pictures.length === 0) {
    if (!hasData) return undefined;
    const drawn = figure(
      "Test images above their reconstructions",
      "Reconstructions",
      await drawReconstructions(model),
    );
    return section("reconstructions", "Reconstructions", paragraph(text), drawn);
  }
  const { targets, inputs, progress, ...fixed } = await readFixedPictures(run);
  const [clean, noisy] = targets ? [targets, inputs] : [inputs, fixed.noisy];
  const chosen = pictures.map(({ epoch }) => epoch).join(", ");
  const some = ` The training drew reconstructions after ${formatPlural(total, "epoch")}; this report shows ${chosen}.`;
  return section(
    "reconstructions",
    "Reconstructions",
    paragraph(text + (pictures.length < total ? some : "")),
    pair(
      clean && figure(noisy ? "Test images" : "Test images: the inputs", "Test images", clean),
      noisy && figure("Corrupted inputs of the encoder", "Corrupted test images", noisy),
      sections.epochFigure(pictures),
    ),
    progress &&
      figure("Inputs, and below them the reconstructions after some epochs", "Reconstructions by epoch", progress),
  );
}

/** Samples and, of two latent dimensions, the images over the latent plane. */
export async function newImages(model: LoadedModel): Promise<Html> {
  const { classes, config } = model;
  const from =
    config.model === "ae"
      ? "A plain autoencoder has no prior, so the samples are decoded from z drawn from N(0, 1)."
      : "Samples are decoded from z drawn from the prior.";
  const rows = classes ? " A row for each class; the images of a column have the same z." : "";
  const drawn = await drawManifold(model);
  const grid = drawn ? " The manifold shows images decoded on a grid over the latent plane." : "";
  const [first] = classes ?? [];
  const manifold = `Manifold: z1 and z2 from −2 to 2${first ? `, class ${first.name}` : ""}`;
  return section(
    "samples",
    drawn ? "Samples and manifold" : "Samples",
    paragraph(from + rows + grid),
    pair(
      figure(`Samples with seed ${config.seed}`, "Samples", await drawSamples(model)),
      drawn && figure(manifold, "Images over the latent plane", drawn),
    ),
  );
}

export function plane(model: LoadedModel, { svg, contents, count, explained }: Plane): Html {
  const noun = model.model.isDrawn ? "the mean of its posterior" : "its latents";
  const where = explained
    ? ` The latent space has ${formatCount(model.model.parts.dimZ)} dimensions; the plane is that of the first two ` +
      `principal components, with ${(100 * (explained[0] + explained[1])).toFixed(0)}% of the variance.`
    : "";
  const shape = contents.axes.length > 1 ? "circles" : "lines";
  const circles = contents.prior ? ` The ${shape} show one and two standard deviations of the prior.` : "";
  return section(
    "plane-section",
    "Latent plane",
    paragraph(`A point for each of ${formatPlural(count, "test image")}: ${noun}.${where}${circles}`),
    live("plane", svg, "The latents of test images in a plane, coloured by class"),
  );
}

export function evaluation(read: ReadEvaluation | undefined): Html | undefined {
  if (!read) return undefined;
  const text = `From vae evaluate, on ${read.images}. Bounds and divergences are in nats per image.`;
  return section("evaluation", "Evaluation", paragraph(text), sections.measureTable(read));
}

export function settings(run: ReadRun): Html {
  const { all, changed } = tabulateSettings(run);
  return section(
    "settings",
    "Settings",
    ...(changed.length === 0
      ? [paragraph("All settings have their defaults.")]
      : [paragraph("The settings that differ from the defaults:"), sections.settingTable(changed)]),
    disclosure(`All ${all.length} settings`, sections.settingTable(all)),
  );
}

export function terms(model: LoadedModel, evaluation: ReadEvaluation | undefined): Html {
  return section("terms", "Glossary", facts(explainTerms(model, evaluation)));
}
