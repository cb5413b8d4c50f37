// Draws pictures, for trainings and commands.
import { type ModelClass, oneHot, placesOf } from "../data/classes.js";
import { type ImageSet, imageAt } from "../data/dataset.js";
import { describeShape, type ImageShape, pixelsOf, range } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { classesFigure, type Images, interpolationFigure, manifoldFigure } from "../pictures/figures.js";
import { maxTiles, type Picture, tileNumbers } from "../pictures/grid.js";
import { latentPlot } from "../pictures/plots.js";
import type { DrawConfig } from "./batches.js";
import { decodeLatents, inferLatents, type Reconstructions, reconstructImages, sampleImages } from "./coding.js";
import { type LabelRows, rowsOfClass } from "./labels.js";
import { axisTitles, gridPlaces, latentGrid, type ManifoldGrid, toPlane } from "./latent-plane.js";
import type { TrainedModel } from "./trained-model.js";

/** Default maximum number of images in a picture. */
export function defaultTiles(size: ImageShape): number {
  return Math.max(1, Math.floor(20e6 / tileNumbers(size)));
}

/** Default number of columns, and of rows, of a manifold. */
export function defaultSide(size: ImageShape): number {
  return Math.min(20, Math.floor(Math.sqrt(defaultTiles(size))));
}

/** @throws UserError if a picture cannot hold `count` images */
export function checkTiles(size: ImageShape, count: number, remedy: string): void {
  const max = maxTiles(size);
  if (count <= max) return;
  throw new UserError(
    `A picture holds up to ${max} images of ${describeShape(size)}, and this one would hold ${count}. ${remedy}`,
  );
}

export function asImages({ size }: Pick<TrainedModel, "size">, pixels: Float32Array): Images {
  return { pixels, ...size };
}

/** Labelled versions of images, clean ones first. Image pairs have a target and an input. */
export function seenVersions(
  { inputs }: Pick<ImageSet, "inputs">,
  { originals, corrupted }: Pick<Reconstructions, "originals" | "corrupted">,
) {
  return [
    { label: inputs ? "target" : "input", pixels: originals } as const,
    ...(corrupted ? [{ label: inputs ? "input" : "noisy", pixels: corrupted } as const] : []),
  ];
}

/** Whether a manifold can be drawn. With two layers of latents, the decoder sees only the first. */
export function hasPlane({ model, config }: TrainedModel): boolean {
  return model.parts.dimZ === 2 && typeof config.dimZ === "number";
}

/** Decodes a grid of z, if Z = 2. @param place index of the class, for a conditional model */
export async function drawManifold(trained: TrainedModel, options: ManifoldGrid, place = 0): Promise<Picture> {
  const grid = latentGrid(options);
  const { classes } = trained;
  const pixels = await decodeLatents(trained, gridPlaces(grid), classes && rowsOfClass(place, classes));
  return manifoldFigure(asImages(trained, pixels), grid.columns, grid.rows);
}

const MAX_CLASS_ROWS = 100;
const DEFAULT_CLASS_COLUMNS = 10;

export interface ClassesPicture {
  readonly picture: Picture;
  /** Samples of each class. */
  readonly columns: number;
  /** Number of classes drawn, the first of all `of` classes. */
  readonly shown: number;
  readonly of: number;
}

/**
 * Draws a row of samples for each class of a conditional model, with the same z in each row. Draws up to 100 classes,
 * fewer if images are large.
 *
 * @param requested columns; by default ten, fewer if images are large
 * @throws UserError if the columns are too many for a picture
 */
export async function drawClasses(
  trained: TrainedModel,
  classes: readonly ModelClass[],
  seed: number,
  requested?: number,
): Promise<ClassesPicture> {
  const { size } = trained;
  const usual = defaultTiles(size);
  const shown = Math.min(classes.length, MAX_CLASS_ROWS, usual);
  const columns = requested ?? Math.min(DEFAULT_CLASS_COLUMNS, Math.max(1, Math.floor(usual / shown)));
  checkTiles(size, shown * columns, "Draw fewer of each class.");
  const pixels = new Float32Array(shown * columns * pixelsOf(size));
  for (let place = 0; place < shown; place++) {
    pixels.set(
      await sampleImages(trained, 0, columns, seed, rowsOfClass(place, classes)),
      place * columns * pixelsOf(size),
    );
  }
  const names = classes.map(({ name }) => name);
  const picture = classesFigure(asImages(trained, pixels), columns, names.slice(0, shown));
  return { picture, columns, shown, of: classes.length };
}

