// A trained model: loads a run's best weights, reconstructs and samples.
import type { Config } from "../config.js";
import { SETTINGS } from "../config.js";
import type { Dataset } from "../data/dataset.js";
import { loadDataset } from "../data/dataset.js";
import type { Engine } from "../engine/engine.js";
import { openEngine } from "../engine/index.js";
import { UserError } from "../errors.js";
import { MOST_IN_BATCH } from "../evaluation.js";
import { reconstructImages, sampleImages } from "../inference.js";
import type { Elbo } from "../model/elbo.js";
import type { HostParams } from "../model/parameters.js";
import type { Images } from "../pictures/figures.js";
import { comparisonFigure, singlePictures, squareFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import { RunFolder } from "../run/folder.js";

/**
 * Loads the best weights of a run.
 *
 * @param run its folder; without it, the newest in `runs/` that has a model
 * @throws UserError if there is none, or it is broken
 */
export async function loadModel(run?: string): Promise<Model> {
  const folder = await RunFolder.open(run);
  const params = await folder.readModel();
  const { engine, shortfall } = await openEngine("auto", SETTINGS.threads.default);
  return new Model(folder, params, engine, shortfall);
}

/** A trained model, ready to use. `close` it after use. */
export class Model {
  readonly #params: HostParams;
  readonly #engine: Engine;

  constructor(
    readonly folder: RunFolder,
    params: HostParams,
    engine: Engine,
    /** Why the engine is not the fastest one, if it was taken for want of better. */
    readonly shortfall?: string,
  ) {
    this.#params = params;
    this.#engine = engine;
  }

  get config(): Config {
    return this.folder.config.settings;
  }

  /**
   * Reconstructs the first test images of the data set that the model was trained on.
   *
   * @param requested how many; 100, or all if there are fewer, where it is undefined
   * @param noise how to corrupt what the encoder sees
   * @returns a picture, the ELBO's terms, mean over the images, and their number
   * @throws UserError if there are fewer test images than requested, or the data set is not what it was
   */
  async reconstruct(
    requested: number | undefined,
    noise: Config["noise"],
    seed: number,
  ): Promise<{ picture: Picture; elbo: Elbo; count: number }> {
    const { dataset, dimZ } = this.config;
    const { height, width } = this.folder.config.data;
    const data = await loadTrainingData(dataset);
    if (data.height !== height || data.width !== width) {
      throw new UserError(
        `The images of ${dataset} are ${data.height}×${data.width} pixels now, but the model was trained on ${height}×${width}.`,
      );
    }
    const count = requested ?? Math.min(100, data.test.count);
    checkCount(count);
    if (count > data.test.count) {
      throw new UserError(`There are ${data.test.count} test images, fewer than the ${count} that were asked for.`);
    }
    const result = await reconstructImages(this.#engine, this.#params, data.test, count, { dimZ, noise, seed });
    const { originals, corrupted, outputs } = result;
    const versions = [
      { label: "input", images: this.#images(originals) },
      ...(corrupted ? [{ label: "noisy", images: this.#images(corrupted) }] : []),
      { label: "output", images: this.#images(outputs) },
    ];
    return { picture: comparisonFigure(versions), elbo: result.elbo, count };
  }

  /** A near-square grid of the first `count` samples of a seed. */
  async sample(count: number, seed: number): Promise<Picture> {
    checkCount(count);
    return squareFigure(await this.#sampleImages(0, count, seed));
  }

  /** The same samples as pictures of their own, some hundreds at a time: in flat memory, however many. */
  async *samples(count: number, seed: number): AsyncGenerator<Picture[], void> {
    checkCount(count);
    for (let first = 0; first < count; first += MOST_IN_BATCH) {
      yield singlePictures(await this.#sampleImages(first, Math.min(MOST_IN_BATCH, count - first), seed));
    }
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }

  async #sampleImages(first: number, count: number, seed: number): Promise<Images> {
    const { dimZ } = this.config;
    return this.#images(await sampleImages(this.#engine, this.#params, first, count, { dimZ, seed }));
  }

  #images(pixels: Float32Array): Images {
    const { height, width } = this.folder.config.data;
    return { pixels, height, width };
  }
}

async function loadTrainingData(source: string): Promise<Dataset> {
  try {
    return await loadDataset(source);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`This run was trained on ${source}, which cannot be read now. ${error.message}`);
  }
}

function checkCount(count: number): void {
  if (!Number.isSafeInteger(count) || count < 1)
    throw new UserError(`The count must be a whole number above 0, not ${count}.`);
}
