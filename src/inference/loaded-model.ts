// The trained model of a run: loading, evaluation, pictures and export.
import { createHash } from "node:crypto";
import { checkOptions, func, maybe } from "../arguments.js";
import type { Config } from "../config/config.js";
import { EVALUATION } from "../config/evaluation.js";
import { SETTINGS } from "../config/settings.js";
import { type Dataset, digestOf } from "../data/dataset.js";
import { COUNT, checkCount, pixelsOf, shapeOf } from "../data/pixels.js";
import type { SPLITS } from "../data/settings.js";
import { PROCESSES, type Processes } from "../distributed/processes.js";
import type { Device } from "../engine/engine.js";
import { openEngine } from "../engine/index.js";
import type { Bounds } from "../model/bounds.js";
import { type BuildParts, buildModel } from "../model/build.js";
import type { HostParams } from "../model/initialize.js";
import type { Model } from "../model/model.js";
import { checkOwnParts } from "../run/config.js";
import { loadTrainingData } from "../run/data.js";
import { RunFolder } from "../run/folder.js";
import { checkValue } from "../values/checker.js";
import { TEXT } from "../values/domains.js";
import { estimateLogLikelihoods, evaluate, meanAndError } from "./evaluation.js";
import { type OnnxModels, toOnnx } from "./export.js";
import { bitsPerDim } from "./information.js";
import { type LatentMeasures, measureLatents } from "./measures.js";
import { ModelPictures } from "./pictures.js";
import { TrainedModel, type TrainedModelInit } from "./trained-model.js";

/**
 * Loads the best weights of a run, by default the newest in `runs/` with a model.
 *
 * @param parts your own parts, if the run was trained with them
 * @param threads of the engine
 * @param device where it computes
 * @throws UserError if there is no model or no GPU, the model is damaged, or its own parts are not given
 */
export async function loadModel(
  run?: string,
  parts?: BuildParts,
  threads = SETTINGS.threads.default,
  device: Device = SETTINGS.device.default,
): Promise<LoadedModel> {
  checkValue("The run", maybe(TEXT), run);
  checkValue("The argument parts", maybe(func()), parts);
  checkValue("The number of threads", SETTINGS.threads, threads);
  checkValue("The device", SETTINGS.device, device);
  const folder = await RunFolder.open(run);
  const { settings, data } = folder.config;
  checkOwnParts(folder, parts, "loadModel");
  const size = shapeOf(data);
  const { classes } = data;
  const model = buildModel(settings, { ...size, ...(classes && { classes: classes.length }) }, parts);
  const { params, metadata } = await folder.readModel(model.parts.specs);
  const { engine, fallbackReason } = await openEngine("auto", threads, device);
  return new LoadedModel({ engine, model, params, size, config: settings, classes }, folder, metadata, fallbackReason);
}

/** Options of `evaluate`. */
export interface EvaluateOptions {
  /** By default "test". */
  readonly split?: (typeof SPLITS)[number] | undefined;
  /** Draws of z to estimate an image's likelihood: 1 to a million, by default 5,000. */
  readonly importanceSamples?: number | undefined;
  /** Uses the first `count` images, by default all. */
  readonly count?: number | undefined;
  /** Other data, given like the setting `dataset`, with images of the same size. Image files are resized. */
  readonly dataset?: string | undefined;
  readonly onProgress?: ((done: number, count: number) => void) | undefined;
  /** Processes that share the images, from `joinProcesses`. All must make this call, and get the same numbers. */
  readonly processes?: Processes | undefined;
}

const EVALUATE_OPTIONS = {
  split: maybe(EVALUATION.split, EVALUATION.split.default),
  importanceSamples: maybe(EVALUATION.importanceSamples, EVALUATION.importanceSamples.default),
  count: maybe(COUNT),
  dataset: maybe(TEXT),
  onProgress: maybe(func<(done: number, count: number) => void>()),
  processes: maybe(PROCESSES),
};

/** The result of `evaluate`: bounds in nats per image, measures of latents, and the data they refer to. */
export interface Evaluation extends Bounds, LatentMeasures {
  readonly dataset: string;
  /** Whether the model was trained and chosen on exactly these data. */
  readonly isOwnData: boolean;
  readonly split: (typeof SPLITS)[number];
  /** Evaluated images: the first `images` of the split's `of`. */
  readonly images: number;
  readonly of: number;
  readonly binarize: Config["binarize"];
  readonly noise: Config["noise"];
  /** The name of p(x|z). */
  readonly pixelLikelihood: string;
  readonly dimZ: number;
  /** Undefined if p(x) is not defined: see `noLikelihood`. */
  readonly likelihood?: {
    /** −log p(x), nats per image, by importance sampling. */
    readonly nll: number;
    /** Over the images. Absent for a single image. */
    readonly standardError?: number;
    readonly importanceSamples: number;
  };
  readonly noLikelihood?: string;
  /** −ELBO and −log p(x) in bits per dimension, if p(x|z) is a probability of bytes. */
  readonly bitsPerDim?: { readonly elbo: number; readonly nll?: number };
  /** Sentences on how other data were read. */
  readonly notes: readonly string[];
  readonly seconds: number;
}

/** A trained model in its run's folder. `close` it after use. */
export class LoadedModel extends TrainedModel {
  constructor(
    init: TrainedModelInit,
    readonly folder: RunFolder,
    /** Of model.safetensors. */
    readonly metadata: Readonly<Record<string, string>>,
    /** Why `engine: auto` did not choose a faster engine. */
    readonly fallbackReason?: string,
  ) {
    super({ ...init, trainingImages: async () => (await loadTrainingData(folder.config)).train });
  }

