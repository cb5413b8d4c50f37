// Estimates bounds and likelihoods of a model on a set of images.
import type { ImageSet } from "../data/dataset.js";
import type { Processes } from "../distributed/processes.js";
import type { HostTree } from "../engine/engine.js";
import { type Bounds, mapTerms, mean, meanBounds, TERMS } from "../model/bounds.js";
import { createDraws, fillDraws, rowsOfImages } from "../model/draws.js";
import type { Batch } from "../model/model.js";
import { type RandomStream, randomStream } from "../random.js";
import { type DrawConfig, drawsAtOnce, evaluationBatches } from "./batches.js";
import type { TrainedModel } from "./trained-model.js";

/**
 * Computes the mean terms of the bound over images, in nats per image, with as many draws of z as in training (Kingma &
 * Welling 2014, eq. 7; Burda et al. 2016, eq. 8). With noise, the encoder's input is corrupted, but the likelihood is
 * that of clean images. For a seed, an image has the same draws in every call.
 *
 * @param processes share the images, and return the same numbers
 */
export async function evaluate(
  trained: TrainedModel,
  images: ImageSet,
  config: DrawConfig,
  processes?: Processes,
): Promise<Bounds> {
  const { engine, model, params } = trained;
  const comparesImages = model.parts.objective.numbersPerPair !== undefined;
  const batchSize = comparesImages ? trained.config.batchSize : undefined;
  const terms = mapTerms(() => new Float32Array(images.count));
  for (const { first, batch, draws } of evaluationBatches(trained, images, config, model.draws, batchSize, processes)) {
    const results = await engine.call(model.evaluate, { params, batch, draws });
    for (const term of TERMS) terms[term].set(results[term].data, first);
  }
  for (const term of TERMS) processes?.sum(terms[term]);
  return meanBounds(terms);
}

/** Importance samples to decode at once, of MNIST's size. */
const SAMPLES_AT_ONCE = 1000;

/**
 * Estimates log p(x) of each image, in nats, by log 1/S Σ_s p(x, z_s) / q(z_s|x) with z_s from q(z|x) (Burda et al.
 * 2016, eq. 8; Rezende et al. 2014, appendix E): in expectation a lower bound, tight for S → ∞.
 *
 * @param samples S
 * @param onProgress called after each image
 * @param processes share the images, and return the same numbers
 */
export async function estimateLogLikelihoods(
  trained: TrainedModel,
  images: ImageSet,
  samples: number,
  config: DrawConfig,
  onProgress?: (done: number) => void,
  processes?: Processes,
): Promise<Float64Array> {
  const logLikelihoods = new Float64Array(images.count);
  for (const { first, batch } of evaluationBatches(trained, images, config, 1)) {
    const [count] = batch.images.shape;
    for (let i = first; i < first + count; i++) {
      if (processes && i % processes.size !== processes.rank) continue;
      const image = rowsOfImages(batch, count, i - first, 1);
      const stream = randomStream(config.seed, "importance epsilon", images.offset + i);
      logLikelihoods[i] = await estimateLogLikelihood(trained, image, samples, stream);
      onProgress?.(i + 1);
    }
  }
  processes?.sum(logLikelihoods);
  return logLikelihoods;
}

/** Estimates log p(x) of one image: up to SAMPLES_AT_ONCE draws per call, whose means are joined in float64. */
async function estimateLogLikelihood(
  { engine, model, params, size }: TrainedModel,
  image: HostTree<Batch>,
  samples: number,
  stream: RandomStream,
): Promise<number> {
  const atOnce = drawsAtOnce(model, size, SAMPLES_AT_ONCE);
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

/**
 * Counts the latent dimensions whose posterior means, count × Z, have a variance above 0.01 (Burda et al. 2016, section
 * 5.2).
 */
export function countActiveUnits(means: Float32Array, dimZ: number): number {
  return variancesOf(means, dimZ).filter((variance) => variance > 0.01).length;
}

/** The variance of each dimension of latents, count × Z. */
export function variancesOf(latents: Float32Array, dimZ: number): number[] {
  const count = latents.length / dimZ;
  return Array.from({ length: dimZ }, (_, j) => {
    const values = Float64Array.from({ length: count }, (_, i) => latents[i * dimZ + j]);
    const average = mean(values);
    return mean(values.map((value) => (value - average) ** 2));
  });
}

/** The mean of independent numbers, and its standard error if there are two or more. */
export function meanAndError(values: ArrayLike<number>): { mean: number; standardError?: number } {
  const average = mean(values);
  if (values.length < 2) return { mean: average };
  const deviations = Array.from(values, (value) => (value - average) ** 2);
  return { mean: average, standardError: Math.sqrt(mean(deviations) / (values.length - 1)) };
}
