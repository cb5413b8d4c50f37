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
import { asImages, checkTiles, drawInterpolation, drawLatents, drawManifold, usualTiles } from "./views.js";

interface ReconstructionPicture {
  readonly picture: Picture;
  /** Mean over the images. */
  readonly elbo: Elbo;
  readonly count: number;
  /** How image files were read, one sentence each. */
  readonly notes?: readonly string[];
  /** Mean squared errors of pixels, 1 = full white. */
  readonly squaredError?: { readonly noisy: number; readonly output: number };
}

/** `model.pictures`: what `vae reconstruct`, `manifold`, `latent` and `interpolate` draw. */
export class ModelPictures {
  constructor(
    private readonly trained: TrainedModel,
    readonly run: RunConfig,
  ) {}

  /**
   * Reconstructs the first test images, by default up to 100, fewer of large ones. `noise` corrupts the encoder's
   * input.
   *
   * @throws UserError if there are too few test images, or too many for a picture
   */
  async reconstructions(
    requested: number | undefined,
    noise: GivenSettings["noise"],
    seed: number,
  ): Promise<ReconstructionPicture> {
    const parsed = SETTINGS.noise.check(noise ?? null);
    const { test } = await loadTrainingData(this.run);
    const versions = test.inputs || parsed ? 3 : 2;
    const usual = Math.max(1, Math.floor(usualTiles(this.trained.size) / versions));
    const count = checkCount(requested ?? Math.min(100, test.count, usual), test.count);
    checkTiles(this.trained.size, versions * count, "Take fewer.");
    if (test.inputs && parsed) {
      throw new UserError("The test images of this model are corrupted already. Leave out noise.");
    }
    return this.#reconstruct({ ...test, count }, parsed, seed);
  }

  /**
   * Reconstructs image files in the model's size and channels; `invert` turns white to black.
   *
   * @throws UserError if a file does not exist or cannot be decoded, or they are too many for a picture
   */
  async reconstructionsOf(
    files: readonly string[],
    invert: boolean,
    noise: GivenSettings["noise"],
    seed: number,
  ): Promise<ReconstructionPicture> {
    const { size } = this.trained;
    const parsed = SETTINGS.noise.check(noise ?? null);
    checkTiles(size, (parsed ? 3 : 2) * files.length, "Take fewer.");
    const background = this.run.settings.background ?? "black";
    const { pixels, notes } = await decodeImages(files, size, { invert, background, scales: this.run.data.scales });
    const images = { count: files.length, pixels: pixelsInMemory(pixels, pixelsOf(size)), offset: 0 };
    return { ...(await this.#reconstruct(images, parsed, seed)), notes };
  }

  async #reconstruct(images: ImageSet, noise: Config["noise"], seed: number): Promise<ReconstructionPicture> {
    const result = await reconstructImages(this.trained, images, this.trained.drawing(seed, noise));
    const { originals, corrupted, outputs, elbo } = result;
    const version = (label: string, pixels: Float32Array) => ({ label, images: asImages(this.trained, pixels) });
    const error = (pixels: Float32Array) =>
      pixels.reduce((sum, value, i) => sum + (value - originals[i]) ** 2, 0) / pixels.length;
    const versions = [
      version(images.inputs ? "target" : "input", originals),
      ...(corrupted ? [version(images.inputs ? "input" : "noisy", corrupted)] : []),
      version("output", outputs),
    ];
    const squaredError = corrupted && { noisy: error(corrupted), output: error(outputs) };
    return { picture: comparisonFigure(versions), elbo, count: images.count, ...(squaredError && { squaredError }) };
  }

  /** Decodes a grid of z. @throws UserError if Z is not 2, or the grid is too large for a picture */
  async manifold(options: ManifoldGrid): Promise<Picture> {
    const { dimZ } = this.trained.model.parts;
    if (dimZ !== 2) {
      throw new UserError(
        `A manifold needs a latent space of two dimensions, and this model's has ${dimZ}. Train one ` +
          "with dimZ 2, or draw samples or interpolations.",
      );
    }
    if (options.spacing === "quantile" && this.run.settings.prior !== "normal") {
      throw new UserError(
        "Quantiles are of the standard normal prior, and this model has another. Use linear spacing.",
      );
    }
    checkTiles(this.trained.size, options.columns * options.rows, "Take fewer columns and rows.");
    return drawManifold(this.trained, options);
  }

  /** Plots the latents of test images, coloured by class: see `drawLatents`. */
  async latents(
    { count: requested, what }: { count: number | undefined; what: "means" | "draws" },
    seed: number,
  ): Promise<{ svg: string; count: number; hasLabels: boolean; explained?: readonly [number, number] }> {
    const { test, classes } = await loadTrainingData(this.run);
    const count = checkCount(requested ?? Math.min(5000, test.count), test.count);
    const drawing = this.trained.drawing(seed, null);
    const plot = await drawLatents(this.trained, { ...test, count }, what, drawing, classes);
    return { ...plot, count, hasLabels: test.labels !== undefined };
  }

  /**
   * Draws rows of images between two test images each: see `drawInterpolation`.
   *
   * @throws UserError if an image does not exist, or they are too many for a picture
   */
  async interpolations(pairs: readonly (readonly [from: number, to: number])[], steps: number): Promise<Picture> {
    const { test } = await loadTrainingData(this.run);
    const largest = Math.max(...pairs.flat());
    if (largest >= test.count) {
      throw new UserError(`There is no test image ${largest}: their numbers are 0 to ${test.count - 1}.`);
    }
    checkTiles(this.trained.size, pairs.length * (steps + 2), "Take fewer rows or steps.");
    return drawInterpolation(this.trained, test, pairs, steps, this.trained.drawing(this.run.settings.seed, null));
  }
}
