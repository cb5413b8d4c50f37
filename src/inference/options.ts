// Options of the functions of a trained model, and their checks.
import { checkOptions, func, maybe } from "../arguments.js";
import type { Config } from "../config/config.js";
import { SAMPLING } from "../config/sampling.js";
import { SETTINGS } from "../config/settings.js";
import { oneOf } from "../values/domains.js";
import { CLASS, CLASS_OPTION, type ClassName, type ClassOption, LABEL_OPTIONS, type LabelOptions } from "./labels.js";

/** What `encode` returns of posteriors. */
export const WHATS = ["means", "draws"] as const;

interface SeedOptions {
  /** By default the training's. */
  readonly seed?: number | undefined;
}

/** Options of `sample`. The seed determines all draws. */
export interface SampleOptions extends SeedOptions, ClassOption {
  /** Draws z from the prior (default), or from a Gaussian mixture fitted to the latents of training images. */
  readonly from?: (typeof SAMPLING.from.choices)[number] | undefined;
  /** Gaussians in the mixture: 1 to 1,000, by default 10. */
  readonly components?: number | undefined;
  /** Called while a mixture is fitted, with the finished steps and their maximum. Both are equal at the end. */
  readonly onProgress?: ((done: number, count: number) => void) | undefined;
}

/** The seed determines draws of z and dynamic binarization. By default, images of a data set have their own class. */
export interface EncodeOptions extends SeedOptions, LabelOptions {
  /** Returns posterior means (default), or a draw from each posterior. */
  readonly what?: (typeof WHATS)[number] | undefined;
}

/** Options of `reconstruct`. */
export interface ReconstructOptions extends LabelOptions {
  /** The class to decode as; by default each image's own. */
  readonly as?: ClassName | undefined;
}

type Seed = Pick<Config, "seed">;

/** @throws UserError if an option is invalid or unknown */
export function checkEncodeOptions(options: EncodeOptions, training: Seed) {
  return checkOptions({ ...seedOption(training), ...LABEL_OPTIONS, what: maybe(oneOf(WHATS), "means") }, options);
}

/** @throws UserError if an option is invalid or unknown */
export function checkReconstructOptions(options: ReconstructOptions) {
  return checkOptions({ ...LABEL_OPTIONS, as: maybe(CLASS) }, options);
}

/** @throws UserError if an option is invalid or unknown */
export function checkSampleOptions(options: SampleOptions, training: Seed) {
  return checkOptions(
    {
      ...seedOption(training),
      from: maybe(SAMPLING.from, SAMPLING.from.default),
      components: maybe(SAMPLING.components),
      onProgress: maybe(func<(done: number, count: number) => void>()),
      ...CLASS_OPTION,
    },
    options,
  );
}

function seedOption({ seed }: Seed) {
  return { seed: maybe(SETTINGS.seed, seed) };
}