/** Indices of the first image of each of the first two classes; without labels, 0 and 1. */
export function defaultPair({ labels = new Uint16Array() }: Pick<ImageSet, "labels">): [from: number, to: number] {
  const [first, second] = [...new Set(labels)].sort((a, b) => a - b);
  return second === undefined ? [0, 1] : [labels.indexOf(first), labels.indexOf(second)];
}

/** Plots the latents of images, without noise, as SVG. `explained`: see `toPlane`. */
export async function drawLatents(
  trained: TrainedModel,
  images: ImageSet,
  what: "means" | "draws",
  config: DrawConfig,
  classes?: readonly string[],
): Promise<{ svg: string; explained?: readonly [number, number] }> {
  const latents = await inferLatents(trained, images, { ...config, noise: null }, what);
  const { dimZ } = trained.model.parts;
  const { x, y, origin, explained } = await toPlane(latents, dimZ);
  const { model } = trained;
  // Autoencoders have no prior, and one dimension has no circles.
  const hasCircles = model.isDrawn && model.parts.hasNormalPrior && dimZ > 1;
  const noun = !trained.model.isDrawn ? "Latents" : what === "means" ? "Posterior means" : "Posterior draws";
  const dimensions = dimZ === 1 ? ", one dimension" : dimZ > 2 ? `, ${dimZ} dimensions in two` : "";
  const [xTitle, yTitle] = axisTitles(dimZ, dimZ > 2, explained);
  const svg = await latentPlot({
    x,
    y,
    labels: images.labels?.subarray(0, images.count),
    ...(classes && { classes }),
    title: `${noun} of the first ${images.count.toLocaleString("en")} test images${dimensions}`,
    xTitle,
    yTitle,
    ...(hasCircles && { prior: origin }),
  });
  return { svg, ...(explained && { explained }) };
}

/**
 * Draws a row for each pair of images: the first without noise, `steps` ≥ 2 images decoded evenly between their
 * posterior means, the second. A conditional model decodes the class at index `place`, or else mixtures of both labels.
 */
export async function drawInterpolation(
  trained: TrainedModel,
  images: ImageSet,
  pairs: readonly (readonly [from: number, to: number])[],
  steps: number,
  config: DrawConfig,
  place?: number,
): Promise<Picture> {
  const { classes } = trained;
  const clean = { ...config, noise: null };
  const endOf = async (image: number) => {
    const alone = imageAt(images, image);
    const { originals, corrupted } = await reconstructImages(trained, alone, clean);
    const label = classes && oneHot(placesOf(alone, range(0, 1), classes), classes.length).data;
    return { input: corrupted ?? originals, z: await inferLatents(trained, alone, clean, "means"), label };
  };
  const ofPlace = classes && place !== undefined ? rowsOfClass(place, classes) : undefined;
  const columns = steps + 2;
  const size = pixelsOf(trained.size);
  const pixels = new Float32Array(pairs.length * columns * size);
  for (const [row, pair] of pairs.entries()) {
    const [from, to] = [await endOf(pair[0]), await endOf(pair[1])];
    const z = between(from.z, to.z, steps);
    const labels = place === undefined ? mixtures(from.label, to.label, steps) : ofPlace;
    const start = row * columns * size;
    pixels.set(from.input, start);
    pixels.set(await decodeLatents(trained, z, labels), start + size);
    pixels.set(to.input, start + (columns - 1) * size);
  }
  return interpolationFigure(asImages(trained, pixels), columns);
}

/** Evenly spaced mixtures of two one-hot labels. */
function mixtures(from: Uint8Array | undefined, to: Uint8Array | undefined, steps: number): LabelRows | undefined {
  if (!from || !to) return undefined;
  const { length } = from;
  const all = between(from, to, steps);
  return (first, count) => ({ data: all.subarray(first * length, (first + count) * length), shape: [count, length] });
}

/** Evenly spaced vectors from one to another: [steps, length]. */
function between(from: ArrayLike<number>, to: ArrayLike<number>, steps: number): Float32Array {
  const { length } = from;
  return Float32Array.from({ length: steps * length }, (_, at) => {
    const part = Math.floor(at / length) / (steps - 1);
    return (1 - part) * from[at % length] + part * to[at % length];
  });
}
