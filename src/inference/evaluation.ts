// Measures a model on images that it was not trained on.
import type { ImageSet } from "../data/dataset.js";
import type { HostTree } from "../engine/engine.js";
import { type Bounds, mapTerms, mean, meanBounds, TERMS } from "../model/bounds.js";
import { createDraws, fillDraws } from "../model/draws.js";
import type { Batch } from "../model/model.js";
import { type RandomStream, randomStream } from "../random.js";
import { type HostArray, mapTree } from "../tree.js";
import { type DrawConfig, evaluationBatches, rowOf, rowsAtOnce } from "./batches.js";
import type { TrainedModel } from "./trained-model.js";

/**
 * The terms of the bound, mean over a set of images, with as many draws of z for an image as in training (Kingma & Welling
 * 2014, eq. 7; Burda et al. 2016, eq. 8). With noise, the encoder sees corrupted images; the likelihood is that of the clean
 * ones. The draws belong to the images: every call with one seed makes the same.
 *
 * @returns nats per image
 */
export async function evaluate(trained: TrainedModel, images: ImageSet, config: DrawConfig): Promise<Bounds> {
  const { engine, model, params, size } = trained;
  const terms = mapTerms(() => new Float32Array(images.count));
  for (const { first, batch, draws } of evaluationBatches(model, images, size, config, model.draws)) {
    const results = await engine.call(model.evaluate, { params, batch, draws });
    for (const term of TERMS) terms[term].set(results[term].data, first);
  }
  return meanBounds(terms);
}

/** Importance samples that are decoded at once, of images of MNIST's size. */
const SAMPLES_AT_ONCE = 1000;

/**
 * Estimates log p(x) of each image by log 1/S Σ_s p(x, z_s) / q(z_s|x) with z_s from q(z|x) (Burda et al. 2016, eq. 8; Rezende
 * et al. 2014, appendix E). It is a lower bound in expectation, and tight in the limit of S.
 *
 * @param samples S, importance samples for each image
 * @param onProgress called after each image with the number of those done
 * @returns nats, a number for each image
 */
export async function estimateLogLikelihoods(
  trained: TrainedModel,
  images: ImageSet,
  samples: number,
  config: DrawConfig,
  onProgress?: (done: number) => void,
): Promise<Float64Array> {
  const logLikelihoods = new Float64Array(images.count);
  for (const { first, batch } of evaluationBatches(trained.model, images, trained.size, config, 1)) {
    for (let i = first; i < first + batch.images.shape[0]; i++) {
      const image = mapTree(batch, (array: HostArray) => rowOf(array, i - first));
      const stream = randomStream(config.seed, "importance epsilon", images.offset + i);
      logLikelihoods[i] = await estimateLogLikelihood(trained, image, samples, stream);
      onProgress?.(i + 1);
    }
  }
  return logLikelihoods;
}

/** Some thousand draws are weighed in a call, and the means of the calls joined in float64. */
async function estimateLogLikelihood(
  { engine, model, params, size }: TrainedModel,
  image: HostTree<Batch>,
  samples: number,
  stream: RandomStream,
): Promise<number> {
  const atOnce = rowsAtOnce(SAMPLES_AT_ONCE, size);
  const means: { logMean: number; share: number }[] = [];
  for (let done = 0; done < samples; done += atOnce) {
    const count = Math.min(atOnce, samples - done);
    const draws = createDraws(model.parts.specs, ["posterior"], 1, count);
    fillDraws(draws, model.parts.specs, "posterior", stream);
    const { logMeanWeight } = await engine.call(model.logMeanImportanceWeight, { params, draws, batch: image });
    means.push({ logMean: logMeanWeight.data[0], share: count / samples });
  }
  const largest = Math.max(...means.map(({ logMean }) => logMean));
  const sum = means.reduce((total, { logMean, share }) => total + share * Math.exp(logMean - largest), 0);
  return largest + Math.log(sum);
}

/** A latent dimension is active if the posterior mean varies more than this over the images. */
const ACTIVE_VARIANCE = 0.01;

/**
 * The number of latent dimensions that a model uses: those whose posterior mean has a variance above 0.01 over the images (Burda et
 * al. 2016, section 5.2).
 *
 * @param means count × Z
 */
export function countActiveUnits(means: Float32Array, dimZ: number): number {
  const count = means.length / dimZ;
  const variances = Array.from({ length: dimZ }, (_, j) => {
    const values = Float64Array.from({ length: count }, (_, i) => means[i * dimZ + j]);
    const average = mean(values);
    return mean(values.map((value) => (value - average) ** 2));
  });
  return variances.filter((variance) => variance > ACTIVE_VARIANCE).length;
}

/** The mean of independent numbers, and its standard error, if there are two or more. */
export function meanAndError(values: ArrayLike<number>): { mean: number; standardError?: number } {
  const average = mean(values);
  if (values.length < 2) return { mean: average };
  const deviations = Array.from(values, (value) => (value - average) ** 2);
  return { mean: average, standardError: Math.sqrt(mean(deviations) / (values.length - 1)) };
}
