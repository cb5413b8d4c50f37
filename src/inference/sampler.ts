// Samples of a model, decoded from draws from its prior, or from a mixture that is fitted at the first draw.
import { SAMPLING } from "../config/sampling.js";
import type { ImageSet } from "../data/dataset.js";
import { UserError } from "../errors.js";
import { decodeLatents, sampleImages } from "./coding.js";
import type { GaussianMixture } from "./gaussian-mixture.js";
import { labelsOfSamples } from "./labels.js";
import { drawFromMixture, fitLatentMixture } from "./latent-mixture.js";
import { checkSampleOptions, type SampleOptions } from "./options.js";
import type { TrainedModel } from "./trained-model.js";

export class Sampler {
  readonly #trained: TrainedModel;
  readonly #trainingImages: (() => Promise<ImageSet>) | undefined;
  /** Cache of the last fit. */
  #mixture: { readonly components: number; readonly fitting: Promise<GaussianMixture> } | undefined;

  /** @param trainingImages loads the images that the model was trained on. Undefined if unknown */
  constructor(trained: TrainedModel, trainingImages?: () => Promise<ImageSet>) {
    this.#trained = trained;
    this.#trainingImages = trainingImages;
  }

  /**
   * Returns a function that computes samples first to first + count − 1: count × pixels.
   *
   * @throws UserError if an option is invalid
   */
  prepare(options: SampleOptions): (first: number, count: number) => Promise<Float32Array> {
    const trained = this.#trained;
    const { from, components, seed, class: name, onProgress } = checkSampleOptions(options, trained.config);
    const labels = labelsOfSamples(trained.classes, seed, name);
    if (from === "prior") {
      if (components !== undefined) throw new UserError("`components` needs `from: mixture`. Give both.");
      return (first, count) => sampleImages(trained, first, count, seed, labels);
    }
    let mixture: GaussianMixture | undefined;
    return async (first, count) => {
      mixture ??= await this.#fitMixture(components ?? SAMPLING.components.default, onProgress);
      const ofPart = labels && ((at: number, rows: number) => labels(first + at, rows));
      return decodeLatents(trained, drawFromMixture(mixture, first, count, seed), ofPart);
    };
  }

  /** Fits a mixture, or returns the cached one. */
  #fitMixture(components: number, onProgress: SampleOptions["onProgress"]): Promise<GaussianMixture> {
    if (this.#mixture?.components === components) return this.#mixture.fitting;
    const { binarize, noise, seed } = this.#trained.config;
    const fitting = this.#loadTrainingImages().then((images) =>
      fitLatentMixture(this.#trained, images, components, { binarize, noise, seed }, onProgress),
    );
    const mixture = { components, fitting };
    this.#mixture = mixture;
    fitting.catch(() => {
      if (this.#mixture === mixture) this.#mixture = undefined; // a later call may find the data
    });
    return fitting;
  }

  async #loadTrainingImages(): Promise<ImageSet> {
    if (this.#trainingImages) return this.#trainingImages();
    throw new UserError("The training images of this model are unknown. Load it from its run.");
  }
}
