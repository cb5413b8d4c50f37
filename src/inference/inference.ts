// Inference for one image: its latents, bound and reconstruction.
import { placesOf } from "../data/classes.js";
import type { ImageSet } from "../data/dataset.js";
import { range } from "../data/pixels.js";
import type { Elbo } from "../model/bounds.js";
import { checkFinite } from "./arrays.js";
import type { DrawConfig } from "./batches.js";
import { decodeLatents, inferPosteriors, reconstructImages } from "./coding.js";
import { rowsOfPlaces } from "./labels.js";
import { encodeMeans } from "./measures.js";
import type { TrainedModel } from "./trained-model.js";

/** Images are [D], 0 to 1; the encoder's input may lie beyond. */
export interface ImageInference {
  /** Binarized as in training: the target of the reconstruction. */
  readonly original: Float32Array;
  /** The encoder's input, if it differs. */
  readonly input?: Float32Array;
  /** Decoded from the posterior mean. */
  readonly reconstruction: Float32Array;
  /** [Z] */
  readonly mean: Float32Array;
  /** [Z], if the posterior is Gaussian. */
  readonly sigma?: Float32Array;
  /** KL(q(z_d|x) ‖ p(z_d)) of each dimension d, in nats. Absent without a closed form. */
  readonly klPerDimension?: readonly number[];
  /** With one draw of z. */
  readonly elbo: Elbo;
}

/**
 * Infers the latents of one image, and reconstructs it.
 *
 * @param image a set of one image, which has a label if the model is conditional
 * @throws UserError if the model overflows
 */
export async function inferImage(trained: TrainedModel, image: ImageSet, config: DrawConfig): Promise<ImageInference> {
  const { classes } = trained;
  const { means: mean, klPerDimension } = await encodeMeans(trained, image, config);
  let sigma: Float32Array | undefined;
  for await (const part of inferPosteriors(trained, image, config, "means")) sigma = part.sigma?.data;
  const { originals, corrupted, elbo } = await reconstructImages(trained, image, config);
  const numbers = Float32Array.of(...mean, elbo.reconstruction, elbo.kl);
  checkFinite({ data: numbers, shape: [numbers.length] }, "images");
  const labels = classes && rowsOfPlaces(placesOf(image, range(0, 1), classes), classes);
  return {
    original: originals,
    ...(corrupted && { input: corrupted }),
    reconstruction: await decodeLatents(trained, mean, labels),
    mean,
    ...(sigma && { sigma }),
    ...(klPerDimension && { klPerDimension }),
    elbo,
  };
}
