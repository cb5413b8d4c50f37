// The arrays that go into a model and come out of it: what they must be, and how they look.
import type { ImageShape } from "../data/pixels.js";
import { pixelsOf } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { singlePictures, squareFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import type { HostArray } from "../tree.js";
import { sizeOf } from "../tree.js";

/** The sizes of an image in an array: height and width, and in colour 3. */
export function imageShape({ height, width, channels }: ImageShape): number[] {
  return channels === 1 ? [height, width] : [height, width, channels];
}

/**
 * Checks images that a model is to see: `[N, height, width]`, in colour `[N, height, width, 3]`, or `[N, pixels]`, of one image at least.
 *
 * @param isNoisy whether floats may lie beyond 0 and 1
 * @throws UserError if the shape is another, or a float is no shade from 0 black to 1 white
 */
export function checkImages({ data, shape }: HostArray, image: ImageShape, isNoisy: boolean): void {
  checkArray({ data, shape }, "images", "a Uint8Array or a Float32Array");
  const [count, ...rest] = shape;
  const size = pixelsOf(image);
  if (rest.join() !== imageShape(image).join() && rest.join() !== String(size)) {
    throw new UserError(
      `The images are of the shape [${shape}], and this model takes [count,${imageShape(image)}] or [count,${size}].`,
    );
  }
  if (count === 0) throw new UserError("There are no images.");
  if (data instanceof Uint8Array) return;
  const at = data.findIndex((shade) => !(isNoisy ? Number.isFinite(shade) : shade >= 0 && shade <= 1));
  if (at >= 0) {
    throw new UserError(
      `Image ${Math.floor(at / size)} holds ${data[at]}. Pixels are floats from 0 black to 1 white, or bytes from 0 to 255.`,
    );
  }
}

/**
 * Checks places in a latent space: `[N, Z]`, one at least.
 *
 * @throws UserError if the shape is another, or a number is NaN or infinite
 */
export function checkLatents({ data, shape }: HostArray<Float32Array>, dimZ: number): void {
  checkArray({ data, shape }, "latents", "a Float32Array");
  const [count, width, ...rest] = shape;
  if (width !== dimZ || rest.length > 0) {
    throw new UserError(`The latents are of the shape [${shape}], and this model takes [count,${dimZ}].`);
  }
  if (count === 0) throw new UserError("There are no latents.");
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw new UserError(`Latent ${Math.floor(at / dimZ)} holds ${data[at]}. Its numbers must be finite.`);
}

/** A near-square grid of images of the shape `[N, height, width]` or `[N, height, width, 3]`, 0 to 1. What lies beyond is cut off. */
export function drawImages(images: HostArray<Float32Array>): Picture {
  return squareFigure(asFigure(images));
}

/** Each image as a picture of its own, in its own size. */
export function toPictures(images: HostArray<Float32Array>): Picture[] {
  return singlePictures(asFigure(images));
}

/** @throws UserError if it cannot be the address of random draws */
export function checkAddress(address: { readonly seed: number; readonly first?: number }): void {
  for (const [name, value] of Object.entries(address)) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new UserError(`${name} must be a whole number from 0, not ${value}.`);
    }
  }
}

/** The parts of an array of so many rows each, but for the last, and the number of the first row of each. They share its memory. */
export function* inParts<A extends HostArray>({ data, shape }: A, rows: number): Generator<{ first: number; part: A }> {
  const [count, ...rest] = shape;
  const size = sizeOf(rest);
  for (let first = 0; first < count; first += rows) {
    const length = Math.min(rows, count - first);
    const part = { data: data.subarray(first * size, (first + length) * size), shape: [length, ...rest] };
    yield { first, part: part as unknown as A };
  }
}

/** Floats from 0 to 1 as bytes; what lies beyond is cut off. */
export function toBytes(shades: Float32Array): Uint8Array {
  return new Uint8Array(new Uint8ClampedArray(shades.map((shade) => shade * 255)).buffer);
}

function asFigure({ data, shape }: HostArray<Float32Array>) {
  checkArray({ data, shape }, "images", "a Float32Array");
  const [count, height, width, channels = 1] = shape;
  if (shape.length < 3 || shape.length > 4 || ![1, 3].includes(channels) || !(count > 0)) {
    throw new UserError(
      `Images to draw are of a shape [count,height,width] or [count,height,width,3], not [${shape}].`,
    );
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
