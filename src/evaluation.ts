// How good a model is on images that it was not trained on.
import type { Config } from "./config.js";
import type { ImageSet } from "./data/dataset.js";
import type { Engine, Hosted } from "./engine/engine.js";
import type { Elbo } from "./model/elbo.js";
import { meanElbo } from "./model/elbo.js";
import type { HostParams } from "./model/parameters.js";
import type { Batch, ElboTerms, Params } from "./model/vae.js";
import { reconstruct } from "./model/vae.js";
import { corrupt } from "./noise.js";
import { randomStream } from "./random.js";

/** What is drawn for the images: ε, and the corruption of the encoder's input. */
export type DrawConfig = Pick<Config, "dimZ" | "noise" | "seed">;

/** Images that are evaluated at once, if they are of MNIST's size; fewer of larger ones, so that memory stays flat. */
export const MOST_IN_BATCH = 500;
const MOST_PIXELS_IN_BATCH = MOST_IN_BATCH * 784;

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
  for (const { first, batch } of evaluationBatches(images, images.count, config)) {
    const terms = await engine.call(elboTerms, { params, batch });
    reconstructions.set(terms.reconstruction.data, first);
    kls.set(terms.kl.data, first);
  }
  return meanElbo(reconstructions, kls);
}

/** The first `count` images of a set with their draws, batch by batch. `first` is the number of a batch's first image. */
export function* evaluationBatches(
  images: ImageSet,
  count: number,
  { dimZ, noise, seed }: DrawConfig,
): Generator<{ first: number; batch: Hosted<Batch> }> {
  const pixels = images.pixels.length / images.count;
  const most = Math.max(1, Math.min(MOST_IN_BATCH, Math.floor(MOST_PIXELS_IN_BATCH / pixels)));
  for (let first = 0; first < count; first += most) {
    const length = Math.min(most, count - first);
    const clean = images.pixels.subarray(first * pixels, (first + length) * pixels);
    const epsilon = new Float32Array(length * dimZ);
    const corrupted = noise === "none" ? undefined : new Float32Array(clean.length);
    for (let i = 0; i < length; i++) {
      const image = images.offset + first + i;
      randomStream(seed, "evaluation epsilon", image).fillNormals(epsilon.subarray(i * dimZ, (i + 1) * dimZ));
      if (noise !== "none" && corrupted) {
        const [from, to] = [i * pixels, (i + 1) * pixels];
        const stream = randomStream(seed, "evaluation noise", image);
        corrupt(noise, clean.subarray(from, to), stream, corrupted.subarray(from, to));
      }
    }
    const batch = {
      images: { data: clean, shape: [length, pixels] },
      corrupted: corrupted && { data: corrupted, shape: [length, pixels] },
      epsilon: { data: epsilon, shape: [length, dimZ] },
    };
    yield { first, batch };
  }
}

function elboTerms({ params, batch }: { params: Params; batch: Batch }): ElboTerms {
  const { reconstruction, kl } = reconstruct(params, batch);
  return { reconstruction, kl };
}
