// A model with its weights, on the engine that runs it. Encodes, decodes and samples row-major arrays.
import type { Config } from "../config/config.js";
import type { ImageSet } from "../data/dataset.js";
import { checkCount, type ImageShape, imageShape, pixelsOf } from "../data/pixels.js";
import type { Engine } from "../engine/engine.js";
import type { HostParams } from "../model/initialize.js";
import type { Model } from "../model/model.js";
import type { HostArray } from "../tree.js";
import { asImageSet, checkImageSet, checkLatents, checkSeed, joinParts } from "./arrays.js";
import { type DrawConfig, rowsAtOnce } from "./batches.js";
import { decodeLatents, inferPosteriors, sampleImages } from "./coding.js";

export interface SampleOptions {
  /** By default the training's. */
  readonly seed?: number | undefined;
}

/** The seed fixes draws of z and dynamic binarization. */
export interface EncodeOptions extends SampleOptions {
  /** The means of the posteriors, the default, or a draw from each. */
  readonly what?: "means" | "draws";
}

/** The posteriors of N images. */
export interface Encoded {
  /** `[N, Z]`: their means, or a draw from each. */
  readonly z: HostArray<Float32Array>;
  /** `[N, Z]`: their standard deviations, except of a plain autoencoder. */
  readonly sigma?: HostArray<Float32Array>;
}

export type TrainedModelInit = Pick<TrainedModel, "engine" | "model" | "params" | "size" | "config">;

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
   * Encodes images, without noise. Binarizes them as in training, except floats for a denoiser, which may be noisy,
   * beyond 0 and 1.
   *
   * @param images a part of a data set; or `[N, height, width]`, in colour `[N, height, width, 3]` or `[N, 3, height,
   * width]`, or rows of grey pixels: bytes from 0 black to 255 white, or floats from 0 to 1
   * @throws UserError if the images have another shape or scale
   */
  async encode(images: ImageSet | HostArray, options: EncodeOptions = {}): Promise<Encoded> {
    const parts: Encoded[] = [];
    for await (const part of this.encodeParts(images, options)) parts.push(part);
    const sigmas = parts.flatMap(({ sigma }) => sigma ?? []);
    return { z: joinParts(parts.map(({ z }) => z)), ...(sigmas.length > 0 && { sigma: joinParts(sigmas) }) };
  }

  /** As `encode`, but some hundred images at a time, in flat memory. */
  async *encodeParts(
    images: ImageSet | HostArray,
    { what = "means", seed = this.config.seed }: EncodeOptions = {},
  ): AsyncGenerator<Encoded, void> {
    checkSeed(seed);
    const drawing = this.drawing(seed, null);
    if ("pixels" in images) {
      checkImageSet(images, this.size);
      return yield* inferPosteriors(this, images, drawing, what);
    }
    const { binarize, inputDir, noise } = this.config;
    const isDenoiser = noise !== null || inputDir !== null;
    const set = asImageSet(images, this.size, isDenoiser);
    const isExact = isDenoiser || binarize === "none";
    yield* inferPosteriors(this, set, drawing, what, isExact ? set.floats : undefined);
  }

  /**
   * Decodes z `[N, Z]` to the means of p(x|z): `[N, height, width]`, in colour `[N, height, width, 3]`, 0 black to 1
   * white.
   *
   * @throws UserError if z has another shape, or is not finite
   */
  async decode(z: HostArray<Float32Array>): Promise<HostArray<Float32Array>> {
    checkLatents(z, this.model.parts.dimZ);
    return this.#asImages(await decodeLatents(this, z.data));
  }

  /** As `decode`, but some hundred images at a time, in flat memory. */
  async *decodeParts(z: HostArray<Float32Array>): AsyncGenerator<HostArray<Float32Array>, void> {
    checkLatents(z, this.model.parts.dimZ);
    const length = rowsAtOnce(this.size) * this.model.parts.dimZ;
    for (let at = 0; at < z.data.length; at += length) {
      yield this.#asImages(await decodeLatents(this, z.data.subarray(at, at + length)));
    }
  }

  /** Encodes images to the means of their posteriors, and decodes these. */
  async reconstruct(images: ImageSet | HostArray): Promise<HostArray<Float32Array>> {
    return this.decode((await this.encode(images)).z);
  }

  /**
   * Decodes draws from the prior to images, as `decode` does. A seed's are always the same: `sample(10)` begins
   * `sample(100)`.
   */
  async sample(count: number, { seed = this.config.seed }: SampleOptions = {}): Promise<HostArray<Float32Array>> {
    checkCount(count);
    return this.#sample(0, count, seed);
  }

  /** As `sample`, but some hundred images at a time, in flat memory. */
  async *sampleParts(
    count: number,
    { seed = this.config.seed }: SampleOptions = {},
  ): AsyncGenerator<HostArray<Float32Array>, void> {
    checkCount(count);
    const atOnce = rowsAtOnce(this.size);
    for (let first = 0; first < count; first += atOnce) {
      yield this.#sample(first, Math.min(atOnce, count - first), seed);
    }
  }

  /** Frees the engine. */
  close(): Promise<void> {
    return this.engine.close();
  }

  /** The training's binarization, with this seed and noise. */
  drawing(seed: number, noise: Config["noise"]): DrawConfig {
    return { binarize: this.config.binarize, seed, noise };
  }

  async #sample(first: number, count: number, seed: number): Promise<HostArray<Float32Array>> {
    checkSeed(seed);
    return this.#asImages(await sampleImages(this, first, count, seed));
  }

  #asImages(data: Float32Array): HostArray<Float32Array> {
    return { data, shape: [data.length / pixelsOf(this.size), ...imageShape(this.size)] };
  }
}
