// How good a model is on images that it was not trained on.
import type { Config } from "./config.js";
import { drawsPerImage } from "./config.js";
import { binarize } from "./data/binarize.js";
import type { ImageSet } from "./data/dataset.js";
import type { Engine, Hosted } from "./engine/engine.js";
import type { Elbo } from "./model/elbo.js";
import { mean, meanElbo, TERMS } from "./model/elbo.js";
import type { HostParams } from "./model/parameters.js";
import type { Batch, Vae } from "./model/vae.js";
import type { ImageSize } from "./noise.js";
import { corrupt } from "./noise.js";
import { randomStream } from "./random.js";
import type { HostArray } from "./tree.js";

/** A model with its weights, on the engine that runs it. */
export interface Fitted {
  readonly engine: Engine;
  readonly vae: Vae;
  readonly params: HostParams;
  readonly size: ImageSize;
}

/** What is drawn for the images: their pixels, ε, and the corruption of the encoder's input. */
export type DrawConfig = Pick<
  Config,
  "beta" | "binarize" | "dimZ" | "importanceSamples" | "mcSamples" | "model" | "noise" | "objective" | "seed"
>;

/** Images that are evaluated at once, if they are of MNIST's size; fewer of larger ones, so that memory stays flat. */
export const MOST_IN_BATCH = 500;
const MOST_PIXELS_IN_BATCH = MOST_IN_BATCH * 784;

/**
 * The terms of the bound, mean over a set of images, with as many draws of z for an image as in training (Kingma & Welling
 * 2014, eq. 7; Burda et al. 2016, eq. 8). With noise, the encoder sees corrupted images and the likelihood is that of the clean
 * ones. The draws belong to the images: every call with one seed makes the same.
 *
 * @returns nats per image
 */
export async function evaluate(fitted: Fitted, images: ImageSet, config: DrawConfig): Promise<Elbo> {
  const { engine, vae, params, size } = fitted;
  const terms = Object.fromEntries(TERMS.map((term) => [term, new Float32Array(images.count)])) as Record<
    (typeof TERMS)[number],
    Float32Array
  >;
  for (const { first, batch } of evaluationBatches(images, size, images.count, config)) {
    const results = await engine.call(vae.evaluate, { params, batch });
    for (const term of TERMS) terms[term].set(results[term].data, first);
  }
  return meanElbo(terms);
}

/** Importance samples that are decoded at once. */
const SAMPLES_AT_ONCE = 1000;
/** A latent dimension is active if the posterior mean varies more than this over the images. */
const ACTIVE_VARIANCE = 0.01;

/** What `estimateLikelihood` finds. */
export interface LikelihoodEstimate {
  /** Importance-weighted estimates of log p(x), a number an image, in nats. */
  readonly logLikelihoods: Float64Array;
  /** Dimensions of z whose posterior mean has a variance above 0.01 over the images (Burda et al. 2016, section 5.1.1). */
  readonly activeUnits: number;
}

/**
 * Estimates log p(x) of each image by log 1/S Σ_s p(x, z_s) / q(z_s|x) with z_s from q(z|x) (Burda et al. 2016, eq. 8; Rezende
 * et al. 2014, appendix E). It is a lower bound in expectation, which S closes.
 *
 * @param samples S, importance samples for each image
 * @param onProgress called after each image with the number of those done
 */
export async function estimateLikelihood(
  { engine, vae, params, size }: Fitted,
  images: ImageSet,
  samples: number,
  config: DrawConfig,
  onProgress?: (done: number) => void,
): Promise<LikelihoodEstimate> {
  const { dimZ, seed } = config;
  const logLikelihoods = new Float64Array(images.count);
  const sums = new Float64Array(dimZ);
  const squares = new Float64Array(dimZ);
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
      image.mu.data.forEach((value, j) => {
        sums[j] += value;
        squares[j] += value ** 2;
      });
      const stream = randomStream(seed, "importance epsilon", images.offset + first + i);
      const parts: { logMean: number; share: number }[] = [];
      for (let done = 0; done < samples; done += SAMPLES_AT_ONCE) {
        const length = Math.min(SAMPLES_AT_ONCE, samples - done);
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
  const variances = sums.map((sum, j) => squares[j] / images.count - (sum / images.count) ** 2);
  return { logLikelihoods, activeUnits: variances.filter((variance) => variance > ACTIVE_VARIANCE).length };
}

/** The mean of independent numbers, and its standard error. */
export function meanAndError(values: ArrayLike<number>): { mean: number; standardError: number } {
  const average = mean(values);
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
  size: ImageSize,
  count: number,
  config: DrawConfig,
  draws = drawsPerImage(config),
): Generator<{ first: number; batch: Hosted<Batch> }> {
  const { beta, dimZ, noise, seed } = config;
  const pixels = size.height * size.width;
  const most = Math.floor(Math.min(MOST_IN_BATCH, MOST_PIXELS_IN_BATCH / pixels) / draws) || 1;
  for (let first = 0; first < count; first += most) {
    const length = Math.min(most, count - first);
    const clean = images.pixels.slice(first * pixels, (first + length) * pixels);
    const epsilon = config.model === "ae" ? undefined : new Float32Array(length * draws * dimZ);
    const corrupted = noise === "none" ? undefined : new Float32Array(clean.length);
    for (let i = 0; i < length; i++) {
      const image = images.offset + first + i;
      const part = clean.subarray(i * pixels, (i + 1) * pixels);
      binarize(config.binarize, part, randomStream(seed, "evaluation binarization", image));
      if (epsilon) {
        const [from, to] = [i * draws * dimZ, (i + 1) * draws * dimZ];
        randomStream(seed, "evaluation epsilon", image).fillNormals(epsilon.subarray(from, to));
      }
      if (noise !== "none" && corrupted) {
        const stream = randomStream(seed, "evaluation noise", image);
        corrupt(noise, part, size, stream, corrupted.subarray(i * pixels, (i + 1) * pixels));
      }
    }
    const batch = {
      images: { data: clean, shape: [length, pixels] },
      corrupted: corrupted && { data: corrupted, shape: [length, pixels] },
      epsilon: epsilon && { data: epsilon, shape: [length, draws, dimZ] },
      klWeight: { data: Float32Array.of(beta), shape: [] },
    };
    yield { first, batch };
  }
}
