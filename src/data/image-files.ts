// Decodes image files with sharp.
import path from "node:path";
import type { Sharp } from "sharp";
import { isSystemError, UserError } from "../errors.js";
import { checkRegular, readBytes } from "../files/read.js";
import { type ImageShape, pixelsOf } from "./pixels.js";

const EXTENSIONS = [".avif", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"];
/** Their names in sharp. */
const FORMATS = ["gif", "heif", "jpeg", "png", "tiff", "webp"];
/** More than cameras have. A small file that decodes to more is a decompression bomb. */
const MAX_PIXELS = 100e6;
const NOT_AN_IMAGE = "it is not an image, or its format is unknown";

export interface WantedShape {
  /** Undefined: the image's own. */
  readonly size?: Omit<ImageShape, "channels"> | undefined;
  /** Undefined: 3 if the image is in colour. */
  readonly channels?: 1 | 3 | undefined;
}

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
 * Decodes an image: upright, 8 bits, transparency over black, the first of several frames. Scales it to cover the wanted size, and crops
 * the rest on both sides.
 *
 * @throws BadImage if it cannot be decoded
 */
export async function decodeImage(file: string, wanted: WantedShape): Promise<DecodedImage> {
  const { image, height, width, channels } = await openImage(file);
  const shape = { ...(wanted.size ?? { height, width }), channels: wanted.channels ?? channels };
  const scaled = wanted.size ? image.resize(shape.width, shape.height, { fit: "cover" }) : image;
  const pixels = await decoding(() =>
    scaled
      .flatten({ background: "black" })
      .toColourspace(shape.channels === 1 ? "b-w" : "srgb")
      .raw({ depth: "uchar" })
      .toBuffer(),
  );
  return { ...shape, pixels };
}

/** Reads the shape of an image from its header. @throws BadImage if it cannot be read */
export async function measureImage(file: string): Promise<ImageShape> {
  const { height, width, channels } = await openImage(file);
  return { height, width, channels };
}

/**
 * Decodes image files to one shape.
 *
 * @param invert whether to swap black and white, as for dark writing on light paper
 * @returns `[files.length, height, width, channels]`
 * @throws UserError for the first file that does not exist or cannot be decoded
 */
export async function decodeImages(files: readonly string[], shape: ImageShape, invert: boolean): Promise<Uint8Array> {
  const size = pixelsOf(shape);
  const bytes = new Uint8Array(files.length * size);
  for (const [i, file] of files.entries()) {
    try {
      const { pixels } = await decodeImage(file, { size: shape, channels: shape.channels as 1 | 3 });
      bytes.set(pixels, i * size);
    } catch (error) {
      if (error instanceof BadImage) throw new UserError(`${file} cannot be used: ${error.message}.`);
      if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new UserError(`There is no file ${file}.`);
      throw error;
    }
  }
  return invert ? bytes.map((byte) => 255 - byte) : bytes;
}

async function openImage(file: string): Promise<ImageShape & { image: Sharp }> {
  const { default: sharp } = await import("sharp");
  checkRegular(file);
  const bytes = await readBytes(file);
  if (bytes.length === 0) throw new BadImage("it is empty");
  return decoding(async () => {
    const image = sharp(bytes, { limitInputPixels: MAX_PIXELS }).autoOrient();
    const { autoOrient, format, space = "" } = await image.metadata();
    if (!FORMATS.includes(format)) throw new BadImage(NOT_AN_IMAGE);
    if (autoOrient.height * autoOrient.width > MAX_PIXELS) {
      throw new BadImage(
        `it has ${autoOrient.width}×${autoOrient.height} pixels, more than 100 million: make it smaller`,
      );
    }
    return { ...autoOrient, channels: ["b-w", "grey16"].includes(space) ? 1 : 3, image };
  });
}

async function decoding<Result>(decode: () => Promise<Result>): Promise<Result> {
  try {
    return await decode();
  } catch (error) {
    if (error instanceof BadImage || !(error instanceof Error) || isSystemError(error)) throw error;
    throw new BadImage(explain(error.message));
  }
}

/** Turns the message of libvips into a reason. */
function explain(message: string): string {
  const line = message.split("\n")[0].replace(/^\w+: /, "");
  if (/unsupported image format/.test(line)) return NOT_AN_IMAGE;
  if (/pixel limit/.test(line)) return "it has more than 100 million pixels: make it smaller";
  return `it is damaged (${line})`;
}
