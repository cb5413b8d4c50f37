// A model with weights and an engine: encodes, decodes and samples arrays.
import { checkOptions, func } from "../arguments.js";
import type { Config } from "../config/config.js";
import { type ModelClass, placesOf } from "../data/classes.js";
import { checkImageSet, type ImageSet } from "../data/dataset.js";
import { checkCount, type ImageShape, imageShape, pixelsOf, range } from "../data/pixels.js";
import type { Engine } from "../engine/engine.js";
import { UserError } from "../errors.js";
import type { HostParams } from "../model/initialize.js";
import type { Model } from "../model/model.js";
import type { HostArray } from "../tree.js";
import { checkValue, isRecord } from "../values/checker.js";
import {
  type ArrayImages,
  asImageSet,
  asLatents,
  checkFinite,
  checkResult,
  type GivenArray,
  joinEncoded,
} from "./arrays.js";
import { rowsAtOnce } from "./batches.js";
import { decodeLatents, type Encoded, inferPosteriors } from "./coding.js";
import {
  chooseLabels,
  LABEL_OPTIONS,
  type LabelOptions,
  labelImages,
  placeOfClass,
  rowsOfClass,
  rowsOfPlaces,
} from "./labels.js";
import {
  checkEncodeOptions,
  checkReconstructOptions,
  type EncodeOptions,
  type ReconstructOptions,
  type SampleOptions,
} from "./options.js";
import { Sampler } from "./sampler.js";

/** Numbers in memory for each dimension of z: mean and standard deviation, in parts and joined. */
const ENCODED = 4;

/** A model with weights, its engine and settings. */
export interface TrainedModelInit
  extends Pick<TrainedModel, "engine" | "model" | "params" | "size" | "config" | "classes"> {
  /** Loads the images that the model was trained on. Undefined if unknown. */
  readonly trainingImages?: () => Promise<ImageSet>;
}

