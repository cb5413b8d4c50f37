// Ex-post density estimation: fits a Gaussian mixture to the latents of training images, to sample from instead of the
// prior.
import type { ImageSet } from "../data/dataset.js";
import { UserError } from "../errors.js";
import { randomStream } from "../random.js";
import { plural } from "../wording.js";
import { checkFinite } from "./arrays.js";
import type { DrawConfig } from "./batches.js";
import { inferLatents } from "./coding.js";
import { drawPoint, fitMixture, type GaussianMixture } from "./gaussian-mixture.js";
import type { TrainedModel } from "./trained-model.js";

const MAX_IMAGES = 20_000;
/** Multiplications in a step of EM: about 1 s. */
const MAX_STEP_NUMBERS = 1e9;
/** Numbers in all covariances: 160 MB. */
const MAX_NUMBERS = 2e7;

/**
 * Fits a mixture of `components` Gaussians with full covariances to latents of training images (Ghosh et al. 2020,
 * section 4). Latents are draws from the posteriors, so that the mixture estimates the aggregate posterior; a plain
 * autoencoder has no posteriors, and its latents are used. Uses the first 20,000 images, fewer if components · Z²
 * exceeds 50,000.
 *
 * @throws UserError if there are fewer images than components, or the covariances need too much memory
 */
export async function fitLatentMixture(
  trained: TrainedModel,
  images: ImageSet,
  components: number,
  config: DrawConfig,
  onProgress?: (done: number, count: number) => void,
): Promise<GaussianMixture> {
  const { model } = trained;
  const { dimZ } = model.parts;
  const numbers = components * dimZ ** 2;
  if (numbers > MAX_NUMBERS) {
    throw new UserError(
      `A mixture of ${plural(components, "Gaussian")} in ${dimZ} dimensions is too large: its covariances have ` +
        `${numbers} numbers, and at most ${MAX_NUMBERS} are allowed. Give fewer \`components\`.`,
    );
  }
  const count = Math.min(images.count, MAX_IMAGES, Math.floor(MAX_STEP_NUMBERS / numbers));
  if (count < components) {
    throw new UserError(
      `A mixture of ${plural(components, "Gaussian")} needs as many images, but only ${plural(count, "image")} can ` +
        "be used. Give fewer `components`.",
    );
  }
  const data = await inferLatents(trained, { ...images, count }, config, model.isDrawn ? "draws" : "means");
  checkFinite({ data, shape: [count, dimZ] }, "images");
  return fitMixture(data, dimZ, components, randomStream(config.seed, "mixture start"), onProgress);
}

/** Draws z from a mixture, samples first to first + count − 1 of a seed: count × Z. */
export function drawFromMixture(mixture: GaussianMixture, first: number, count: number, seed: number): Float32Array {
  const z = new Float32Array(count * mixture.dims);
  for (let i = 0; i < count; i++) z.set(drawPoint(mixture, randomStream(seed, "mixture", first + i)), i * mixture.dims);
  return z;
}
