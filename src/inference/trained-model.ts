// A trained model: loads a run's best weights, and encodes, decodes and samples by them on plain arrays.
import type { Config } from "../config/config.js";
import { SETTINGS } from "../config/settings.js";
import type { Dataset, ImageSet } from "../data/dataset.js";
import { digestOf } from "../data/dataset.js";
import type { ImageShape } from "../data/pixels.js";
import { checkCount, imageShape, pixelsOf } from "../data/pixels.js";
import type { Engine, EngineName } from "../engine/engine.js";
import { openEngine } from "../engine/index.js";
import type { Bounds } from "../model/elbo.js";
import type { OnnxModels } from "../model/onnx.js";
import { Vae } from "../model/vae.js";
import { loadTrainingData } from "../run/data.js";
import { RunFolder } from "../run/folder.js";
import type { HostArray } from "../tree.js";
import { asImageSet, checkImageSet, checkLatents, checkSeed, inParts, joinParts } from "./arrays.js";
import type { DrawConfig, Fitted } from "./evaluation.js";
import {
  countActiveUnits,
  estimateLogLikelihoods,
  evaluate,
  MOST_IN_BATCH,
  meanAndError,
  rowsAtOnce,
} from "./evaluation.js";
import { decodeLatents, inferLatents, inferPosteriors, sampleImages } from "./inference.js";
import { ModelPictures } from "./model-pictures.js";
import { toOnnx } from "./onnx.js";

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

/** How `Model.encode` does it. */
export interface EncodeOptions {
  /** The means of the posteriors, the default, or a draw from each. */
  readonly what?: "means" | "draws";
  /** Of the draws, and of the pixels where binarization is dynamic: that of the training, unless given. */
  readonly seed?: number | undefined;
}

/** The posteriors of N images. */
export interface Encoded {
  /** `[N, Z]`: their means, or a draw from each. */
  readonly z: HostArray<Float32Array>;
  /** `[N, Z]`: their deviations, which a plain autoencoder does not have. */
  readonly sigma?: HostArray<Float32Array>;
}

/** Which samples `Model.sample` draws. */
export interface SampleOptions {
  /** That of the training, unless given. */
  readonly seed?: number | undefined;
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

/** A trained model, ready to use. `close` it after use. Its arrays are row-major. */
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

  /** Height, width and channels of an image. */
  get size(): ImageShape {
    return this.#fitted.size;
  }

