// Corruptions of the input image, for training and showing a denoiser. The target always stays clean.
import type { RandomStream } from "./random.js";

/**
 * Salt-and-pepper noise as hwalsuklee/tensorflow-mnist-VAE draws it: x·a + b with a and b from {0, 1}, for each pixel
 * alike likely. So a pixel becomes 0, x, 1 or x + 1, a quarter each.
 *
 * @param images pixels as bytes, in any shape
 * @returns as many numbers, in units of full white: from 0 to 2
 */
export function saltAndPepper(
  images: Uint8Array,
  stream: RandomStream,
  out = new Float32Array(images.length),
): Float32Array {
  const words = stream.fillWords(new Uint32Array(Math.ceil(images.length / 16)));
  for (let i = 0; i < images.length; i++) {
    const bits = words[i >> 4] >>> ((i & 15) * 2);
    out[i] = (images[i] / 255) * (bits & 1) + ((bits >> 1) & 1);
  }
  return out;
}
