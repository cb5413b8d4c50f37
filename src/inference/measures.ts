// Measures of the latents of a trained model, on a set of images.
import type { ImageSet } from "../data/dataset.js";
import type { Processes } from "../distributed/processes.js";
import { type DrawConfig, evaluationBatches } from "./batches.js";
import { inferLatents, inferPosteriors } from "./coding.js";
import { countActiveUnits } from "./evaluation.js";
import { mutualInformation } from "./information.js";
import { type Accuracy, areProbed, knnAccuracy, linearAccuracy, maxProbedImages } from "./probes.js";
import type { TrainedModel } from "./trained-model.js";

/** Measures of latents. */
export interface LatentMeasures {
  /** The number of latent dimensions whose posterior mean has a variance above 0.01 over the images. */
  readonly activeUnits: number;
  /** KL(q(z_d|x) ‖ p(z_d)) of each latent dimension d, mean over images, in nats. Absent without a closed form. */
  readonly klPerDimension?: readonly number[];
  /** I(x; z) under q, of the first `images`: at most log `images` nats. Absent unless posteriors are Gaussian. */
  readonly mutualInformation?: { readonly nats: number; readonly images: number };
  /** Accuracy of predicting labels from posterior means. Absent without labels, and for training images. */
  readonly probes?: {
    /** The number of images classified: the first ones. */
    readonly images: number;
    readonly knn: Accuracy & { readonly k: number };
    readonly linear: Accuracy;
  };
}

/**
 * Measures the latents of images.
 *
 * @param train fits the probes; undefined for no probes
 * @param processes share the encoding of images, and return the same numbers
 */
export async function measureLatents(
  trained: TrainedModel,
  images: ImageSet,
  train: ImageSet | undefined,
  config: DrawConfig,
  processes?: Processes,
): Promise<LatentMeasures> {
  const { dimZ } = trained.model.parts;
  const { means, klPerDimension } = await encodeMeans(trained, images, config, processes);
  const information = await estimateInformation(trained, images, means, config);
  const probes = train && (await probe(trained, images, means, train, config));
  return {
    activeUnits: countActiveUnits(means, dimZ),
    ...(klPerDimension && { klPerDimension }),
    ...(information && { mutualInformation: information }),
    ...(probes && { probes }),
  };
}

/** The posteriors' means, count × Z, and KL(q(z_d|x) ‖ p(z_d)) of each dimension d, mean over the images, in nats. */
export async function encodeMeans(
  trained: TrainedModel,
  images: ImageSet,
  config: DrawConfig,
  processes?: Processes,
): Promise<{ means: Float32Array; klPerDimension?: readonly number[] }> {
  const { engine, model, params } = trained;
  const { dimZ } = model.parts;
  const means = new Float32Array(images.count * dimZ);
  const sums = new Float64Array(dimZ + 1); // the last element is positive if there is a KL term
  for (const { first, batch, draws } of evaluationBatches(trained, images, config, 1, undefined, processes)) {
    const { z, kl } = await engine.call(model.measureLatents, { params, batch, draws });
    means.set(z.data, first * dimZ);
    if (kl) sums[dimZ] = 1;
    kl?.data.forEach((nats, at) => {
      sums[at % dimZ] += nats;
    });
  }
  processes?.sum(means);
  processes?.sum(sums);
  const klPerDimension = [...sums.subarray(0, dimZ)].map((sum) => sum / images.count);
  return { means, ...(sums[dimZ] > 0 && { klPerDimension }) };
}

const MAX_IMAGES = 5000;
/** Numbers for all pairs of images: a few seconds. */
const MAX_PAIR_NUMBERS = 1e9;

async function estimateInformation(
  trained: TrainedModel,
  all: ImageSet,
  allMeans: Float32Array,
  config: DrawConfig,
): Promise<LatentMeasures["mutualInformation"]> {
  const { model } = trained;
  const { dimZ } = model.parts;
  if (!model.isDrawn) return undefined;
  const images = Math.min(all.count, MAX_IMAGES, Math.floor(Math.sqrt(MAX_PAIR_NUMBERS / dimZ)));
  const [z, sigmas] = [new Float32Array(images * dimZ), new Float32Array(images * dimZ)];
  let at = 0;
  for await (const part of inferPosteriors(trained, { ...all, count: images }, config, "draws")) {
    if (!part.sigma) return undefined;
    z.set(part.z.data, at);
    sigmas.set(part.sigma.data, at);
    at += part.z.data.length;
  }
  const means = allMeans.subarray(0, images * dimZ);
  return { nats: mutualInformation({ means, sigmas, z }, dimZ), images };
}

async function probe(
  trained: TrainedModel,
  images: ImageSet,
  means: Float32Array,
  train: ImageSet,
  config: DrawConfig,
): Promise<LatentMeasures["probes"]> {
  const { dimZ } = trained.model.parts;
  const max = maxProbedImages(dimZ);
  const [count, trainCount] = [Math.min(images.count, max), Math.min(train.count, max)];
  const labels = train.labels?.subarray(0, trainCount);
  if (!images.labels || !labels || !areProbed(labels)) return undefined;
  const latents = await inferLatents(trained, { ...train, count: trainCount }, config, "means");
  const fitted = { latents, labels };
  const measured = { latents: means.subarray(0, count * dimZ), labels: images.labels.subarray(0, count) };
  const knn = knnAccuracy(fitted, measured, dimZ);
  return { images: count, knn, linear: linearAccuracy(fitted, measured, dimZ) };
}
