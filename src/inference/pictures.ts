// The pictures of a trained model, for the commands that show it.
import type { Config, GivenSettings } from "../config/config.js";
import { SETTINGS } from "../config/settings.js";
import type { ImageSet } from "../data/dataset.js";
import { decodeImages } from "../data/image-files.js";
import { checkCount, pixelsInMemory, pixelsOf } from "../data/pixels.js";
import { UserError } from "../errors.js";
import type { Elbo } from "../model/bounds.js";
import { comparisonFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import type { RunConfig } from "../run/config.js";
import { loadTrainingData } from "../run/data.js";
import { reconstructImages } from "./coding.js";
import type { ManifoldGrid } from "./latent-plane.js";
import type { TrainedModel } from "./trained-model.js";
import {
  asImages,
  checkTiles,
  drawInterpolation,
  drawLatents,
  drawManifold,
  type LatentOptions,
  usualTiles,
} from "./views.js";

/** Images above their reconstructions. */
export interface ReconstructionPicture {
  readonly picture: Picture;
  /** Mean over the images. */
  readonly elbo: Elbo;
  readonly count: number;
  /** Mean over the pixels, in units of full white: what the noise did, and what is left after the reconstruction. Where there is noise. */
  readonly squaredError?: { readonly noisy: number; readonly output: number };
}

/** What `vae reconstruct`, `manifold`, `latent` and `interpolate` draw: `model.pictures`. */
export class ModelPictures {
  readonly #trained: TrainedModel;

  constructor(
    trained: TrainedModel,
    readonly run: RunConfig,
  ) {
    this.#trained = trained;
  }

  /**
   * Reconstructs the first test images of the data set that the model was trained on.
   *
   * @param requested how many; where it is undefined 100, or all if there are fewer; fewer of large images
   * @param noise how to corrupt what the encoder sees
   * @throws UserError if there are fewer test images than requested, or that is too much for a picture
   */
  async reconstructions(
    requested: number | undefined,
    noise: GivenSettings["noise"],
    seed: number,
  ): Promise<ReconstructionPicture> {
    const parsed = SETTINGS.noise.check(noise ?? null);
    const { test } = await loadTrainingData(this.run);
    const versions = test.inputs || parsed ? 3 : 2;
    const most = Math.max(1, Math.floor(usualTiles(this.#trained.size) / versions));
    const count = checkCount(requested ?? Math.min(100, test.count, most), test.count);
    checkTiles(this.#trained.size, versions * count, "Take fewer.");
    if (test.inputs && parsed) {
      throw new UserError("The test images of this model are corrupted already. Leave out noise.");
    }
    return this.#reconstruct(test, count, parsed, seed);
  }

  /**
   * The same of image files, which are brought to the model's size and to its grey or colours.
   *
   * @param invert whether to turn white to black
   * @throws UserError if one is not there or cannot be decoded, or if they are too many for a picture
   */
  async reconstructionsOf(
    files: readonly string[],
    invert: boolean,
    noise: GivenSettings["noise"],
    seed: number,
  ): Promise<ReconstructionPicture> {
    const { size } = this.#trained;
    const parsed = SETTINGS.noise.check(noise ?? null);
    checkTiles(size, (parsed ? 3 : 2) * files.length, "Take fewer.");
    const bytes = await decodeImages(files, size, invert);
    const images = { count: files.length, pixels: pixelsInMemory(bytes, pixelsOf(size)), offset: 0 };
    return this.#reconstruct(images, files.length, parsed, seed);
  }

  async #reconstruct(
    images: ImageSet,
    count: number,
    noise: Config["noise"],
    seed: number,
  ): Promise<ReconstructionPicture> {
    const result = await reconstructImages(this.#trained, { ...images, count }, this.#trained.drawing(seed, noise));
    const { originals, corrupted, outputs, elbo } = result;
    const version = (label: string, pixels: Float32Array) => ({ label, images: asImages(this.#trained, pixels) });
    const versions = [
      version(images.inputs ? "target" : "input", originals),
      ...(corrupted ? [version(images.inputs ? "input" : "noisy", corrupted)] : []),
      version("output", outputs),
    ];
    return {
      picture: comparisonFigure(versions),
      elbo,
      count,
      ...(corrupted && {
        squaredError: {
          noisy: meanSquaredDifference(originals, corrupted),
          output: meanSquaredDifference(originals, outputs),
        },
      }),
    };
  }

  /**
   * What is decoded from a grid of places in the latent plane.
   *
   * @throws UserError if the latent space is no plane, or the grid too large for a picture
   */
  async manifold(options: ManifoldGrid): Promise<Picture> {
    const { dimZ } = this.#trained.model.parts;
    if (dimZ !== 2) {
      throw new UserError(
        `A manifold needs a latent space of two dimensions, and this model's has ${dimZ}. Train one with dimZ 2, or draw samples or interpolations.`,
      );
    }
    checkTiles(this.#trained.size, options.columns * options.rows, "Take fewer columns and rows.");
    return drawManifold(this.#trained, options);
  }

  /**
   * Where the model puts test images in its latent space, as SVG, coloured by class if the data set has labels. With more than two
   * dimensions, their first two principal components are drawn, and `explained` is the share of the variance of each.
   */
  async latents(
    { count, what }: { count: number | undefined; what: LatentOptions["what"] },
    seed: number,
  ): Promise<{ svg: string; count: number; hasLabels: boolean; explained?: readonly [number, number] }> {
    const { test, classes } = await loadTrainingData(this.run);
    const images = checkCount(count ?? Math.min(5000, test.count), test.count);
    return {
      ...(await drawLatents(this.#trained, test, { count: images, what }, this.#trained.drawing(seed, null), classes)),
      count: images,
      hasLabels: test.labels !== undefined,
    };
  }

  /**
   * Rows of images on the way between two test images each, evenly spaced between their posterior means.
   *
   * @param pairs numbers of test images, from 0
   * @param steps decoded images of a row, two or more
   * @throws UserError if there is no such image, or they are too many for a picture
   */
  async interpolations(pairs: readonly (readonly [from: number, to: number])[], steps: number): Promise<Picture> {
    const { test } = await loadTrainingData(this.run);
    const largest = Math.max(...pairs.flat());
    if (largest >= test.count) {
      throw new UserError(`There is no test image ${largest}: their numbers are 0 to ${test.count - 1}.`);
    }
    checkTiles(this.#trained.size, pairs.length * (steps + 2), "Take fewer rows or steps.");
    return drawInterpolation(this.#trained, test, pairs, steps, this.#trained.drawing(this.run.settings.seed, null));
  }
}

function meanSquaredDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length;
}
