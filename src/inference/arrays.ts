// Checks, draws and joins the arrays of models.
import type { ImageSet } from "../data/dataset.js";
import { type ImageShape, imageShape, pixelsInMemory, pixelsOf } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { singlePictures, squareFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import { type HostArray, sizeOf } from "../tree.js";

/**
 * Makes a set of images of bytes, or of floats, which may lie beyond 0 and 1 if they are noisy.
 *
 * @throws UserError if the shape is not [N, …image] or [N, numbers of an image], or a float is out of range
 */
export function asImageSet({ data, shape }: HostArray, size: ImageShape, isNoisy: boolean): ImageSet {
  checkArray({ data, shape }, "images", "a Uint8Array or a Float32Array");
  const [count, ...rest] = shape;
  const pixels = pixelsOf(size);
  const own = imageShape(size).join();
  if (![own, [size.height, size.width, size.channels].join(), String(pixels)].includes(rest.join())) {
    const takes = `[count,${own}] or [count,${pixels}]`;
    throw new UserError(`The images have the shape [${shape}], and this model takes ${takes}.`);
  }
  if (count === 0) throw new UserError("There are no images.");
  if (data instanceof Uint8Array) return { count, pixels: pixelsInMemory(data, pixels), offset: 0 };
  const at = data.findIndex((shade) => !(isNoisy ? Number.isFinite(shade) : shade >= 0 && shade <= 1));
  if (at >= 0) {
    throw new UserError(
      `Image ${Math.floor(at / pixels)} holds ${data[at]}. Pixels are floats from 0 black to 1 white, ` +
        "or bytes from 0 to 255.",
    );
  }
  const bytes = new Uint8Array(new Uint8ClampedArray(data.map((shade) => shade * 255)).buffer);
  return { count, pixels: pixelsInMemory(bytes, pixels), offset: 0 };
}

/** @throws UserError if the images have another size than a model's */
export function checkImageSet({ pixels }: ImageSet, size: ImageShape): void {
  const found = pixels.read([0]).length;
  if (found === pixelsOf(size)) return;
  throw new UserError(
    `The images of this data set have ${found} numbers each, and this model takes ` +
      `[${imageShape(size)}], ${pixelsOf(size)}.`,
  );
}

/** @throws UserError if the shape is not [N, Z], or a number is not finite */
export function checkLatents({ data, shape }: HostArray<Float32Array>, dimZ: number): void {
  checkArray({ data, shape }, "latents", "a Float32Array");
  const [count, width, ...rest] = shape;
  if (width !== dimZ || rest.length > 0) {
    throw new UserError(`The latents have the shape [${shape}], and this model takes [count,${dimZ}].`);
  }
  if (count === 0) throw new UserError("There are no latents.");
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw new UserError(`Latent ${Math.floor(at / dimZ)} holds ${data[at]}. Its numbers must be finite.`);
}

export function checkSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new UserError(`The seed must be a whole number from 0, not ${seed}.`);
  }
}

/** Draws a near-square grid of images, `[N, height, width]` or `[N, height, width, 3]`, clipped to 0 and 1. */
export function drawImages(images: HostArray<Float32Array>): Picture {
  return squareFigure(asFigure(images));
}

/** Makes each image a picture. */
export function toPictures(images: HostArray<Float32Array>): Picture[] {
  return singlePictures(asFigure(images));
}

/** Joins arrays along the first axis. */
export function joinParts(parts: readonly HostArray<Float32Array>[]): HostArray<Float32Array> {
  const [, ...rest] = parts[0].shape;
  const count = parts.reduce((sum, { shape }) => sum + shape[0], 0);
  const data = new Float32Array(count * sizeOf(rest));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { data, shape: [count, ...rest] };
}

function asFigure({ data, shape }: HostArray<Float32Array>) {
  checkArray({ data, shape }, "images", "a Float32Array");
  const [count, height, width, channels = 1, ...rest] = shape;
  if (shape.length < 3 || rest.length > 0 || ![1, 3].includes(channels) || !(count > 0)) {
    throw new UserError(`Images to draw have a shape [count,height,width] or [count,height,width,3], not [${shape}].`);
  }
  return { pixels: data, height, width, channels };
}

function checkArray({ data, shape }: HostArray, what: string, types: string): void {
  const isOfType = data instanceof Float32Array || (data instanceof Uint8Array && types.includes("Uint8Array"));
  if (!isOfType || !Array.isArray(shape) || !shape.every(Number.isSafeInteger)) {
    throw new UserError(`The ${what} must be { data, shape }: ${types}, row by row, and its sizes.`);
  }
  if (data.length !== sizeOf(shape)) {
    throw new UserError(`The array of ${what} has ${data.length} numbers, and its shape is [${shape}].`);
  }
}