  /** What the commands draw of it. */
  get pictures(): ModelPictures {
    return new ModelPictures(this.#fitted, this.folder.config);
  }

  /**
   * Where images lie in the latent space. No noise is added: a denoiser takes noisy images, in floats that may lie beyond 0 and 1.
   *
   * @param images a part of a data set; or `[N, height, width]`, of colour `[N, height, width, 3]`, or with all that an image has in a row:
   * bytes from 0 black to 255 white, or floats from 0 to 1. If the model was trained on black and white pixels, grey ones are made so as
   * in training: by the threshold, or by draws; not a denoiser's floats
   * @throws UserError if the images are of another shape, or a float is not from 0 to 1
   */
  async encode(images: ImageSet | HostArray, options: EncodeOptions = {}): Promise<Encoded> {
    const parts: Encoded[] = [];
    for await (const part of this.encodeParts(images, options)) parts.push(part);
    const sigmas = parts.flatMap(({ sigma }) => sigma ?? []);
    return { z: joinParts(parts.map(({ z }) => z)), ...(sigmas.length > 0 && { sigma: joinParts(sigmas) }) };
  }

  /** The same, some hundred images at a time: in flat memory, however many. */
  async *encodeParts(
    images: ImageSet | HostArray,
    { what = "means", seed = this.config.seed }: EncodeOptions = {},
  ): AsyncGenerator<Encoded, void> {
    checkSeed(seed);
    const isSet = "pixels" in images;
    if (isSet) checkImageSet(images, this.size);
    const { binarize, dimZ, inputDir, noise } = this.config;
    const isDenoiser = noise !== null || inputDir !== null;
    const { set, floats } = isSet ? { set: images } : asImageSet(images, this.size, isDenoiser);
    const seen = isDenoiser || binarize === "none" ? floats : undefined;
    for await (const { z, sigma } of inferPosteriors(this.#fitted, set, this.#drawing(seed, null), what, seen)) {
      const shape = [z.length / dimZ, dimZ];
      yield { z: { data: z, shape }, ...(sigma && { sigma: { data: sigma, shape } }) };
    }
  }

  /**
   * The images of places in the latent space: the means of p(x|z).
   *
   * @param z `[N, Z]`
   * @returns `[N, height, width]`, of colour `[N, height, width, 3]`, 0 black to 1 white
   * @throws UserError if z is of another shape, or not finite
   */
  async decode(z: HostArray<Float32Array>): Promise<HostArray<Float32Array>> {
    checkLatents(z, this.config.dimZ);
    return this.#asImages(await decodeLatents(this.#fitted, z.data));
  }

  /** The same, some hundred images at a time: in flat memory, however many. */
  async *decodeParts(z: HostArray<Float32Array>): AsyncGenerator<HostArray<Float32Array>, void> {
    checkLatents(z, this.config.dimZ);
    for (const part of inParts(z, this.#atOnce)) yield this.decode(part);
  }

  /**
   * What is left of images on the way through z: the decoder's images of their posteriors' means.
   *
   * @param images as `encode` takes them
   * @returns `[N, height, width]`, of colour `[N, height, width, 3]`, 0 black to 1 white
   * @throws UserError as `encode` does
   */
  async reconstruct(images: ImageSet | HostArray): Promise<HostArray<Float32Array>> {
    return this.decode((await this.encode(images)).z);
  }

  /**
   * New images: decoded draws from the prior N(0, 1). Those of a seed are always the same, and `sample(10)` begins `sample(100)`.
   *
   * @returns `[count, height, width]`, of colour `[count, height, width, 3]`, 0 black to 1 white
   */
  async sample(count: number, { seed = this.config.seed }: SampleOptions = {}): Promise<HostArray<Float32Array>> {
    checkCount(count);
    return this.#sample(0, count, seed);
  }

  /** The same, some hundred images at a time: in flat memory, however many. */
  async *sampleParts(
    count: number,
    { seed = this.config.seed }: SampleOptions = {},
  ): AsyncGenerator<HostArray<Float32Array>, void> {
    checkCount(count);
    for (let first = 0; first < count; first += this.#atOnce) {
      yield this.#sample(first, Math.min(this.#atOnce, count - first), seed);
    }
  }

  /**
   * The data set of its training, as it is now.
   *
   * @param other data than those, brought to their size if they are image files
   * @throws UserError if they cannot be read, or their images are of another size
   */
  async loadData(other?: string): Promise<Dataset> {
    return loadTrainingData(this.folder.config, other);
  }

  /**
   * Measures the model on images of its data set, with the noise, the binarization and the seed of its training.
   *
   * @throws UserError if there are fewer images than requested
   */
  async evaluate({ split, importanceSamples, count, dataset, onProgress }: EvaluateOptions): Promise<Evaluation> {
    const started = performance.now();
    const { binarize, noise, likelihood: pixelLikelihood, seed, dimZ } = this.config;
    const data = await this.loadData(dataset);
    const set = data[split];
    const images = { ...set, count: checkCount(count ?? set.count, set.count) };
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

  /** Images that go through the model at once. */
  get #atOnce(): number {
    return rowsAtOnce(MOST_IN_BATCH, this.size);
  }

  async #sample(first: number, count: number, seed: number): Promise<HostArray<Float32Array>> {
    checkSeed(seed);
    return this.#asImages(await sampleImages(this.#fitted, first, count, { dimZ: this.config.dimZ, seed }));
  }

  #asImages(data: Float32Array): HostArray<Float32Array> {
    return { data, shape: [data.length / pixelsOf(this.size), ...imageShape(this.size)] };
  }
}

function whyNoLikelihood({ model, likelihood, binarize }: Config): string | undefined {
  if (model === "ae") return "A plain autoencoder defines no distribution of images, so there is no likelihood.";
  if (likelihood === "gaussian") {
    return "With a Gaussian decoder there is no likelihood of images, only a density, which depends on pixelSigma.";
  }
  if (binarize === "none") {
    return (
      "The pixels are not black and white, so a Bernoulli decoder gives them no likelihood, only this bound. " +
      "For a likelihood, train with binarize dynamic."
    );
  }
  return undefined;
}
