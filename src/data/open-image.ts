// Reads the headers of image files with sharp, and refuses kinds that sharp decodes wrongly. Decodes no pixels.
import type { Metadata, Sharp } from "sharp";
import { isSystemError } from "../errors.js";
import { recognize } from "../formats/recognize.js";
import { printable } from "../wording.js";
import { BadImage } from "./bad-image.js";
import type { ImageShape } from "./pixels.js";
import { checkTiff } from "./tiff-kinds.js";

/** sharp's names of the formats. */
const FORMATS = ["gif", "heif", "jpeg", "png", "svg", "tiff", "webp"];
/** More pixels than cameras have. A small file with more is a decompression bomb. */
const MAX_PIXELS = 100e6;
const NOT_AN_IMAGE = "it is not an image, or its format is unknown";
const TOO_LARGE = "it has more than 100 million pixels: make it smaller";
const USUAL_TYPES = "save it with 8 or 16 bits or as float32";
/** sharp's types of pixels, except bytes, with NumPy's names. */
const DEEP_TYPES: Readonly<Record<string, string>> = {
  char: "int8",
  short: "int16",
  ushort: "uint16",
  int: "int32",
  uint: "uint32",
  float: "float32",
};

/** The header of an image. */
export interface ImageHeader extends ImageShape {
  /** NumPy's name of the type of the pixels. */
  readonly dtype: string;
}

/** An image whose pixels are not decoded yet. */
export interface OpenedImage extends ImageHeader {
  readonly image: Sharp;
  readonly hasAlpha: boolean;
  readonly isAnimated: boolean;
  /** sharp's name of the colour space. */
  readonly space: string;
}

/**
 * Reads the header of an image. Transparency does not count as a channel.
 *
 * @throws BadImage if the header cannot be read, or the kind of image is not supported
 */
export async function openImage(bytes: Uint8Array): Promise<OpenedImage> {
  const { default: sharp } = await import("sharp");
  if (bytes.length === 0) throw new BadImage("it is empty");
  checkTiff(bytes);
  const image = sharp(bytes, { limitInputPixels: MAX_PIXELS }).autoOrient();
  const metadata = await image.metadata().catch((error) => refuse(error, bytes));
  const { autoOrient, format, compression, space = "", hasAlpha = false, pages = 1 } = metadata;
  if (!FORMATS.includes(format) || compression === "hevc") throw new BadImage(describeForeign(bytes));
  if (autoOrient.height * autoOrient.width > MAX_PIXELS) throw new BadImage(TOO_LARGE);
  const dtype = typeOf(metadata);
  const channels = ["b-w", "grey16"].includes(space) ? 1 : 3;
  return { ...autoOrient, channels, dtype, image, hasAlpha, isAnimated: pages > 1, space };
}

/** NumPy's name of the type of the pixels. @throws BadImage if sharp converts it wrongly */
function typeOf({ hasAlpha, ...header }: Metadata): string {
  const [space, depth]: string[] = [header.space ?? "", header.depth ?? ""];
  const dtype = depth === "uchar" ? "uint8" : DEEP_TYPES[depth];
  const isHalf = dtype === "float32" && ["grey16", "rgb16"].includes(space);
  if (!dtype || isHalf) throw new BadImage(`its pixels are ${isHalf ? "16-bit floats" : depth}: ${USUAL_TYPES}`);
  if (space === "cmyk") return "uint8"; // sharp converts it by its colour profile
  const keepsAlpha = ["uint8", "uint16"].includes(dtype) || space === "scrgb";
  if (hasAlpha && !keepsAlpha) throw new BadImage(`its transparency is in ${dtype}: save it with 8 or 16 bits`);
  return dtype;
}

function describeForeign(bytes: Uint8Array): string {
  const foreign = recognize(bytes);
  return foreign ? `it is ${foreign.name}. ${foreign.remedy}`.replace(/\.?\s*$/, "") : NOT_AN_IMAGE;
}

/** Throws a BadImage for an error of libvips. Give the file's `bytes` if its header could not be read. */
export function refuse(error: unknown, bytes?: Uint8Array): never {
  if (!(error instanceof Error) || isSystemError(error)) throw error;
  const isHeic = bytes && /HEIC/.test(recognize(bytes)?.name ?? "");
  if (bytes && (isHeic || /unsupported image format/.test(error.message))) throw new BadImage(describeForeign(bytes));
  const line = error.message.split("\n")[0].replace(/^\w+: /, "");
  throw new BadImage(
    /pixel limit/.test(line) ? TOO_LARGE : /failOn/.test(line) ? "it is damaged" : `it is damaged (${printable(line)})`,
  );
}
