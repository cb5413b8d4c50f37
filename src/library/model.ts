// A trained model: loads a run's best weights, draws what they make and measures how good they are.
import type { Config, GivenSettings } from "../config.js";
import type { Dataset, ImageSet } from "../data/dataset.js";
import { describeShape, digestOf, loadDataset } from "../data/dataset.js";
import type { ImageShape } from "../data/pixels.js";
import { pixelsOf } from "../data/pixels.js";
import type { Engine, EngineName } from "../engine/engine.js";
import { openEngine } from "../engine/index.js";
import { UserError } from "../errors.js";
import type { DrawConfig, Fitted } from "../evaluation.js";
import {
  countActiveUnits,
  estimateLogLikelihoods,
  evaluate,
  MOST_IN_BATCH,
  meanAndError,
  rowsAtOnce,
} from "../evaluation.js";
import { inferLatents, reconstructImages, sampleImages } from "../inference.js";
import type { Bounds, Elbo } from "../model/elbo.js";
import type { OnnxModels } from "../model/onnx.js";
import { Vae } from "../model/vae.js";
import { parseNoise } from "../noise.js";
import { comparisonFigure, singlePictures, squareFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import { RunFolder } from "../run/folder.js";
import { SETTINGS } from "../settings.js";
import type { ManifoldGrid } from "./latent-plane.js";
import { toOnnx } from "./onnx.js";
import type { LatentOptions } from "./views.js";
import { asImages, drawInterpolation, drawLatents, drawManifold } from "./views.js";

/**
 * Loads the best weights of a run.
 *
 * @param run its folder; without it, the newest in `runs/` that has a model
 * @throws UserError if there is none, or it is broken
 */
export async function loadModel(run?: string): Promise<Model> {
  const folder = await RunFolder.open(run);
  const weights = await folder.readModel();
  const { engine, shortfall } = await openEngine("auto", SETTINGS.threads.default);
  return new Model(folder, weights, engine, shortfall);
}

/** What `Model.evaluate` is asked. */
export interface EvaluateOptions {
  readonly split: "test" | "validation" | "train";
  /** z's that are drawn for each image to estimate its likelihood. */
  readonly importanceSamples: number;
  /** The first so many images; all where it is undefined. */
  readonly count?: number | undefined;
  /** Other data than the model was trained on, of the same size: as the setting `dataset`. Image files are brought to that size. */
  readonly dataset?: string | undefined;
  readonly onProgress?: (done: number, count: number) => void;
}

/** How good a model is on a set of images. */
export interface Evaluation extends Bounds {
  readonly dataset: string;
  /** Whether these data are, to the byte, those that the model was trained and chosen on. */
  readonly isOwnData: boolean;
  readonly split: EvaluateOptions["split"];
  /** The first so many of the split's images. */
  readonly images: number;
  readonly of: number;
  readonly binarize: Config["binarize"];
  readonly noise: Config["noise"];
  readonly pixelLikelihood: Config["likelihood"];
  /** Latent dimensions whose posterior mean has a variance above 0.01 over the images, of dimZ. */
  readonly activeUnits: number;
  readonly dimZ: number;
  /** Undefined where none can be given: see `noLikelihood`. */
  readonly likelihood?: {
    /** −log p(x), nats per image, by importance sampling. */
    readonly nll: number;
    /** Over the images, if there are two or more. */
    readonly standardError?: number;
    readonly importanceSamples: number;
  };
  /** Why there is no likelihood. */
  readonly noLikelihood?: string;
  readonly seconds: number;
}

type Weights = Awaited<ReturnType<RunFolder["readModel"]>>;

/** A trained model, ready to use. `close` it after use. */
export class Model {
  readonly #fitted: Fitted;
  readonly #weights: Weights;

  constructor(
    readonly folder: RunFolder,
    weights: Weights,
    engine: Engine,
    /** Why the engine is not the fastest one, if it was taken for want of better. */
    readonly shortfall?: string,
  ) {
    const { height, width, channels } = folder.config.data;
    const size = { height, width, channels };
    const vae = new Vae({ pixels: pixelsOf(size), ...folder.config.settings });
    this.#fitted = { engine, vae, params: weights.params, size };
    this.#weights = weights;
  }

  get config(): Config {
    return this.folder.config.settings;
  }

  /** The name of the engine that it runs on. */
  get engine(): EngineName {
    return this.#fitted.engine.name;
  }

  /**
   * Reconstructs the first test images of the data set that the model was trained on.
   *
   * @param requested how many; 100, or all if there are fewer, where it is undefined
   * @param noise how to corrupt what the encoder sees
   * @returns a picture, the terms of the ELBO, mean over the images, and their number; with noise, the mean squared error of a pixel,
   * in units of full white, that the noise did and that is left after the reconstruction
   * @throws UserError if there are fewer test images than requested, or the data set is not what it was
   */
  async reconstruct(
    requested: number | undefined,
    noise: NonNullable<GivenSettings["noise"]>,
    seed: number,
  ): Promise<{ picture: Picture; elbo: Elbo; count: number; squaredError?: { noisy: number; output: number } }> {
    const { test } = await this.#loadData();
    const count = countOf(test, requested ?? Math.min(100, test.count));
    const result = await reconstructImages(this.#fitted, test, count, this.#drawing(seed, parseNoise(noise)));
    const { originals, corrupted, outputs, elbo } = result;
    const version = (label: string, pixels: Float32Array) => ({ label, images: asImages(this.#fitted, pixels) });
    const versions = [
      version("input", originals),
      ...(corrupted ? [version("noisy", corrupted)] : []),
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

  /** A near-square grid of the first `count` samples of a seed. */
  async sample(count: number, seed: number): Promise<Picture> {
    checkCount(count);
    return squareFigure(asImages(this.#fitted, await this.#sampleImages(0, count, seed)));
  }

  /** The same samples as pictures of their own, some hundreds at a time: in flat memory, however many. */
  async *samples(count: number, seed: number): AsyncGenerator<Picture[], void> {
    checkCount(count);
    const atOnce = rowsAtOnce(MOST_IN_BATCH, this.#fitted.size);
    for (let first = 0; first < count; first += atOnce) {
      const pixels = await this.#sampleImages(first, Math.min(atOnce, count - first), seed);
      yield singlePictures(asImages(this.#fitted, pixels));
    }
  }

  /**
   * What is decoded from a grid of places in the latent plane.
   *
   * @throws UserError if the latent space is no plane
   */
  async manifold(options: ManifoldGrid): Promise<Picture> {
    const { dimZ } = this.config;
    if (dimZ !== 2) {
      throw new UserError(
        `A manifold needs a latent space of two dimensions, and this model's has ${dimZ}. Train one with --dim-z 2, or see vae sample and vae interpolate.`,
      );
    }
    return drawManifold(this.#fitted, options);
  }

  /**
   * Where the model puts test images in its latent space, as SVG, coloured by class if the data set has labels. With more than two
   * dimensions, their first two principal components are drawn, and `explained` is the share of the variance of each.
   */
  async latent(
    { count, what }: { count: number | undefined; what: LatentOptions["what"] },
    seed: number,
  ): Promise<{ svg: string; count: number; hasLabels: boolean; explained?: readonly [number, number] }> {
    if (what === "draws" && this.config.model === "ae") {
      throw new UserError("A plain autoencoder has no posterior to draw from: each image has one place.");
    }
    const { test, classes } = await this.#loadData();
    const images = countOf(test, count ?? Math.min(5000, test.count));
    return {
      ...(await drawLatents(this.#fitted, test, { count: images, what }, this.#drawing(seed, "none"), classes)),
      count: images,
      hasLabels: test.labels !== undefined,
    };
  }

  /**
   * Rows of images on the way between two test images each, evenly spaced between their posterior means.
   *
   * @param pairs numbers of test images, from 0
   * @param steps decoded images of a row, two or more
   * @throws UserError if there is no such image
   */
  async interpolate(pairs: readonly (readonly [from: number, to: number])[], steps: number): Promise<Picture> {
    const { test } = await this.#loadData();
    const largest = Math.max(...pairs.flat());
    if (largest >= test.count) {
      throw new UserError(`There is no test image ${largest}: their numbers are 0 to ${test.count - 1}.`);
    }
    return drawInterpolation(this.#fitted, test, pairs, steps, this.#drawing(this.config.seed, "none"));
  }

  /**
   * Measures the model on images of its data set, with the noise, the binarization and the seed of its training.
   *
   * @throws UserError if there are fewer images than requested
   */
  async evaluate({ split, importanceSamples, count, dataset, onProgress }: EvaluateOptions): Promise<Evaluation> {
    const started = performance.now();
    const { binarize, noise, likelihood: pixelLikelihood, seed, dimZ } = this.config;
    const data = await this.#loadData(dataset);
    const set = data[split];
    const images = { ...set, count: countOf(set, count ?? set.count) };
    const config = this.#drawing(seed, noise);
    const bounds = await evaluate(this.#fitted, images, config);
    const means = await inferLatents(this.#fitted, images, images.count, config, "means");
    const noLikelihood = whyNoLikelihood(this.config);
    let likelihood: Evaluation["likelihood"];
    if (!noLikelihood) {
      const progress = (done: number) => onProgress?.(done, images.count);
      const { mean, ...error } = meanAndError(
        await estimateLogLikelihoods(this.#fitted, images, importanceSamples, config, progress),
      );
      likelihood = { nll: -mean, ...error, importanceSamples };
    }
    return {
      dataset: dataset ?? this.config.dataset,
      isOwnData: digestOf(data) === this.folder.config.data.sha256,
      split,
      images: images.count,
      of: set.count,
      binarize,
      noise,
      pixelLikelihood,
      ...bounds,
      activeUnits: countActiveUnits(means, dimZ),
      dimZ,
      ...(likelihood && { likelihood }),
      ...(noLikelihood && { noLikelihood }),
      seconds: (performance.now() - started) / 1000,
    };
  }

  /** The encoder and the decoder as ONNX files, for other runtimes, with the facts of the training as metadata: docs/python.md. */
  toOnnx(): OnnxModels {
    const { params, metadata } = this.#weights;
    return toOnnx(this.folder.config, params, metadata);
  }

  async close(): Promise<void> {
    await this.#fitted.engine.close();
  }

  #drawing(seed: number, noise: Config["noise"]): DrawConfig {
    return { ...this.config, seed, noise };
  }

  async #sampleImages(first: number, count: number, seed: number): Promise<Float32Array> {
    return sampleImages(this.#fitted, first, count, { dimZ: this.config.dimZ, seed });
  }

  /** @param other data than those of the training */
  async #loadData(other?: string): Promise<Dataset> {
    const { size } = this.#fitted;
    const data = other === undefined ? await loadTrainingData(this.config) : await loadFitting(other, size);
    if (describeShape(data) !== describeShape(size)) {
      throw new UserError(
        `The images of ${other ?? this.config.dataset} are ${describeShape(data)}, but the model was trained on ${describeShape(size)}.`,
      );
    }
    return data;
  }
}

function whyNoLikelihood({ model, likelihood, binarize }: Config): string | undefined {
  if (model === "ae") return "A plain autoencoder defines no distribution of images, so there is no likelihood.";
  if (likelihood === "gaussian") {
    return "With a Gaussian decoder there is no likelihood of images, only a density, which depends on pixelSigma.";
  }
  if (binarize === "none") {
    return (
      "The pixels are grey, so a Bernoulli decoder gives them no likelihood, only this bound. " +
      "For a likelihood, train with --binarize dynamic."
    );
  }
  return undefined;
}

async function loadTrainingData(config: Config): Promise<Dataset> {
  try {
    return await loadDataset(config.dataset, config);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`This run was trained on ${config.dataset}, which cannot be read now. ${error.message}`);
  }
}

/** Data of a size: image files are brought to it. */
function loadFitting(dataset: string, { height, width, channels }: ImageShape): Promise<Dataset> {
  return loadDataset(dataset, { size: `${width}x${height}`, channels: channels === 1 ? "1" : "3" });
}

/** @throws UserError if the set has fewer images than are asked for */
function countOf(images: ImageSet, count: number): number {
  checkCount(count);
  if (count > images.count) {
    throw new UserError(`There are ${images.count} images, fewer than the ${count} that were asked for.`);
  }
  return count;
}

function checkCount(count: number): void {
  if (!Number.isSafeInteger(count) || count < 1)
    throw new UserError(`The count must be a whole number above 0, not ${count}.`);
}

function meanSquaredDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length;
}
