// Pictures that both a training and the commands draw.
import type { ImageSet } from "../data/dataset.js";
import { describeShape, type ImageShape, pixelsOf, range, select } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { type Images, interpolationFigure, manifoldFigure } from "../pictures/figures.js";
import { maxTiles, type Picture, tileNumbers } from "../pictures/grid.js";
import { latentPlot } from "../pictures/plots.js";
import type { DrawConfig } from "./batches.js";
import { decodeLatents, inferLatents, reconstructImages } from "./coding.js";
import { gridPlaces, latentGrid, type ManifoldGrid, toPlane } from "./latent-plane.js";
import type { TrainedModel } from "./trained-model.js";

/** The default number of images in a picture. */
export function usualTiles(size: ImageShape): number {
  return Math.max(1, Math.floor(20e6 / tileNumbers(size)));
}

/** Columns and rows of a manifold by default. */
export function usualSide(size: ImageShape): number {
  return Math.min(20, Math.floor(Math.sqrt(usualTiles(size))));
}

/** @throws UserError if a picture cannot hold so many images */
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

/** Decodes a grid of z, for models with two latent dimensions. */
export async function drawManifold(trained: TrainedModel, options: ManifoldGrid): Promise<Picture> {
  const grid = latentGrid(options);
  const pixels = await decodeLatents(trained, gridPlaces(grid));
  return manifoldFigure(asImages(trained, pixels), grid.columns, grid.rows);
}

/** Plots the latents of images, without noise, as SVG. `explained` is that of `toPlane`. */
export async function drawLatents(
  trained: TrainedModel,
  images: ImageSet,
  what: "means" | "draws",
  config: DrawConfig,
  classes?: readonly string[],
): Promise<{ svg: string; explained?: readonly [number, number] }> {
  const latents = await inferLatents(trained, images, { ...config, noise: null }, what);
  const { dimZ } = trained.model.parts;
  const { x, y, explained } = await toPlane(latents, dimZ);
  const noun = !trained.model.isDrawn ? "Latents" : what === "means" ? "Posterior means" : "Posterior draws";
  const dimensions = dimZ === 1 ? ", one dimension" : dimZ > 2 ? `, ${dimZ} dimensions in two` : "";
  const component = (ordinal: string, i: 0 | 1) =>
    `${ordinal} principal component${explained ? `, ${(100 * explained[i]).toFixed(0)}% of the variance` : ""}`;
  const svg = await latentPlot({
    x,
    y,
    labels: images.labels?.subarray(0, images.count),
    ...(classes && { classes }),
    title: `${noun} of the first ${images.count.toLocaleString("en")} test images${dimensions}`,
    xTitle: dimZ > 2 ? component("first", 0) : "z1",
    yTitle: dimZ > 2 ? component("second", 1) : dimZ === 1 ? "(nothing: z has one dimension)" : "z2",
  });
  return { svg, ...(explained && { explained }) };
}

/**
 * Draws a row for each pair of images: the first, `steps` ≥ 2 images decoded evenly between their posterior means, the
 * second.
 */
export async function drawInterpolation(
  trained: TrainedModel,
  images: ImageSet,
  pairs: readonly (readonly [from: number, to: number])[],
  steps: number,
  config: DrawConfig,
): Promise<Picture> {
  const { dimZ } = trained.model.parts;
  const clean = { ...config, noise: null };
  const endOf = async (image: number) => {
    const number = range(image, 1);
    const alone = {
      count: 1,
      offset: images.offset + image,
      pixels: select(images.pixels, number),
      inputs: images.inputs && select(images.inputs, number),
    };
    const { originals } = await reconstructImages(trained, alone, clean);
    return { original: originals, z: await inferLatents(trained, alone, clean, "means") };
  };
  const columns = steps + 2;
  const size = pixelsOf(trained.size);
  const pixels = new Float32Array(pairs.length * columns * size);
  for (const [row, pair] of pairs.entries()) {
    const [from, to] = [await endOf(pair[0]), await endOf(pair[1])];
    const z = Float32Array.from({ length: steps * dimZ }, (_, at) => {
      const part = Math.floor(at / dimZ) / (steps - 1);
      return (1 - part) * from.z[at % dimZ] + part * to.z[at % dimZ];
    });
    const start = row * columns * size;
    pixels.set(from.original, start);
    pixels.set(await decodeLatents(trained, z), start + size);
    pixels.set(to.original, start + (columns - 1) * size);
  }
  return interpolationFigure(asImages(trained, pixels), columns);
}
