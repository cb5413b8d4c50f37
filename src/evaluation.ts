// How good a model is on images that it was not trained on.
import type { Config } from "./config.js";
import type { ImageSet } from "./data/dataset.js";
import type { Engine, Hosted } from "./engine/engine.js";
import type { Elbo } from "./model/elbo.js";
import { meanElbo } from "./model/elbo.js";
import type { HostParams } from "./model/parameters.js";
import type { Batch, ElboTerms, Params } from "./model/vae.js";
import { reconstruct } from "./model/vae.js";
import { saltAndPepper } from "./noise.js";
import { randomStream } from "./random.js";

/** What is drawn for the images: ε, and the corruption of the encoder's input. */
export type DrawConfig = Pick<Config, "dimZ" | "noise" | "seed">;

const BATCH_SIZE = 500;

/**
 * The ELBO, mean over a set of images, with one draw of z for each image (Kingma & Welling 2014, eq. 7 with L = 1). With
 * noise, the encoder sees corrupted images and the likelihood is that of the clean ones. The draws belong to the images:
 * every call with one seed makes the same.
 *
 * @returns nats per image
 */
export async function evaluate(
  engine: Engine,
  params: HostParams,
  images: ImageSet,
  config: DrawConfig,
): Promise<Elbo> {
  const reconstructions = new Float32Array(images.count);
  const kls = new Float32Array(images.count);
  for (let first = 0; first < images.count; first += BATCH_SIZE) {
    const batch = evaluationBatch(images, first, Math.min(BATCH_SIZE, images.count - first), config);
    const terms = await engine.call(elboTerms, { params, batch });
    reconstructions.set(terms.reconstruction.data, first);
    kls.set(terms.kl.data, first);
  }
  return meanElbo(reconstructions, kls);
}

/** Images first … first + count − 1 of a set with their draws. */
export function evaluationBatch(images: ImageSet, first: number, count: number, config: DrawConfig): Hosted<Batch> {
  const { dimZ, noise, seed } = config;
  const size = images.pixels.length / images.count;
  const clean = images.pixels.subarray(first * size, (first + count) * size);
  const epsilon = new Float32Array(count * dimZ);
  const corrupted = noise === "none" ? undefined : new Float32Array(clean.length);
  for (let i = 0; i < count; i++) {
    const image = images.offset + first + i;
    randomStream(seed, "evaluation epsilon", image).fillNormals(epsilon.subarray(i * dimZ, (i + 1) * dimZ));
    if (corrupted) {
      saltAndPepper(
        clean.subarray(i * size, (i + 1) * size),
        randomStream(seed, "evaluation noise", image),
        corrupted.subarray(i * size, (i + 1) * size),
      );
    }
  }
  return {
    images: { data: clean, shape: [count, size] },
    corrupted: corrupted && { data: corrupted, shape: [count, size] },
    epsilon: { data: epsilon, shape: [count, dimZ] },
  };
}

function elboTerms({ params, batch }: { params: Params; batch: Batch }): ElboTerms {
  const { reconstruction, kl } = reconstruct(params, batch);
  return { reconstruction, kl };
}
