// Grey pixels to black and white ones, for likelihoods of binary images.
import type { Config } from "../config/config.js";
import type { RandomStream } from "../random.js";
import type { ImageSet } from "./dataset.js";
import { chunks } from "./pixels.js";

const isWhite = (grey: number) => grey >= 128;

/**
 * Makes pixels black (0) or white (255), in place: not at all; by a threshold, white from 128 on; or at random, white with
 * the probability that the grey value is, which is what "dynamic" binarization does anew for every batch (Burda et al. 2016,
 * section 5.1).
 */
export function binarize(how: Config["binarize"], pixels: Uint8Array, stream: RandomStream): void {
  if (how === "threshold") {
    for (let i = 0; i < pixels.length; i++) pixels[i] = isWhite(pixels[i]) ? 255 : 0;
  } else if (how === "dynamic") {
    const words = stream.fillWords(new Uint32Array(Math.ceil(pixels.length / 2)));
    for (let i = 0; i < pixels.length; i++) {
      const draw = (words[i >> 1] >>> ((i & 1) * 16)) & 0xffff;
      pixels[i] = draw * 255 < pixels[i] * 65_536 ? 255 : 0;
    }
  }
}

/** The mean of binarized images, 0 to 1 for each pixel. Random binarization has that of the grey ones, in expectation. */
export function meanImage({ pixels, count }: ImageSet, size: number, how: Config["binarize"]): Float64Array {
  const mean = new Float64Array(size);
  for (const some of chunks(pixels, count, size)) {
    for (let i = 0; i < some.length; i++) {
      mean[i % size] += how === "threshold" ? Number(isWhite(some[i])) : some[i] / 255;
    }
  }
  return mean.map((sum) => sum / count);
}
