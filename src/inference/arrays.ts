// Checks arrays given to models, and joins arrays they return.
import type { ImageSet } from "../data/dataset.js";
import { prepareImages } from "../data/input.js";
import { type ImageShape, imageShape, pixelsInMemory, pixelsOf } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { type HostArray, type HostData, sizeOf } from "../tree.js";
import type { Encoded } from "./coding.js";
import { flatten, MAX_NUMBERS, type NestedArray } from "./nested.js";

/** Images from an array. */
export interface ArrayImages extends ImageSet {
  /** count × pixels, if given as floats: exact, unlike the bytes. */
  readonly floats?: Float32Array;
}

/** An array given by a user of the library: row-major with its shape, or nested. */
export type GivenArray<Data extends HostData = HostData> = HostArray<Data> | NestedArray;

/**
 * Makes an image set from bytes or floats.
 *
 * @param isNoisy allows floats beyond 0 and 1
 * @throws UserError if the shape does not match the model's images, or the values have another scale
 */
export function asImageSet(given: unknown, size: ImageShape, isNoisy: boolean): ArrayImages {
  const { data, shape } = asArray(given, "images");
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

/** Checks latents. @throws UserError if the shape is not [N, Z], or a number is not finite */
export function asLatents(given: unknown, dimZ: number): HostArray<Float32Array> {
  const { data, shape } = asArray(given, "latents", "a Float32Array");
  const [, width, ...rest] = shape;
  if (!(data instanceof Float32Array)) throw new UserError("The latents are bytes. Give a Float32Array.");
  if (width !== dimZ || rest.length > 0) {
    throw new UserError(`The latents have the shape [${shape}], but this model takes [count,${dimZ}].`);
  }
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw new UserError(`Latent ${Math.floor(at / dimZ)} holds ${data[at]}. Its numbers must be finite.`);
  return { data, shape };
}

/**
 * Checks the size of a result before computing it.
 *
 * @param numbers in each of the `count` rows
 * @param instead methods that return it in parts, for the message
 * @throws UserError if it is too large for one array
 */
export function checkResult(count: number, numbers: number, instead: string): void {
  if (count * numbers <= MAX_NUMBERS) return;
  throw new UserError(`The result for ${count} images would have ${count * numbers} numbers. Use ${instead}.`);
}

/** @throws UserError if a result is not finite */
export function checkFinite({ data }: HostArray<Float32Array>, inputs: string): void {
  if (data.every(Number.isFinite)) return;
  throw new UserError(`The model overflows for these ${inputs}. Give values closer to its training data.`);
}

/** Joins the parts of an encoding, at least one, in memory. */
export async function joinEncoded(parts: AsyncIterable<Encoded>): Promise<Encoded> {
  const zs: HostArray<Float32Array>[] = [];
  const sigmas: HostArray<Float32Array>[] = [];
  for await (const { z, sigma } of parts) {
    zs.push(z);
    if (sigma) sigmas.push(sigma);
  }
  return { z: joinParts(zs), ...(sigmas.length > 0 && { sigma: joinParts(sigmas) }) };
}

/** Concatenates arrays along the first axis. */
function joinParts(parts: readonly HostArray<Float32Array>[]): HostArray<Float32Array> {
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

const MAX_AXES = 8;

/** Checks an array, and flattens a nested one. @throws UserError if types, shape and data do not match */
export function asArray(given: unknown, what: string, types = "a Uint8Array or a Float32Array"): HostArray {
  if (Array.isArray(given)) return flatten(given, what);
  const { data, shape }: Partial<Record<string, unknown>> = Object(given);
  const isOfType = data instanceof Float32Array || data instanceof Uint8Array;
  const isShape = Array.isArray(shape) && shape.length <= MAX_AXES;
  if (!isOfType || !isShape || !Array.from(shape).every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new UserError(
      `The ${what} must be { data, shape } with row-major data, ${types}, or nested arrays of numbers.`,
    );
  }
  if (data.length !== sizeOf(shape)) {
    throw new UserError(`The array of ${what} has ${data.length} numbers, but its shape is [${shape}].`);
  }
  if (data.length === 0) throw new UserError(`There are no ${what}.`);
  // onnxruntime rejects shared memory.
  return { data: data.buffer instanceof SharedArrayBuffer ? data.slice() : data, shape };
}