  /**
   * Loads the run's present weights, for a run that is being trained. Shares the engine and its programs with this
   * model, which must not be closed.
   *
   * @returns undefined if the folder now holds another run
   * @throws UserError if there are no weights, or its files cannot be read
   */
  async reload(): Promise<LoadedModel | undefined> {
    const folder = await RunFolder.open(this.folder.dir);
    const { id } = folder.config;
    if (id === undefined || id !== this.folder.config.id) return undefined;
    const { params, metadata } = await folder.readModel(this.model.parts.specs);
    const { engine, model, size, classes } = this;
    const init = { engine, model, params, size, config: folder.config.settings, classes };
    return new LoadedModel(init, folder, metadata, this.fallbackReason);
  }

  /** Draws the pictures of the commands. */
  get pictures(): ModelPictures {
    return new ModelPictures(this, this.folder.config);
  }

  /**
   * Loads the training's data set, or another one.
   *
   * @throws UserError if it cannot be read, or its images have another size
   */
  loadData(other?: string): Promise<Dataset> {
    return this.use(() => this.#loadData(other));
  }

  async #loadData(other?: string): Promise<Dataset> {
    return loadTrainingData(this.folder.config, checkValue("The data set", maybe(TEXT), other));
  }

  /**
   * Evaluates the model, with the noise, binarization and seed of its training.
   *
   * @throws UserError if an option is invalid, the data cannot be read, or there are fewer images than `count`
   */
  evaluate(options: EvaluateOptions = {}): Promise<Evaluation> {
    return this.use(() => this.#evaluate(options));
  }

  async #evaluate(options: EvaluateOptions): Promise<Evaluation> {
    const started = performance.now();
    const { split, importanceSamples, count, dataset, onProgress, processes } = checkOptions(EVALUATE_OPTIONS, options);
    const { binarize, noise, seed } = this.config;
    const load = async () => {
      const data = await this.#loadData(dataset);
      const set = data[split];
      return { data, set, images: { ...set, count: checkCount(count ?? set.count, set.count) } };
    };
    const { data, set, images } = await (processes ? processes.byHost(load) : load());
    const draws = { binarize, seed, noise };
    const dataDigest = digestOf(data, this.classes !== undefined);
    processes?.checkSame({
      "the engine": this.engine.name,
      "the model": digestOfParams(this.params),
      "the data": dataDigest,
      "the images": JSON.stringify([split, images.count]),
      importanceSamples: String(importanceSamples),
    });
    const bounds = await evaluate(this, images, draws, processes);
    const { dimZ, likelihood: pixels } = this.model.parts;
    const latents = await measureLatents(this, images, split === "train" ? undefined : data.train, draws, processes);
    const noLikelihood = noLikelihoodReason(this.model, binarize);
    let likelihood: Evaluation["likelihood"];
    if (!noLikelihood) {
      const progress = (done: number) => onProgress?.(done, images.count);
      const logLikelihoods = await estimateLogLikelihoods(this, images, importanceSamples, draws, progress, processes);
      const { mean, ...error } = meanAndError(logLikelihoods);
      likelihood = { nll: -mean, ...error, importanceSamples };
    }
    return {
      dataset: dataset ?? this.config.dataset,
      isOwnData: dataDigest === this.folder.config.data.sha256,
      split,
      images: images.count,
      of: set.count,
      binarize,
      noise,
      pixelLikelihood: pixels.name,
      ...bounds,
      dimZ,
      ...latents,
      ...(likelihood && { likelihood }),
      ...(noLikelihood && { noLikelihood }),
      ...(this.model.isDrawn && pixels.support === "bytes" && { bitsPerDim: this.#toBits(bounds, likelihood) }),
      notes: dataset === undefined ? [] : data.notes,
      seconds: (performance.now() - started) / 1000,
    };
  }

  #toBits({ elbo }: Bounds, likelihood: Evaluation["likelihood"]): Evaluation["bitsPerDim"] & object {
    const pixels = pixelsOf(this.size);
    return { elbo: bitsPerDim(-elbo, pixels), ...(likelihood && { nll: bitsPerDim(likelihood.nll, pixels) }) };
  }

  /** Exports encoder and decoder as ONNX files, described in docs/python.md. */
  toOnnx(): Promise<OnnxModels> {
    return this.use(() => toOnnx(this, this.folder.config, this.metadata));
  }
}

function digestOfParams(params: HostParams): string {
  const hash = createHash("sha256");
  for (const [name, { data }] of Object.entries(params)) hash.update(name).update(data);
  return hash.digest("hex");
}

function noLikelihoodReason({ isDrawn, parts }: Model, binarize: Config["binarize"]): string | undefined {
  if (!isDrawn) return "A plain autoencoder defines no distribution of images, so there is no likelihood.";
  if (parts.likelihood.support === "real") {
    return "With a Gaussian decoder there is no likelihood of images, only a density, which depends on pixelSigma.";
  }
  if (binarize !== "none" || parts.likelihood.support === "bytes") return undefined;
  return (
    "A Bernoulli decoder defines no likelihood of grey pixels, so −log p(x) is omitted. To measure it, train with " +
    "`binarize: dynamic`."
  );
}
