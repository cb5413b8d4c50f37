// Pictures of a trained model.
import { checkOptions, listOf, maybe } from "../arguments.js";
import type { GivenSettings } from "../config/config.js";
import { INTERPOLATION, MANIFOLD, MAX_INTERPOLATIONS } from "../config/pictures.js";
import { SETTINGS } from "../config/settings.js";
import type { ImageSet } from "../data/dataset.js";
import { decodeImages } from "../data/image-files.js";
import { COUNT, checkCount, pixelsInMemory, pixelsOf } from "../data/pixels.js";
import { UserError } from "../errors.js";
import type { Elbo } from "../model/bounds.js";
import { classLabels, comparisonFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import type { RunConfig } from "../run/config.js";
import { loadTrainingData } from "../run/data.js";
import { type Checker, checkValue } from "../values/checker.js";
import { BOOLEAN, oneOf, TEXT } from "../values/domains.js";
import type { DrawConfig } from "./batches.js";
import { decodeLatents, inferLatents, reconstructImages } from "./coding.js";
import {
  CLASS,
  CLASS_OPTION,
  type ClassName,
  type ClassOption,
  labelImages,
  needsClass,
  noLabels,
  placeOfClass,
  rowsOfClass,
} from "./labels.js";
import type { ManifoldGrid } from "./latent-plane.js";
import { WHATS } from "./options.js";
import type { TrainedModel } from "./trained-model.js";
import {
  asImages,
  type ClassesPicture,
  checkTiles,
  defaultTiles,
  drawClasses,
  drawInterpolation,
  drawLatents,
  drawManifold,
  hasPlane,
  seenVersions,
} from "./views.js";

interface ReconstructionPicture {
  readonly picture: Picture;
  /** Mean over the images. */
  readonly elbo: Elbo;
  readonly count: number;
  /** Notes about reading image files, one sentence each. */
  readonly notes?: readonly string[];
  /** Mean squared errors per pixel, where white is 1. */
  readonly squaredError?: { readonly noisy: number; readonly output: number };
}

const PAIR: Checker<readonly number[]> = {
  check(value) {
    const pair = listOf(INTERPOLATION.image).check(value);
    if (pair.length !== 2) throw new UserError("It must be the numbers of two test images.");
    return pair;
  },
};
const AS = { as: maybe(CLASS) };
const LATENTS = { count: maybe(COUNT), what: maybe(oneOf(WHATS), "means") };

/**
 * `model.pictures`: pictures of `vae reconstruct`, `manifold`, `latent` and `interpolate`. Seeds default to the seed of
 * the training.
 */
export class ModelPictures {
  constructor(
    private readonly trained: TrainedModel,
    readonly run: RunConfig,
  ) {}

  /**
   * Reconstructs the first test images, by default up to 100, fewer if they are large. `noise` corrupts the encoder's
   * input. For a conditional model, `as` also decodes the same z as another class.
   *
   * @throws UserError if there are too few test images, or too many for a picture
   */
  reconstructions(
    requested?: number,
    noise: GivenSettings["noise"] = null,
    seed?: number,
    options: { readonly as?: ClassName | undefined } = {},
  ): Promise<ReconstructionPicture> {
    return this.trained.use(async () => {
      checkValue("The count", maybe(COUNT), requested);
      const drawing = this.#drawing(noise, seed);
      const { as } = checkOptions(AS, options);
      const other = this.#place(as);
      const { test } = await loadTrainingData(this.run);
      const versions = (test.inputs || drawing.noise ? 3 : 2) + (as === undefined ? 0 : 1);
      const usual = Math.max(1, Math.floor(defaultTiles(this.trained.size) / versions));
      const count = checkCount(requested ?? Math.min(100, test.count, usual), test.count);
      checkTiles(this.trained.size, versions * count, "Take fewer.");
      if (test.inputs && drawing.noise) {
        throw new UserError("The test images of this model are corrupted already. Leave out `noise`.");
      }
      return this.#reconstruct({ ...test, count }, drawing, other);
    });
  }

  /**
   * Reconstructs image files in the model's size and channels. `invert` swaps black and white. A conditional model
   * needs their class, and may also decode them `as` another.
   *
   * @throws UserError if a file does not exist or cannot be decoded, or they are too many for a picture
   */
  reconstructionsOf(
    files: readonly string[],
    invert = false,
    noise: GivenSettings["noise"] = null,
    seed?: number,
    options: ClassOption & { readonly as?: ClassName | undefined } = {},
  ): Promise<ReconstructionPicture> {
    return this.trained.use(async () => {
      checkValue("The list of files", listOf(TEXT, 1), files);
      checkValue("The argument invert", BOOLEAN, invert);
      const drawing = this.#drawing(noise, seed);
      const { as, ...own } = checkOptions({ ...CLASS_OPTION, ...AS }, options);
      const other = this.#place(as);
      const { size, classes } = this.trained;
      if (classes && own.class === undefined) throw needsClass(classes, "image files");
      this.#place(own.class);
      checkTiles(size, ((drawing.noise ? 3 : 2) + (as === undefined ? 0 : 1)) * files.length, "Take fewer.");
      const background = this.run.settings.background ?? "black";
      const { pixels, notes } = await decodeImages(files, size, { invert, background, scales: this.run.data.scales });
      const images = { count: files.length, pixels: pixelsInMemory(pixels, pixelsOf(size)), offset: 0 };
      return { ...(await this.#reconstruct(labelImages(images, classes, own), drawing, other)), notes };
    });
  }

  /** @param other index of another class to decode as */
  async #reconstruct(images: ImageSet, drawing: DrawConfig, other?: number): Promise<ReconstructionPicture> {
    const result = await reconstructImages(this.trained, images, drawing);
    const { originals, corrupted, outputs, elbo } = result;
    const version = (label: string, pixels: Float32Array) => ({ label, images: asImages(this.trained, pixels) });
    const error = (pixels: Float32Array) =>
      pixels.reduce((sum, value, i) => sum + (value - originals[i]) ** 2, 0) / pixels.length;
    const versions = [
      ...seenVersions(images, result).map(({ label, pixels }) => version(label, pixels)),
      version("output", outputs),
      ...(other === undefined ? [] : [await this.#reconstructAs(images, drawing, other)]),
    ];
    const squaredError = corrupted && { noisy: error(corrupted), output: error(outputs) };
    return { picture: comparisonFigure(versions), elbo, count: images.count, ...(squaredError && { squaredError }) };
  }

  /** Decodes the z of `reconstructImages` as another class. @param place index of the class */
  async #reconstructAs(images: ImageSet, drawing: DrawConfig, place: number) {
    const { trained } = this;
    const classes = trained.classes ?? [];
    const z = await inferLatents(trained, images, drawing, trained.model.isDrawn ? "draws" : "means");
    const pixels = await decodeLatents(trained, z, rowsOfClass(place, classes));
    const label = classLabels(classes.map(({ name }) => name))[place];
    return { label: `as ${label}`, images: asImages(trained, pixels) };
  }

  /**
   * Draws a row of samples for each class of a conditional model, with the same z in each row: see `drawClasses`.
   *
   * @param columns samples of each class, by default ten, fewer if images are large
   * @throws UserError if the model has no labels, or the samples are too many for a picture
   */
  classes(columns?: number, seed?: number): Promise<ClassesPicture> {
    return this.trained.use(async () => {
      checkValue("The number of columns", maybe(COUNT), columns);
      const drawing = this.#drawing(null, seed);
      const { classes } = this.trained;
      if (!classes) throw noLabels();
      return drawClasses(this.trained, classes, drawing.seed, columns);
    });
  }

  /**
   * Decodes a grid of z: 1 to 1,000 columns and rows, range above 0 and up to 100. A conditional model needs a class.
   *
   * @throws UserError if Z is not 2, an option is invalid, or the grid is too large for a picture
   */
  manifold(options: ManifoldGrid & ClassOption): Promise<Picture> {
    return this.trained.use(async () => {
      const { class: name, ...grid } = checkOptions({ ...MANIFOLD, ...CLASS_OPTION }, options);
      const place = this.#place(name);
      const { classes } = this.trained;
      if (classes && place === undefined) throw needsClass(classes, "z");
      if (!hasPlane(this.trained)) {
        const { model, config } = this.trained;
        const what = typeof config.dimZ === "number" ? model.parts.dimZ : "two layers";
        throw new UserError(
          `A manifold needs two latent dimensions; this model has ${what}. Train one ` +
            "with `dimZ: 2`, or draw samples or interpolations.",
        );
      }
      if (grid.spacing === "quantile" && this.run.settings.prior !== "normal") {
        throw new UserError(
          "Quantile spacing needs the standard normal prior; this model has another. Use linear spacing.",
        );
      }
      checkTiles(this.trained.size, grid.columns * grid.rows, "Take fewer columns and rows.");
      return drawManifold(this.trained, grid, place);
    });
  }

  /** Plots the latents of test images, coloured by class: see `drawLatents`. */
  latents(
    options: { count?: number | undefined; what?: (typeof WHATS)[number] | undefined } = {},
    seed?: number,
  ): Promise<{ svg: string; count: number; hasLabels: boolean; explained?: readonly [number, number] }> {
    return this.trained.use(async () => {
      const { count: requested, what } = checkOptions(LATENTS, options);
      const drawing = this.#drawing(null, seed);
      const { test, classes } = await loadTrainingData(this.run);
      const count = checkCount(requested ?? Math.min(5000, test.count), test.count);
      const plot = await drawLatents(this.trained, { ...test, count }, what, drawing, classes);
      return { ...plot, count, hasLabels: test.labels !== undefined };
    });
  }

  /**
   * Draws rows of images between two test images each: see `drawInterpolation`.
   *
   * @param pairs numbers of test images, from 0: 1 to 100 pairs, a row each
   * @param steps decoded images per row, 2 to 100
   * @param options the class to decode; by default a conditional model goes from the label of one image to the other's
   * @throws UserError if an image does not exist, or the images are too many for a picture
   */
  interpolations(
    pairs: readonly (readonly [from: number, to: number])[],
    steps: number,
    options: ClassOption = {},
  ): Promise<Picture> {
    return this.trained.use(async () => {
      const place = this.#place(checkOptions(CLASS_OPTION, options).class);
      checkValue("The list of pairs", listOf(PAIR, 1), pairs);
      checkValue("The number of steps", INTERPOLATION.steps, steps);
      if (pairs.length > MAX_INTERPOLATIONS) {
        throw new UserError(`There are ${pairs.length} pairs, and at most ${MAX_INTERPOLATIONS} fit a picture.`);
      }
      const { test } = await loadTrainingData(this.run);
      const largest = Math.max(...pairs.flat());
      if (largest >= test.count) {
        throw new UserError(`There is no test image ${largest}. Choose from 0 to ${test.count - 1}.`);
      }
      checkTiles(this.trained.size, pairs.length * (steps + 2), "Take fewer rows or steps.");
      return drawInterpolation(this.trained, test, pairs, steps, this.#drawing(null), place);
    });
  }

  /** The index of a class, if given. @throws UserError if the model has no class of this name */
  #place(name: ClassName | undefined): number | undefined {
    return name === undefined ? undefined : placeOfClass(this.trained.classes, name);
  }

  /** The binarization of the training, with this noise and seed. */
  #drawing(noise: unknown, seed: number = this.run.settings.seed): DrawConfig {
    return {
      binarize: this.run.settings.binarize,
      noise: checkValue("The noise", SETTINGS.noise, noise),
      seed: checkValue("The seed", SETTINGS.seed, seed),
    };
  }
}
