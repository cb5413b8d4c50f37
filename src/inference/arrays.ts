// Checks, draws and joins the arrays of models.
import type { ImageSet } from "../data/dataset.js";
import { prepareImages } from "../data/input.js";
import { type ImageShape, imageShape, pixelsInMemory, pixelsOf } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { singlePictures, squareFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import { type HostArray, sizeOf } from "../tree.js";
import { checkTiles } from "./views.js";

/** Images of an array. */
interface GivenImages extends ImageSet {
  /** count × pixels, if they were given as floats: these are exact. */
  readonly floats?: Float32Array;
}

/**
 * Makes a set of images of bytes, or of floats, which may lie beyond 0 and 1 if they are noisy.
 *
 * @throws UserError if the shape is not that of the model's images, or the values are on another scale
 */
export function asImageSet({ data, shape }: HostArray, size: ImageShape, isNoisy: boolean): GivenImages {
  checkArray({ data, shape }, "images", "a Uint8Array or a Float32Array");
  if (shape[0] === 0) throw new UserError("There are no images.");
  if (shape.length === 2 && size.channels > 1) {
    const [last, first] = [imageShape(size), [size.channels, size.height, size.width]];
    throw new UserError(`The images are rows of ${shape[1]} values. Give their shape, [N,${last}] or [N,${first}].`);
  }
  const dtype = data instanceof Uint8Array ? "uint8" : "float32";
  const raw = { name: "The array of images", dtype, shape, values: data };
  const { images, scale } = prepareImages(raw, size, { isNoisy });
  const { conversion } = scale;
  if (conversion) throw new UserError(`The images have ${conversion.from}. Give ${conversion.formula}.`);
  const [count] = images.shape;
  const pixels = pixelsOf(size);
  if (images.data instanceof Uint8Array) return { count, pixels: pixelsInMemory(images.data, pixels), offset: 0 };
  const floats = images.data;
  const bytes = new Uint8Array(new Uint8ClampedArray(floats.map((shade) => shade * 255)).buffer);
  return { count, pixels: pixelsInMemory(bytes, pixels), offset: 0, floats };
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

/**
 * Draws a near-square grid of images, `[N, height, width]` or `[N, height, width, 3]`, clipped to 0 and 1.
 *
 * @throws UserError if they are too many for a picture
 */
export function drawImages(images: HostArray<Float32Array>): Picture {
  const figure = asFigure(images);
  checkTiles(figure, images.shape[0], "Draw fewer.");
  return squareFigure(figure);
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
