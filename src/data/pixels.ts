// Images of one shape, addressed by number, as bytes in memory or on disk.
import { closeSync, openSync, readSync } from "node:fs";
import { objectWith, satisfying } from "../arguments.js";
import { UserError } from "../errors.js";
import { addFileName } from "../files/read.js";
import { type Checker, checkValue } from "../values/checker.js";
import { wholeNumber } from "../values/domains.js";
import { describeValue } from "../wording.js";

/** Height and width in pixels, and the channels of each: 1 (grey) or 3 (red, green, blue). */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Picks the shape out of an object that has one. */
export function shapeOf({ height, width, channels }: ImageShape): ImageShape {
  return { height, width, channels };
}

const CHUNK_BYTES = 4e6;

/** Images as bytes from 0 black to 255 white. */
export interface Pixels {
  /** Reads the images with these numbers: `[numbers.length, height, width, channels]`. */
  read(numbers: ArrayLike<number>): Uint8Array<ArrayBuffer>;
}

/** The images of a file or a folder. */
export interface Images {
  readonly shape: ImageShape;
  readonly count: number;
  readonly pixels: Pixels;
  /** The encoder's inputs, if they differ from the images: the corrupted images of pairs. */
  readonly inputs?: Pixels | undefined;
  /** The class of each image, if there are classes. */
  readonly labels?: Uint16Array | undefined;
  /** Returns where an image comes from. */
  readonly origin?: ((image: number) => Origin) | undefined;
}

/** The file of an image, or its row in an array of a split. */
export interface Origin {
  readonly file?: string;
  readonly split?: string;
  readonly row?: number;
}

/** The number of values in an image: height × width × channels. */
export function pixelsOf({ height, width, channels }: ImageShape): number {
  return height * width * channels;
}

/** The shape of an image in an array: `[height, width]`, in colour `[height, width, 3]`. */
export function imageShape({ height, width, channels }: ImageShape): number[] {
  return channels === 1 ? [height, width] : [height, width, channels];
}

const SIDE = wholeNumber({ min: 1, max: Number.MAX_SAFE_INTEGER });
const CHANNELS = satisfying("be 1 or 3", (value) => value === 1 || value === 3);
const SHAPE: Checker<ImageShape> = objectWith({ height: SIDE, width: SIDE, channels: CHANNELS });

/** @throws UserError unless the sides are positive integers. Their size is not limited: drawn images may be large */
export function checkShape<Shape extends ImageShape>(shape: Shape): Shape {
  checkValue("The size of an image", SHAPE, shape);
  return shape;
}

/** Formats a shape as width × height: 28×20, or 28×20 in colour. */
export function describeShape({ height, width, channels }: ImageShape): string {
  return `${width}×${height}${channels === 3 ? " in colour" : ""}`;
}

/** Checks a number of images. */
export const COUNT = wholeNumber({ min: 1, max: Number.MAX_SAFE_INTEGER });

/** Returns `count`. @throws UserError unless it is a whole number from 1 to `available` */
export function checkCount(count: number, available = Infinity): number {
  checkValue("The count", COUNT, count);
  if (count <= available) return count;
  throw new UserError(`There are only ${available} images, fewer than the ${count} requested.`);
}

/** Scales bytes to floats from 0 to 1. */
export function toFloat(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = bytes[i] / 255;
  return values;
}

/** first, first + 1, … */
export function range(first: number, count: number): Uint32Array {
  return new Uint32Array(count).map((_, i) => first + i);
}

/** Yields the first `count` images in chunks of a few megabytes. `size`: bytes per image. */
export function* chunks(pixels: Pixels, count: number, size: number): Generator<Uint8Array, void> {
  const length = Math.max(1, Math.floor(CHUNK_BYTES / size));
  for (let first = 0; first < count; first += length) yield pixels.read(range(first, Math.min(length, count - first)));
}

/** Consecutive images of `size` bytes in memory. */
export function pixelsInMemory(bytes: Uint8Array, size: number): Pixels {
  return {
    read(numbers) {
      const images = new Uint8Array(numbers.length * size);
      for (let i = 0; i < numbers.length; i++) {
        images.set(bytes.subarray(numbers[i] * size, (numbers[i] + 1) * size), i * size);
      }
      return images;
    },
  };
}

/** Closes the files of garbage-collected `Pixels`. */
const opened = new FinalizationRegistry(close);

/** Closes a file that was only read. A failure loses nothing, but thrown by a finalizer it would end the process. */
function close(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {}
}

/**
 * Consecutive images of `size` bytes in a file, from byte `start` on. Every `read` reads the file, which the system
 * caches. The file stays open, so that it remains readable when another process replaces it in the cache.
 */
export function pixelsInFile(file: string, start: number, size: number): Pixels {
  const descriptor = openSync(file, "r");
  const pixels: Pixels = {
    read(numbers) {
      const images = new Uint8Array(numbers.length * size);
      try {
        for (let i = 0, count = 1; i < numbers.length; i += count) {
          for (count = 1; numbers[i + count] === numbers[i] + count; ) count++;
          readFully(descriptor, images.subarray(i * size, (i + count) * size), start + numbers[i] * size);
        }
      } catch (error) {
        throw addFileName(error, file, "read");
      }
      return images;
    },
  };
  opened.register(pixels, descriptor);
  return pixels;
}

/** A view of the images with these numbers, renumbered from 0. */
export function select(pixels: Pixels, numbers: Uint32Array): Pixels {
  return {
    read(some) {
      if (!Array.isArray(some) && !ArrayBuffer.isView(some)) throw new UserError("The numbers must be an array.");
      return pixels.read(Uint32Array.from(some, (image) => numberIn(numbers, image)));
    },
  };
}

/** The number at position `image`. @throws UserError if there is none */
export function numberIn(numbers: Uint32Array, image: number): number {
  const number = Number.isSafeInteger(image) ? numbers[image] : undefined;
  if (number !== undefined) return number;
  throw new UserError(`There is no image ${describeValue(image)}. They are numbered from 0 to ${numbers.length - 1}.`);
}

/** Reads bytes `start` to `end` of a file. */
export function readRange(file: string, start: number, end: number): Uint8Array<ArrayBuffer> {
  const descriptor = openSync(file, "r");
  try {
    const bytes = new Uint8Array(end - start);
    readFully(descriptor, bytes, start);
    return bytes;
  } catch (error) {
    throw addFileName(error, file, "read");
  } finally {
    close(descriptor);
  }
}

function readFully(opened: number, target: Uint8Array, position: number): void {
  for (let done = 0; done < target.length; ) {
    const count = readSync(opened, target, done, target.length - done, position + done);
    if (count === 0) throw Object.assign(new Error("it was truncated while it was in use"), { syscall: "read" });
    done += count;
  }
}
