// Checks and joins the arrays of models.
import type { ImageSet } from "../data/dataset.js";
import { prepareImages } from "../data/input.js";
import { type ImageShape, imageShape, pixelsInMemory, pixelsOf } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { type HostArray, type HostData, sizeOf } from "../tree.js";
import { flatten, MAX_NUMBERS, type NestedArray } from "./nested.js";
import type { Encoded } from "./trained-model.js";

/** Images of an array. */
export interface ArrayImages extends ImageSet {
  /** count × pixels, if they were given as floats: these are exact. */
  readonly floats?: Float32Array;
}

/** An array of the library's user: row by row with its shape, or nested. */
export type GivenArray<Data extends HostData = HostData> = HostArray<Data> | NestedArray;

/**
 * Makes a set of images of bytes, or of floats, which may lie beyond 0 and 1 if they are noisy.
 *
 * @throws UserError if the shape is not that of the model's images, or the values are on another scale
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

/** @throws UserError if the shape is not [N, Z], or a number is not finite */
export function asLatents(given: unknown, dimZ: number): HostArray<Float32Array> {
  const { data, shape } = asArray(given, "latents", "a Float32Array");
  const [, width, ...rest] = shape;
  if (!(data instanceof Float32Array)) throw new UserError("The latents are bytes. Give a Float32Array.");
  if (width !== dimZ || rest.length > 0) {
    throw new UserError(`The latents have the shape [${shape}], and this model takes [count,${dimZ}].`);
  }
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw new UserError(`Latent ${Math.floor(at / dimZ)} holds ${data[at]}. Its numbers must be finite.`);
  return { data, shape };
}

/**
 * Checks the size of a result before it is computed.
 *
 * @param numbers of each of the `count` rows
 * @param instead methods that give it in parts
 * @throws UserError if it is too large for one array
 */
export function checkResult(count: number, numbers: number, instead: string): void {
  if (count * numbers <= MAX_NUMBERS) return;
  throw new UserError(`The result for ${count} images would have ${count * numbers} numbers. Use ${instead}.`);
}

/** @throws UserError if a result is not finite */
export function checkFinite({ data }: HostArray<Float32Array>, inputs: string): void {
  if (data.every(Number.isFinite)) return;
  throw new UserError(`The model overflows for these ${inputs}: they are too far from those of its training.`);
}

/** Collects the parts of an encoding in memory, and joins them. There is at least one. */
export async function joinEncoded(parts: AsyncIterable<Encoded>): Promise<Encoded> {
  const zs: HostArray<Float32Array>[] = [];
  const sigmas: HostArray<Float32Array>[] = [];
  for await (const { z, sigma } of parts) {
    zs.push(z);
    if (sigma) sigmas.push(sigma);
  }
  return { z: joinParts(zs), ...(sigmas.length > 0 && { sigma: joinParts(sigmas) }) };
}

/** Joins arrays along the first axis. */
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

/** @throws UserError unless the array is a nested one, or has data of bytes or float32 and a shape that fits */
export function asArray(given: unknown, what: string, types = "a Uint8Array or a Float32Array"): HostArray {
  if (Array.isArray(given)) return flatten(given, what);
  const { data, shape }: Partial<Record<string, unknown>> = Object(given);
  const isOfType = data instanceof Float32Array || data instanceof Uint8Array;
  const isShape = Array.isArray(shape) && shape.length <= MAX_AXES;
  if (!isOfType || !isShape || !Array.from(shape).every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new UserError(
      `The ${what} must be { data, shape }: ${types}, row by row, and its sizes; or nested arrays of numbers.`,
    );
  }
  if (data.length !== sizeOf(shape)) {
    throw new UserError(`The array of ${what} has ${data.length} numbers, and its shape is [${shape}].`);
  }
  if (data.length === 0) throw new UserError(`There are no ${what}.`);
  // onnxruntime takes no shared memory.
  return { data: data.buffer instanceof SharedArrayBuffer ? data.slice() : data, shape };
}
