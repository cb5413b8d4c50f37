// Decodes image files with sharp.
import path from "node:path";
import type { Sharp } from "sharp";
import type { Size } from "../config/entries.js";
import { isSystemError, UserError } from "../errors.js";
import { checkRegular, isMissing, readBytes } from "../files/read.js";
import { type ImageShape, pixelsOf } from "./pixels.js";

const EXTENSIONS = [".avif", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"];
/** Their names in sharp. */
const FORMATS = ["gif", "heif", "jpeg", "png", "tiff", "webp"];
/** More than cameras have. A small file that decodes to more is a decompression bomb. */
const MAX_PIXELS = 100e6;
const NOT_AN_IMAGE = "it is not an image, or its format is unknown";
const TOO_LARGE = "it has more than 100 million pixels: make it smaller";

export interface DecodedImage extends ImageShape {
  /** `[height, width, channels]`. */
  readonly pixels: Uint8Array;
}

/** An image cannot be used. The message is the reason. */
export class BadImage extends Error {
  override readonly name = "BadImage";
}

/** Whether the file name has the ending of an image. */
export function isImageName(file: string): boolean {
  return EXTENSIONS.includes(path.extname(file).toLowerCase());
}

/**
 * Decodes an image: upright, 8 bits, transparency over black, the first of several frames. Scales it to cover `size`,
 * and crops the rest on both sides.
 *
 * @throws BadImage if it cannot be decoded
 */
export async function decodeImage(file: string, channels: number, size?: Size): Promise<DecodedImage> {
  const { image, ...own } = await openImage(file);
  const { height, width } = size ?? own;
  const scaled = size ? image.resize(width, height, { fit: "cover" }) : image;
  const flat = scaled.flatten({ background: "black" }).toColourspace(channels === 1 ? "b-w" : "srgb");
  const pixels = await flat.raw({ depth: "uchar" }).toBuffer().catch(refuse);
  return { height, width, channels, pixels };
}

/**
 * Decodes image files: `[files.length, height, width, channels]`. `invert` swaps black and white, for dark writing on
 * light paper.
 *
 * @throws UserError for the first file that does not exist or cannot be decoded
 */
export async function decodeImages(files: readonly string[], shape: ImageShape, invert: boolean): Promise<Uint8Array> {
  const size = pixelsOf(shape);
  const bytes = new Uint8Array(files.length * size);
  for (const [i, file] of files.entries()) {
    try {
      bytes.set((await decodeImage(file, shape.channels, shape)).pixels, i * size);
    } catch (error) {
      if (error instanceof BadImage) throw new UserError(`${file} cannot be used: ${error.message}.`);
      if (isMissing(error)) throw new UserError(`There is no file ${file}.`);
      throw error;
    }
  }
  return invert ? bytes.map((byte) => 255 - byte) : bytes;
}

/**
 * Reads the header of an image: its shape, with 3 channels if it is in colour.
 *
 * @throws BadImage if it cannot be read
 */
export async function openImage(file: string): Promise<ImageShape & { image: Sharp }> {
  const { default: sharp } = await import("sharp");
  checkRegular(file);
  const bytes = await readBytes(file);
  if (bytes.length === 0) throw new BadImage("it is empty");
  const image = sharp(bytes, { limitInputPixels: MAX_PIXELS }).autoOrient();
  const { autoOrient, format, space = "" } = await image.metadata().catch(refuse);
  if (!FORMATS.includes(format)) throw new BadImage(NOT_AN_IMAGE);
  if (autoOrient.height * autoOrient.width > MAX_PIXELS) throw new BadImage(TOO_LARGE);
  return { ...autoOrient, channels: ["b-w", "grey16"].includes(space) ? 1 : 3, image };
}

/** Turns the message of libvips into a reason. */
function refuse(error: unknown): never {
  if (!(error instanceof Error) || isSystemError(error)) throw error;
  const line = error.message.split("\n")[0].replace(/^\w+: /, "");
  if (/unsupported image format/.test(line)) throw new BadImage(NOT_AN_IMAGE);
  throw new BadImage(/pixel limit/.test(line) ? TOO_LARGE : `it is damaged (${line})`);
}
