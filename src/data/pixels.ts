// Images of one size as bytes, by number: in memory, or read from the disk whenever they are wanted.
import { closeSync, openSync, readSync } from "node:fs";
import { UserError } from "../errors.js";
import { addFileName } from "../files/errors.js";

/** Height and width of an image in pixels, and the numbers that each has: 1 of grey, or 3 of red, green and blue. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

const BYTES_AT_ONCE = 4e6;

/** Images of one size, from 0 black to 255 white. */
export interface Pixels {
  /** The images of these numbers, one after the other: numbers.length × height × width × channels bytes. */
  read(numbers: ArrayLike<number>): Uint8Array<ArrayBuffer>;
}

/** The numbers of an image: height × width × channels. */
export function pixelsOf({ height, width, channels }: ImageShape): number {
  return height * width * channels;
}

/** The shape of an image in an array: [height, width], in colour [height, width, 3]. */
export function imageShape({ height, width, channels }: ImageShape): number[] {
  return channels === 1 ? [height, width] : [height, width, channels];
}

/**
 * Checks how many images are asked for.
 *
 * @param available how many there are
 * @throws UserError unless `count` is a whole number from 1 to `available`
 */
export function checkCount(count: number, available = Number.POSITIVE_INFINITY): number {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new UserError(`The count must be a whole number above 0, not ${count}.`);
  }
  if (count > available) {
    throw new UserError(`There are ${available} images, fewer than the ${count} that were asked for.`);
  }
  return count;
}

/** Bytes in units of full white: 0 to 1. */
export function toFloat(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = bytes[i] / 255;
  return values;
}

/** first, first + 1, … */
export function range(first: number, count: number): Uint32Array {
  return new Uint32Array(count).map((_, i) => first + i);
}

/** All images of a set in turn, some at a time: as many as make a few megabytes. */
export function* chunks(pixels: Pixels, count: number, size: number): Generator<Uint8Array, void> {
  const atOnce = Math.max(1, Math.floor(BYTES_AT_ONCE / size));
  for (let first = 0; first < count; first += atOnce) yield pixels.read(range(first, Math.min(atOnce, count - first)));
}

/** Images that lie one after the other in memory. */
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

/** Images that lie one after the other in a file, from byte `start` on. Training takes them in any order: the system keeps what it can. */
export function pixelsInFile(file: string, start: number, size: number): Pixels {
  return {
    read(numbers) {
      const images = new Uint8Array(numbers.length * size);
      const opened = openSync(file, "r");
      try {
        for (let i = 0, count = 1; i < numbers.length; i += count) {
          for (count = 1; numbers[i + count] === numbers[i] + count; ) count++;
          readWhole(opened, images.subarray(i * size, (i + count) * size), start + numbers[i] * size, file);
        }
      } finally {
        closeSync(opened);
      }
      return images;
    },
  };
}

/** Some of other images, by their numbers among these. */
export function select(pixels: Pixels, numbers: Uint32Array): Pixels {
  return {
    read(some) {
      const wanted = new Uint32Array(some.length);
      for (let i = 0; i < some.length; i++) wanted[i] = numbers[some[i]];
      return pixels.read(wanted);
    },
  };
}

/** @throws the system's error, or one like it if the file ends too early */
function readWhole(opened: number, target: Uint8Array, position: number, file: string): void {
  let count: number;
  for (let done = 0; done < target.length; done += count) {
    try {
      count = readSync(opened, target, done, target.length - done, position + done);
    } catch (error) {
      throw addFileName(error, file, "read");
    }
    if (count === 0) throw Object.assign(new Error(`${file} has become shorter`), { syscall: "read" });
  }
}
