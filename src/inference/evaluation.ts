// How good a model is on images that it was not trained on.
import type { Config } from "../config/config.js";
import { drawsPerImage } from "../config/config.js";
import { binarize } from "../data/binarize.js";
import type { ImageSet } from "../data/dataset.js";
import type { ImageShape } from "../data/pixels.js";
import { pixelsOf, range, toFloat } from "../data/pixels.js";
import type { Engine, Hosted } from "../engine/engine.js";
import type { Bounds } from "../model/elbo.js";
import { mean, meanBounds, TERMS } from "../model/elbo.js";
import type { HostParams } from "../model/parameters.js";
import type { Batch, Vae } from "../model/vae.js";
import { corrupt } from "../noise.js";
import { randomStream } from "../random.js";
import type { HostArray } from "../tree.js";

/** A model with its weights, on the engine that runs it. */
export interface Fitted {
  readonly engine: Engine;
  readonly vae: Vae;
  readonly params: HostParams;
  readonly size: ImageShape;
}

/** What is drawn for the images: their pixels, ε, and the corruption of the encoder's input. */
export type DrawConfig = Pick<
  Config,
  "binarize" | "dimZ" | "importanceSamples" | "mcSamples" | "model" | "noise" | "objective" | "seed"
>;

/** Images that are evaluated at once, if they are of MNIST's size. */
export const MOST_IN_BATCH = 500;

/** How many images go through the decoder at once: `most` of MNIST's size, fewer larger ones, so that memory stays flat. */
export function rowsAtOnce(most: number, size: ImageShape): number {
  const rows = Math.min(most, Math.floor((most * 784) / pixelsOf(size)));
  return rows < 2 ? 1 : rows - (rows % 2); // even, since normal draws come in pairs
}

/**
 * The terms of the bound, mean over a set of images, with as many draws of z for an image as in training (Kingma & Welling
 * 2014, eq. 7; Burda et al. 2016, eq. 8). With noise, the encoder sees corrupted images and the likelihood is that of the clean
 * ones. The draws belong to the images: every call with one seed makes the same.
 *
 * @returns nats per image
 */
export async function evaluate(fitted: Fitted, images: ImageSet, config: DrawConfig): Promise<Bounds> {
  const { engine, vae, params, size } = fitted;
  const terms = Object.fromEntries(TERMS.map((term) => [term, new Float32Array(images.count)])) as Record<
    (typeof TERMS)[number],
    Float32Array
  >;
  for (const { first, batch } of evaluationBatches(images, size, images.count, config)) {
    const results = await engine.call(vae.evaluate, { params, batch });
    for (const term of TERMS) terms[term].set(results[term].data, first);
  }
  return meanBounds(terms);
}

/** Importance samples that are decoded at once, of images of MNIST's size. */
const SAMPLES_AT_ONCE = 1000;

/**
 * Estimates log p(x) of each image by log 1/S Σ_s p(x, z_s) / q(z_s|x) with z_s from q(z|x) (Burda et al. 2016, eq. 8; Rezende
 * et al. 2014, appendix E). It is a lower bound in expectation, which S closes.
 *
 * @param samples S, importance samples for each image
 * @param onProgress called after each image with the number of those done
 * @returns nats, a number an image
 */
export async function estimateLogLikelihoods(
  { engine, vae, params, size }: Fitted,
  images: ImageSet,
  samples: number,
  config: DrawConfig,
  onProgress?: (done: number) => void,
): Promise<Float64Array> {
  const { dimZ, seed } = config;
  const logLikelihoods = new Float64Array(images.count);
  const atOnce = rowsAtOnce(SAMPLES_AT_ONCE, size);
  for (const { first, batch } of evaluationBatches(images, size, images.count, config, 1)) {
    const [count, pixels] = batch.images.shape;
    const { mu, sigma } = await engine.call(vae.infer, { params, images: batch.images, corrupted: batch.corrupted });
    for (let i = 0; i < count; i++) {
      const row = ({ data }: HostArray, length: number) => ({
        data: data.subarray(i * length, (i + 1) * length),
        shape: [1, length],
      });
      const image = {
        image: row(batch.images, pixels),
        mu: row(mu, dimZ),
        sigma: row(sigma as HostArray, dimZ),
      };
      const stream = randomStream(seed, "importance epsilon", images.offset + first + i);
      const parts: { logMean: number; share: number }[] = [];
      for (let done = 0; done < samples; done += atOnce) {
        const length = Math.min(atOnce, samples - done);
        const epsilon = { data: stream.fillNormals(new Float32Array(length * dimZ)), shape: [1, length, dimZ] };
        const { logMeanWeight } = await engine.call(vae.importanceWeigh, { params, ...image, epsilon });
        parts.push({ logMean: logMeanWeight.data[0], share: length / samples });
      }
      const largest = Math.max(...parts.map(({ logMean }) => logMean));
      const sum = parts.reduce((total, { logMean, share }) => total + share * Math.exp(logMean - largest), 0);
      logLikelihoods[first + i] = largest + Math.log(sum);
      onProgress?.(first + i + 1);
    }
  }
  return logLikelihoods;
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

/**
 * The first `count` images of a set with their draws, batch by batch. `first` is the number of a batch's first image.
 *
 * @param draws of z for an image
 */
export function* evaluationBatches(
  images: ImageSet,
  size: ImageShape,
  count: number,
  config: DrawConfig,
  draws = drawsPerImage(config),
): Generator<{ first: number; batch: Hosted<Batch> }> {
  const { dimZ, noise, seed } = config;
  const pixels = pixelsOf(size);
  const most = Math.floor(rowsAtOnce(MOST_IN_BATCH, size) / draws) || 1;
  for (let first = 0; first < count; first += most) {
    const length = Math.min(most, count - first);
    const numbers = range(first, length);
    const clean = images.pixels.read(numbers);
    const epsilon = config.model === "ae" ? undefined : new Float32Array(length * draws * dimZ);
    const corrupted = images.inputs
      ? toFloat(images.inputs.read(numbers))
      : noise
        ? new Float32Array(clean.length)
        : undefined;
    for (let i = 0; i < length; i++) {
      const image = images.offset + first + i;
      const part = clean.subarray(i * pixels, (i + 1) * pixels);
      binarize(config.binarize, part, randomStream(seed, "evaluation binarization", image));
      if (epsilon) {
        const [from, to] = [i * draws * dimZ, (i + 1) * draws * dimZ];
        randomStream(seed, "evaluation epsilon", image).fillNormals(epsilon.subarray(from, to));
      }
      if (noise && corrupted) {
        const stream = randomStream(seed, "evaluation noise", image);
        corrupt(noise, part, size, stream, corrupted.subarray(i * pixels, (i + 1) * pixels));
      }
    }
    const batch = {
      images: { data: clean, shape: [length, pixels] },
      corrupted: corrupted && { data: corrupted, shape: [length, pixels] },
      epsilon: epsilon && { data: epsilon, shape: [length, draws, dimZ] },
    };
    yield { first, batch };
  }
}
