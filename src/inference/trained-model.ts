// A model with its weights, on the engine that runs it. Encodes, decodes and samples plain arrays.
import type { Config } from "../config/config.js";
import type { ImageSet } from "../data/dataset.js";
import { checkCount, type ImageShape, imageShape, pixelsOf } from "../data/pixels.js";
import type { Engine } from "../engine/engine.js";
import type { HostParams } from "../model/initialize.js";
import type { Model } from "../model/model.js";
import type { HostArray } from "../tree.js";
import { asImageSet, checkImageSet, checkLatents, checkSeed, inParts, joinParts } from "./arrays.js";
import { type DrawConfig, MAX_BATCH, rowsAtOnce } from "./batches.js";
import { decodeLatents, inferPosteriors, sampleImages } from "./coding.js";

/** Options of `encode`. */
export interface EncodeOptions {
  /** The means of the posteriors, the default, or a draw from each. */
  readonly what?: "means" | "draws";
  /** Of the draws, and of the pixels if binarization is dynamic: that of the training, unless given. */
  readonly seed?: number | undefined;
}

/** The posteriors of N images. */
export interface Encoded {
  /** `[N, Z]`: their means, or a draw from each. */
  readonly z: HostArray<Float32Array>;
  /** `[N, Z]`: their standard deviations, which a plain autoencoder does not have. */
  readonly sigma?: HostArray<Float32Array>;
}

/** Options of `sample`. */
export interface SampleOptions {
  /** That of the training, unless given. */
  readonly seed?: number | undefined;
}

export interface TrainedModelInit {
  readonly engine: Engine;
  readonly model: Model;
  readonly params: HostParams;
  /** Of an image. */
  readonly size: ImageShape;
  readonly config: Config;
}

/** Arrays are row-major. */
export class TrainedModel {
  readonly engine: Engine;
  readonly model: Model;
  readonly params: HostParams;
  /** Height, width and channels of an image. */
  readonly size: ImageShape;
  readonly config: Config;

  constructor({ engine, model, params, size, config }: TrainedModelInit) {
    this.engine = engine;
    this.model = model;
    this.params = params;
    this.size = size;
    this.config = config;
  }

  /**
   * Encodes images. Adds no noise: a denoiser takes noisy images, as floats that may lie beyond 0 and 1.
   *
   * @param images a part of a data set; or `[N, height, width]`, in colour `[N, height, width, 3]`, or `[N, numbers of an image]`:
   * bytes from 0 black to 255 white, or floats from 0 to 1. If the model was trained on black and white pixels, grey ones are binarized as
   * in training: by the threshold, or by draws; not a denoiser's floats
   * @throws UserError if the images have another shape, or a float is not from 0 to 1
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
    const { binarize, inputDir, noise } = this.config;
    const isDenoiser = noise !== null || inputDir !== null;
    const { set, floats } = isSet ? { set: images } : asImageSet(images, this.size, isDenoiser);
    const seen = isDenoiser || binarize === "none" ? floats : undefined;
    const { dimZ } = this.model.parts;
    for await (const { z, sigma } of inferPosteriors(this, set, this.drawing(seed, null), what, seen)) {
      const shape = [z.length / dimZ, dimZ];
      yield { z: { data: z, shape }, ...(sigma && { sigma: { data: sigma, shape } }) };
    }
  }

  /**
   * Decodes values of z to images: the means of p(x|z).
   *
   * @param z `[N, Z]`
   * @returns `[N, height, width]`, in colour `[N, height, width, 3]`, 0 black to 1 white
   * @throws UserError if z has another shape, or is not finite
   */
  async decode(z: HostArray<Float32Array>): Promise<HostArray<Float32Array>> {
    checkLatents(z, this.model.parts.dimZ);
    return this.#asImages(await decodeLatents(this, z.data));
  }

  /** The same, some hundred images at a time: in flat memory, however many. */
  async *decodeParts(z: HostArray<Float32Array>): AsyncGenerator<HostArray<Float32Array>, void> {
    checkLatents(z, this.model.parts.dimZ);
    for (const part of inParts(z, this.#atOnce)) yield this.decode(part);
  }

  /**
   * Reconstructs images: decodes the means of their posteriors.
   *
   * @param images as `encode` takes them
   * @returns `[N, height, width]`, in colour `[N, height, width, 3]`, 0 black to 1 white
   * @throws UserError as `encode` does
   */
  async reconstruct(images: ImageSet | HostArray): Promise<HostArray<Float32Array>> {
    return this.decode((await this.encode(images)).z);
  }

  /**
   * Samples new images: decoded draws from the prior. Those of a seed are always the same, and `sample(10)` begins `sample(100)`.
   *
   * @returns `[count, height, width]`, in colour `[count, height, width, 3]`, 0 black to 1 white
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

  /** Frees the engine. */
  async close(): Promise<void> {
    await this.engine.close();
  }

  /** The training's binarization of pixels, with this seed and noise. */
  drawing(seed: number, noise: Config["noise"]): DrawConfig {
    return { binarize: this.config.binarize, seed, noise };
  }

  /** Images that go through the model at once. */
  get #atOnce(): number {
    return rowsAtOnce(MAX_BATCH, this.size);
  }

  async #sample(first: number, count: number, seed: number): Promise<HostArray<Float32Array>> {
    checkSeed(seed);
    return this.#asImages(await sampleImages(this, first, count, seed));
  }

  #asImages(data: Float32Array): HostArray<Float32Array> {
    return { data, shape: [data.length / pixelsOf(this.size), ...imageShape(this.size)] };
  }
}
