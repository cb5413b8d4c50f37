// What a trained model makes: reconstructions of images, and samples from the prior.

import type { Tensor2D } from "@tensorflow/tfjs";
import type { ImageSet } from "./data/dataset.js";
import type { Engine } from "./engine/engine.js";
import type { DrawConfig } from "./evaluation.js";
import { evaluationBatches, MOST_IN_BATCH } from "./evaluation.js";
import type { Elbo } from "./model/elbo.js";
import { meanElbo } from "./model/elbo.js";
import type { HostParams } from "./model/parameters.js";
import type { Batch, Params } from "./model/vae.js";
import { decode, pixelProbabilities, reconstruct } from "./model/vae.js";
import { randomStream } from "./random.js";

/** Images as they are, as the encoder saw them if that differs, and as the decoder gave them back: count × pixels, 0 to 1. */
export interface Reconstructions {
  readonly originals: Float32Array;
  readonly corrupted?: Float32Array;
  readonly outputs: Float32Array;
  /** Mean over these images. */
  readonly elbo: Elbo;
}

/** Encodes the first `count` images of a set, draws a z for each from its posterior, and decodes it. */
export async function reconstructImages(
  engine: Engine,
  params: HostParams,
  images: ImageSet,
  count: number,
  config: DrawConfig,
): Promise<Reconstructions> {
  const size = images.pixels.length / images.count;
  const outputs = new Float32Array(count * size);
  const corrupted = config.noise === "none" ? undefined : new Float32Array(count * size);
  const reconstructions = new Float32Array(count);
  const kls = new Float32Array(count);
  for (const { first, batch } of evaluationBatches(images, count, config)) {
    const result = await engine.call(reconstructBatch, { params, batch });
    outputs.set(result.outputs.data, first * size);
    if (batch.corrupted) corrupted?.set(batch.corrupted.data, first * size);
    reconstructions.set(result.reconstruction.data, first);
    kls.set(result.kl.data, first);
  }
  return {
    originals: Float32Array.from(images.pixels.subarray(0, count * size), (byte) => byte / 255),
    ...(corrupted && { corrupted }),
    outputs,
    elbo: meanElbo(reconstructions, kls),
  };
}

/**
 * Samples number first … first + count − 1 of a seed: decoded draws from the prior N(0, 1).
 *
 * @returns count × pixels, the probabilities of white
 */
export async function sampleImages(
  engine: Engine,
  params: HostParams,
  first: number,
  count: number,
  { dimZ, seed }: Pick<DrawConfig, "dimZ" | "seed">,
): Promise<Float32Array> {
  const batches: Float32Array[] = [];
  for (let start = 0; start < count; start += MOST_IN_BATCH) {
    const length = Math.min(MOST_IN_BATCH, count - start);
    const z = new Float32Array(length * dimZ);
    for (let i = 0; i < length; i++) {
      randomStream(seed, "prior", first + start + i).fillNormals(z.subarray(i * dimZ, (i + 1) * dimZ));
    }
    const { outputs } = await engine.call(generateBatch, { params, z: { data: z, shape: [length, dimZ] } });
    batches.push(outputs.data as Float32Array);
  }
  const size = batches[0].length / Math.min(MOST_IN_BATCH, count);
  const samples = new Float32Array(count * size);
  batches.forEach((batch, i) => {
    samples.set(batch, i * MOST_IN_BATCH * size);
  });
  return samples;
}

function reconstructBatch({ params, batch }: { params: Params; batch: Batch }) {
  const { logits, reconstruction, kl } = reconstruct(params, batch);
  return { outputs: pixelProbabilities(logits), reconstruction, kl };
}

function generateBatch({ params, z }: { params: Params; z: Tensor2D }) {
  return { outputs: pixelProbabilities(decode(params, z)) };
}
