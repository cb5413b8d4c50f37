// Pictures of a report that the model draws, and those that its training drew.
import { curveTitles, describePixels } from "../config/names.js";
import type { LoadedModel } from "../inference/loaded-model.js";
import { asImages, defaultSide, defaultTiles, hasPlane } from "../inference/views.js";
import { squareFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import { learningCurves } from "../pictures/plots.js";
import { encodePng } from "../pictures/png.js";
import { bestOf, type EpochReport } from "../run/reports.js";
import type { CurvesContents, Terms } from "./contents.js";
import type { Drawing } from "./epoch-pictures.js";

const SAMPLES = 100;
/** Epochs of the still curves, whose points take 100 bytes for each. */
const MAX_STILL_EPOCHS = 250;
/** Of the numbers in live curves. */
const DIGITS = 7;

/** Samples of the prior with the seed of the training; of a conditional model, a row for each class. */
export async function drawSamples(model: LoadedModel): Promise<Drawing> {
  if (model.classes) return toDrawing((await model.pictures.classes()).picture);
  const { data } = await model.sample(Math.min(SAMPLES, defaultTiles(model.size)));
  return toDrawing(squareFigure(asImages(model, data)));
}

/** The first test images above their reconstructions. */
export async function drawReconstructions(model: LoadedModel): Promise<Drawing> {
  return toDrawing((await model.pictures.reconstructions(undefined, model.config.noise)).picture);
}

/** The images over the latent plane from −2 to 2, of the first class. Undefined unless Z is 2. */
export async function drawManifold(model: LoadedModel): Promise<Drawing | undefined> {
  if (!hasPlane(model)) return undefined;
  const side = defaultSide(model.size);
  const [first] = model.classes ?? [];
  const grid = { columns: side, rows: side, spacing: "linear", range: 2 } as const;
  return toDrawing(await model.pictures.manifold({ ...grid, ...(first && { class: first.name }) }));
}

function toDrawing(picture: Picture): Drawing {
  return { png: encodePng(picture), width: picture.width, height: picture.height };
}

export interface Curves {
  readonly contents: CurvesContents;
  /** For print, and for readers without scripts. */
  readonly svg: string;
}

/** Learning curves. Undefined before the first epoch has ended. Terms that older versions did not write are gaps. */
export async function drawCurves({ config }: LoadedModel, epochs: readonly EpochReport[]): Promise<Curves | undefined> {
  if (epochs.length === 0) return undefined;
  const panels = curveTitles(config).map(toPanel);
  const epochTerms = epochs.map(({ epoch, train, validation }) => ({
    epoch,
    train: finiteTerms(train),
    validation: finiteTerms(validation),
  }));
  const step = Math.ceil(epochTerms.length / MAX_STILL_EPOCHS);
  const stillEpochs = epochTerms.filter((_, i) => i === epochTerms.length - 1 || i % step === 0);
  const numbers = stillEpochs.map(({ epoch, train, validation }) => ({
    epoch,
    train: toStill(train),
    validation: toStill(validation),
  }));
  const titles = panels.map(({ term, title }) => [term, title] as const);
  const svg = await learningCurves(numbers, titles, describePixels(config));
  const best = bestOf(epochs)?.epoch;
  return { contents: { panels, epochs: epochTerms, ...(best && { best }) }, svg };
}

/** Shows the ELBO as −ELBO, like all numbers of a report. */
function toPanel([term, title]: ReturnType<typeof curveTitles>[number]): CurvesContents["panels"][number] {
  if (term === "elbo") return { term, title: "−ELBO", isNegated: true };
  return { term, title: { objective: title, reconstruction: "Reconstruction", kl: "KL" }[term] };
}

function finiteTerms(terms: { readonly [term in keyof Terms]?: unknown } | undefined): Terms {
  const finite = (term: keyof Terms) => {
    const value = terms?.[term];
    return typeof value === "number" && Number.isFinite(value) ? Number(value.toPrecision(DIGITS)) : null;
  };
  return {
    objective: finite("objective"),
    elbo: finite("elbo"),
    reconstruction: finite("reconstruction"),
    kl: finite("kl"),
  };
}

/** The terms as still curves show them: −ELBO, and NaN for gaps. */
function toStill({ objective, elbo, reconstruction, kl }: Terms) {
  const number = (value: number | null) => value ?? Number.NaN;
  return {
    objective: number(objective),
    elbo: -number(elbo),
    reconstruction: number(reconstruction),
    kl: number(kl),
  };
}
