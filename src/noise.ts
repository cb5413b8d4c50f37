// Corruptions of the input image, for training and showing a denoiser. The target always stays clean.
import type { Config } from "./config.js";
import type { RandomStream } from "./random.js";

export type Noise = Exclude<Config["noise"], "none">;

type Corruption = (images: Uint8Array, stream: RandomStream, out: Float32Array) => void;

const CORRUPTIONS: Record<Noise, Corruption> = { "salt-pepper": saltAndPepper };

/**
 * Corrupts images.
 *
 * @param images pixels as bytes, in any shape
 * @param out as many numbers, in units of full white
 */
export function corrupt(noise: Noise, images: Uint8Array, stream: RandomStream, out: Float32Array): void {
  CORRUPTIONS[noise](images, stream, out);
}

/**
 * Salt-and-pepper noise as hwalsuklee/tensorflow-mnist-VAE draws it: x·a + b with a and b from {0, 1}, for each pixel
 * alike likely. So a pixel becomes 0, x, 1 or x + 1, a quarter each.
 */
function saltAndPepper(images: Uint8Array, stream: RandomStream, out: Float32Array): void {
  const words = stream.fillWords(new Uint32Array(Math.ceil(images.length / 16)));
  for (let i = 0; i < images.length; i++) {
    const bits = words[i >> 4] >>> ((i & 15) * 2);
    out[i] = (images[i] / 255) * (bits & 1) + ((bits >> 1) & 1);
  }
}
