// Binarizes grey pixels, for likelihoods of binary images.
import type { Config } from "../config/config.js";
import type { RandomStream } from "../random.js";
import type { ImageSet } from "./dataset.js";
import { chunks } from "./pixels.js";

const isWhite = (grey: number) => grey >= 128;

/**
 * Binarizes pixels to 0 or 255, in place. "threshold": white from 128. "dynamic": white with probability grey / 255,
 * drawn for every batch (Burda et al. 2016, section 5.1). Otherwise does nothing.
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

/** The mean of each pixel over the binarized images, from 0 to 1; its expectation if binarization is dynamic. */
export function meanImage({ pixels, count }: ImageSet, size: number, how: Config["binarize"]): Float64Array {
  const mean = new Float64Array(size);
  for (const chunk of chunks(pixels, count, size)) {
    for (let i = 0; i < chunk.length; i++) {
      mean[i % size] += how === "threshold" ? Number(isWhite(chunk[i])) : chunk[i] / 255;
    }
  }
  return mean.map((sum) => sum / count);
}