/** A model with weights and an engine. */
export class TrainedModel {
  readonly engine: Engine;
  readonly model: Model;
  readonly params: HostParams;
  /** Height, width and channels of an image. */
  readonly size: ImageShape;
  readonly config: Config;
  /** The classes of a conditional model, in the order of its labels. */
  readonly classes?: readonly ModelClass[] | undefined;
  readonly #sampler: Sampler;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor({ engine, model, params, size, config, classes, trainingImages }: TrainedModelInit) {
    this.engine = engine;
    this.model = model;
    this.params = params;
    this.size = size;
    this.config = config;
    this.classes = classes;
    this.#sampler = new Sampler(this, trainingImages);
  }

  /**
   * Encodes images, without adding noise. Binarizes them as in training, except floats for a denoiser, which may be
   * noisy and lie beyond 0 and 1.
   *
   * @param images a split of a data set, or an array, nested or not: `[N, height, width]`, in colour
   * `[N, height, width, 3]` or `[N, 3, height, width]`, or rows of grey pixels; bytes from 0 black to 255 white, or
   * floats from 0 to 1
   * @throws UserError if the images have another shape or scale, or more than 200 million numbers would be in memory
   */
  encode(images: ImageSet | GivenArray, options: EncodeOptions = {}): Promise<Encoded> {
    return this.use(async () => {
      const set = this.#asImageSet(images);
      checkResult(set.count, ENCODED * this.model.parts.dimZ, "encodeParts");
      return joinEncoded(this.#encode(set, options));
    });
  }

  /**
   * As `encode`, but yields a few hundred images at a time, in flat memory and without limit.
   *
   * @throws UserError as `encode`, at the first step
   */
  encodeParts(images: ImageSet | GivenArray, options: EncodeOptions = {}): AsyncGenerator<Encoded, void> {
    return this.#inSteps(this.#encodeParts(images, options));
  }

  /**
   * Decodes z `[N, Z]` to the means of p(x|z): `[N, height, width]`, in colour `[N, height, width, 3]`, 0 black to 1
   * white.
   *
   * @throws UserError if z has another shape or is not finite, the result would have more than 200 million numbers, or
   * classes of a conditional model are missing or unknown
   */
  decode(z: GivenArray<Float32Array>, options: LabelOptions = {}): Promise<HostArray<Float32Array>> {
    return this.use(() => this.#decode(z, options));
  }

  /**
   * As `decode`, but yields a few hundred images at a time, in flat memory and without limit: each part is
   * `[n, height, width]`, in colour `[n, height, width, 3]`.
   *
   * @throws UserError as `decode`, at the first step
   */
  decodeParts(z: GivenArray<Float32Array>, options: LabelOptions = {}): AsyncGenerator<HostArray<Float32Array>, void> {
    return this.#inSteps(this.#decodeParts(z, options));
  }

  /**
   * Encodes images to posterior means and decodes them, as `encode` and `decode`. With `as`, decodes them as another
   * class.
   *
   * @throws UserError as `encode`, or if the result has more than 200 million numbers
   */
  reconstruct(images: ImageSet | GivenArray, options: ReconstructOptions = {}): Promise<HostArray<Float32Array>> {
    return this.use(async () => {
      const { as, ...own } = checkReconstructOptions(options);
      const place = as === undefined ? undefined : placeOfClass(this.classes, as);
      const set = labelImages(this.#asImageSet(images), this.classes, own);
      const numbers = Math.max(ENCODED * this.model.parts.dimZ, pixelsOf(this.size));
      checkResult(set.count, numbers, "encodeParts and decodeParts");
      const { z } = await joinEncoded(this.#encode(set));
      const { classes } = this;
      if (!classes) return this.#asImages(await decodeLatents(this, z.data));
      const labels =
        place === undefined
          ? rowsOfPlaces(placesOf(set, range(0, set.count), classes), classes)
          : rowsOfClass(place, classes);
      return this.#asImages(await decodeLatents(this, z.data, labels));
    });
  }

  /**
   * Draws z from the prior and decodes it, as `decode`. Depends only on the seed: `sample(100)` starts with the images
   * of `sample(10)`. `from: "mixture"` draws z from a Gaussian mixture, fitted once, with the training's seed, to
   * latents of up to 20,000 training images. Without `class`, a conditional model draws classes by their shares of the
   * training images.
   *
   * @param count at least 1; the result has at most 200 million numbers
   * @throws UserError if count or an option is invalid, or the training images cannot be read
   */
  sample(count: number, options: SampleOptions = {}): Promise<HostArray<Float32Array>> {
    return this.use(async () => {
      const sample = this.#sampler.prepare(options);
      this.#checkResult(checkCount(count), "sampleParts");
      return this.#asImages(await sample(0, count));
    });
  }

  /**
   * As `sample`, but yields a few hundred images at a time, in flat memory: each part is `[n, height, width]`, in
   * colour `[n, height, width, 3]`.
   *
   * @param count at least 1, without limit
   * @throws UserError as `sample`, at the first step
   */
  sampleParts(count: number, options: SampleOptions = {}): AsyncGenerator<HostArray<Float32Array>, void> {
    return this.#inSteps(this.#sampleParts(count, options));
  }

  /** Waits for calls in flight, and frees the engine. Later calls throw a UserError. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#running).then(() => this.engine.close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs an operation that `close` waits for. @throws UserError if the model is closed */
  async use<Result>(operation: () => Promise<Result>): Promise<Result> {
    checkValue("The operation", func(), operation);
    if (this.#closing) throw new UserError("The model is closed.");
    const running = operation();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Yields the parts of a generator. `close` waits for a running step, but not for later ones. */
  async *#inSteps<Part>(parts: AsyncGenerator<Part, void>): AsyncGenerator<Part, void> {
    for (;;) {
      const step = await this.use(() => parts.next());
      if (step.done) return;
      yield step.value;
    }
  }

  async *#encodeParts(images: ImageSet | GivenArray, options: EncodeOptions): AsyncGenerator<Encoded, void> {
    yield* this.#encode(this.#asImageSet(images), options);
  }

  async *#encode(set: ArrayImages, options: EncodeOptions = {}): AsyncGenerator<Encoded, void> {
    const { what, seed, ...chosen } = checkEncodeOptions(options, this.config);
    const labelled = labelImages(set, this.classes, chosen);
    const { binarize } = this.config;
    const isExact = this.#isDenoiser || binarize === "none";
    const drawing = { binarize, seed, noise: null };
    for await (const part of inferPosteriors(this, labelled, drawing, what, isExact ? set.floats : undefined)) {
      for (const array of Object.values(part)) checkFinite(array, "images");
      yield part;
    }
  }

  async #decode(given: GivenArray, options: LabelOptions): Promise<HostArray<Float32Array>> {
    const { z, labels } = this.#checkLatents(given, options);
    this.#checkResult(z.shape[0], "decodeParts");
    return this.#asImages(await decodeLatents(this, z.data, labels));
  }

  async *#decodeParts(given: GivenArray, options: LabelOptions): AsyncGenerator<HostArray<Float32Array>, void> {
    const { z, labels } = this.#checkLatents(given, options);
    const { dimZ } = this.model.parts;
    const atOnce = rowsAtOnce(this.size);
    for (let done = 0; done < z.shape[0]; done += atOnce) {
      const part = z.data.subarray(done * dimZ, (done + atOnce) * dimZ);
      const ofPart = labels && ((first: number, count: number) => labels(done + first, count));
      yield this.#asImages(await decodeLatents(this, part, ofPart));
    }
  }

  #checkLatents(given: GivenArray, options: LabelOptions) {
    const chosen = checkOptions(LABEL_OPTIONS, options);
    const z = asLatents(given, this.model.parts.dimZ);
    return { z, labels: chooseLabels(this.classes, chosen, z.shape[0], "z") };
  }

  async *#sampleParts(count: number, options: SampleOptions): AsyncGenerator<HostArray<Float32Array>, void> {
    const sample = this.#sampler.prepare(options);
    checkCount(count);
    const atOnce = rowsAtOnce(this.size);
    for (let first = 0; first < count; first += atOnce) {
      yield this.#asImages(await sample(first, Math.min(atOnce, count - first)));
    }
  }

  #asImageSet(images: ImageSet | GivenArray): ArrayImages {
    if (isRecord(images) && "pixels" in images) return checkImageSet(images, this.size);
    return asImageSet(images, this.size, this.#isDenoiser);
  }

  get #isDenoiser(): boolean {
    return this.config.noise !== null || this.config.inputDir !== null;
  }

  /** @throws UserError if the result for this number of images would be too large */
  #checkResult(count: number, parts: string): void {
    checkResult(count, pixelsOf(this.size), parts);
  }

  #asImages(data: Float32Array): HostArray<Float32Array> {
    const images = { data, shape: [data.length / pixelsOf(this.size), ...imageShape(this.size)] };
    checkFinite(images, "latents");
    return images;
  }
}
