// The pictures of a model: what is computed, and how it is drawn. After every epoch and by the commands alike.
import type { ImageSet } from "../data/dataset.js";
import { describeShape, type ImageShape, pixelsOf, range, select } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { type Images, interpolationFigure, manifoldFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import { latentPlot } from "../pictures/plots.js";
import type { DrawConfig } from "./batches.js";
import { decodeLatents, inferLatents, reconstructImages } from "./coding.js";
import { gridPlaces, latentGrid, type ManifoldGrid, toPlane } from "./latent-plane.js";
import type { TrainedModel } from "./trained-model.js";

/** Numbers of all images of a picture together: with all that is made of them on the way, these take one to two GB. */
const MAX_PIXELS = 100e6;
/** The same, where nobody asked for so many images. */
const USUAL_PIXELS = 20e6;

/** How many images of a size go into a picture, one at least. */
export function maxTiles(size: ImageShape): number {
  return Math.max(1, Math.floor(MAX_PIXELS / pixelsOf(size)));
}

/** The most of them where nobody said how many. */
export function usualTiles(size: ImageShape): number {
  return Math.max(1, Math.floor(USUAL_PIXELS / pixelsOf(size)));
}

/** Columns and rows of a manifold, unless told. */
export function usualSide(size: ImageShape): number {
  return Math.min(20, Math.floor(Math.sqrt(usualTiles(size))));
}

/** @throws UserError if so many images of a size are too much for a picture */
export function checkTiles(size: ImageShape, count: number, remedy: string): void {
  const most = maxTiles(size);
  if (count > most) {
    throw new UserError(
      `A picture holds up to ${most} images of ${describeShape(size)}, and this one would hold ${count}. ${remedy}`,
    );
  }
}

/** Pixels with the size of the model's images. */
export function asImages({ size }: Pick<TrainedModel, "size">, pixels: Float32Array): Images {
  return { pixels, ...size };
}

/** What is decoded from a grid of places in the latent plane. The model has two latent dimensions. */
export async function drawManifold(trained: TrainedModel, options: ManifoldGrid): Promise<Picture> {
  const grid = latentGrid(options);
  const pixels = await decodeLatents(trained, gridPlaces(grid));
  return manifoldFigure(asImages(trained, pixels), grid.columns, grid.rows);
}

/** The points of a latent scatter. */
export interface LatentOptions {
  /** The first so many images of the set. */
  readonly count: number;
  /** The means of the posteriors, or a draw from each. */
  readonly what: "means" | "draws";
}

/** Where a model puts images, clean ones or the inputs of pairs, in its latent space, as SVG; and of principal components, the share of the variance that they show. */
export async function drawLatents(
  trained: TrainedModel,
  images: ImageSet,
  { count, what }: LatentOptions,
  config: DrawConfig,
  classes?: readonly string[],
): Promise<{ svg: string; explained?: readonly [number, number] }> {
  const latents = await inferLatents(trained, { ...images, count }, { ...config, noise: null }, what);
  const { dimZ } = trained.model.parts;
  const { x, y, explained } = await toPlane(latents, dimZ);
  const noun = !trained.model.isDrawn ? "Latents" : what === "means" ? "Posterior means" : "Posterior draws";
  const dimensions = dimZ === 1 ? ", one dimension" : dimZ > 2 ? `, ${dimZ} dimensions in two` : "";
  const component = (ordinal: string, i: 0 | 1) =>
    `${ordinal} principal component${explained ? `, ${(100 * explained[i]).toFixed(0)}% of the variance` : ""}`;
  const svg = await latentPlot({
    x,
    y,
    labels: images.labels?.subarray(0, count),
    ...(classes && { classes }),
    title: `${noun} of the first ${count.toLocaleString("en")} test images${dimensions}`,
    xTitle: dimZ > 2 ? component("first", 0) : "z1",
    yTitle: dimZ > 2 ? component("second", 1) : dimZ === 1 ? "(nothing: z has one dimension)" : "z2",
  });
  return { svg, ...(explained && { explained }) };
}

/**
 * Rows of images on the straight way between the posterior means of two images each. The images themselves stand at the ends.
 *
 * @param pairs numbers of images
 * @param steps decoded images of a row, at least two: the first and the last are the reconstructions of the two
 */
export async function drawInterpolation(
  trained: TrainedModel,
  images: ImageSet,
  pairs: readonly (readonly [from: number, to: number])[],
  steps: number,
  config: DrawConfig,
): Promise<Picture> {
  const { dimZ } = trained.model.parts;
  const pixels = pixelsOf(trained.size);
  const ends = new Map<number, { latent: Float32Array; original: Float32Array }>();
  for (const image of new Set(pairs.flat())) {
    const alone = {
      count: 1,
      offset: images.offset + image,
      pixels: select(images.pixels, range(image, 1)),
      inputs: images.inputs && select(images.inputs, range(image, 1)),
    };
    const clean = { ...config, noise: null };
    const { originals } = await reconstructImages(trained, alone, clean);
    ends.set(image, { latent: await inferLatents(trained, alone, clean, "means"), original: originals });
  }
  const end = (image: number) => ends.get(image) as { latent: Float32Array; original: Float32Array };
  const z = pairs.flatMap(([from, to]) =>
    Array.from({ length: steps * dimZ }, (_, at) => {
      const [step, j] = [Math.floor(at / dimZ), at % dimZ];
      const part = step / (steps - 1);
      return (1 - part) * end(from).latent[j] + part * end(to).latent[j];
    }),
  );
  const decoded = await decodeLatents(trained, Float32Array.from(z));
  const columns = steps + 2;
  const rows = new Float32Array(pairs.length * columns * pixels);
  pairs.forEach(([from, to], row) => {
    const start = row * columns * pixels;
    rows.set(end(from).original, start);
    rows.set(decoded.subarray(row * steps * pixels, (row + 1) * steps * pixels), start + pixels);
    rows.set(end(to).original, start + (columns - 1) * pixels);
  });
  return interpolationFigure(asImages(trained, rows), columns);
}
