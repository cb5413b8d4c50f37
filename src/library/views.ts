// The pictures of a model: what is computed, and how it is drawn. After every epoch and by the commands alike.
import type { ImageSet } from "../data/dataset.js";
import type { DrawConfig, Fitted } from "../evaluation.js";
import { decodeLatents, inferLatents, reconstructImages } from "../inference.js";
import type { Images } from "../pictures/figures.js";
import { interpolationFigure, manifoldFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import { latentPlot } from "../pictures/plots.js";
import type { GridOptions } from "./latent-plane.js";
import { gridPlaces, latentGrid, toPlane } from "./latent-plane.js";

/** Pixels with the size of the model's images. */
export function asImages({ size }: Pick<Fitted, "size">, pixels: Float32Array): Images {
  return { pixels, ...size };
}

/** What is decoded from a grid of places in the latent plane. The model has two latent dimensions. */
export async function drawManifold(fitted: Fitted, options: GridOptions): Promise<Picture> {
  const grid = latentGrid(options);
  const pixels = await decodeLatents(fitted, gridPlaces(grid));
  return manifoldFigure(asImages(fitted, pixels), grid.columns, grid.rows);
}

/** The points of a latent scatter. */
export interface LatentOptions {
  /** The first so many images of the set. */
  readonly count: number;
  /** The means of the posteriors, or a draw from each. */
  readonly what: "means" | "draws";
}

/** Where a model puts clean images in its latent space, as SVG; and of principal components, the share of the variance that they show. */
export async function drawLatents(
  fitted: Fitted,
  images: ImageSet,
  { count, what }: LatentOptions,
  config: DrawConfig,
): Promise<{ svg: string; explained?: readonly [number, number] }> {
  const latents = await inferLatents(fitted, images, count, { ...config, noise: "none" }, what);
  const { x, y, explained } = await toPlane(latents, config.dimZ);
  const percent = (share: number) => `${(100 * share).toFixed(0)}% of the variance`;
  const noun = config.model === "ae" ? "Latents" : what === "means" ? "Posterior means" : "Posterior draws";
  const svg = await latentPlot({
    x,
    y,
    labels: images.labels?.subarray(0, count),
    title: `${noun} of ${count.toLocaleString("en")} test images${explained ? `, ${config.dimZ} dimensions in two` : ""}`,
    xTitle: explained ? `first principal component, ${percent(explained[0])}` : "z1",
    yTitle: explained ? `second principal component, ${percent(explained[1])}` : config.dimZ === 1 ? "" : "z2",
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
  fitted: Fitted,
  images: ImageSet,
  pairs: readonly (readonly [from: number, to: number])[],
  steps: number,
  config: DrawConfig,
): Promise<Picture> {
  const { dimZ } = config;
  const pixels = fitted.size.height * fitted.size.width;
  const needed = Math.max(...pairs.flat()) + 1;
  const clean = { ...config, noise: "none" } as const;
  const latents = await inferLatents(fitted, images, needed, clean, "means");
  const { originals } = await reconstructImages(fitted, images, needed, clean);
  const z = pairs.flatMap(([from, to]) =>
    Array.from({ length: steps * dimZ }, (_, at) => {
      const [step, j] = [Math.floor(at / dimZ), at % dimZ];
      const part = step / (steps - 1);
      return (1 - part) * latents[from * dimZ + j] + part * latents[to * dimZ + j];
    }),
  );
  const decoded = await decodeLatents(fitted, Float32Array.from(z));
  const columns = steps + 2;
  const rows = new Float32Array(pairs.length * columns * pixels);
  const original = (image: number) => originals.subarray(image * pixels, (image + 1) * pixels);
  pairs.forEach(([from, to], row) => {
    const start = row * columns * pixels;
    rows.set(original(from), start);
    rows.set(decoded.subarray(row * steps * pixels, (row + 1) * steps * pixels), start + pixels);
    rows.set(original(to), start + (columns - 1) * pixels);
  });
  return interpolationFigure(asImages(fitted, rows), columns);
}
