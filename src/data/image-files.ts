// Decodes image files with sharp to bytes of one size on a background.
import path from "node:path";
import type { Sharp } from "sharp";
import { UserError } from "../errors.js";
import { isMissing, readBytes } from "../files/read.js";
import type { Size } from "../values/size.js";
import { BadImage } from "./bad-image.js";
import { type OpenedImage, openImage, refuse } from "./open-image.js";
import type { ImageShape } from "./pixels.js";
import {
  chooseScale,
  describeScale,
  joinRanges,
  measureRange,
  type Range,
  type Scale,
  type Scales,
  toBytes,
} from "./scale.js";

export const IMAGE_ENDINGS = [
  ...[".avif", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".svg", ".tif", ".tiff", ".webp"],
];
const NOT_FINITE = "it holds values that are NaN or infinite";
/** Pixels that differ from the background by less than this, of 255, are hardly visible. */
const FAINT = 32;
/** Shifts int16 to the range of uint16, because sharp's conversion of grey clips negative values to 0. */
const INT16_SHIFT = 32_768;
/** Bytes per strip of an image of more than eight bits. Large, because a strip decodes all rows above it again. */
const STRIP_BYTES = 150e6;
/** The number of values to convert at a time. */
const BLOCK_VALUES = 4e6;

export type Background = "black" | "white";
/** The shade of drawings that are invisible on a background. */
export const SHADES: Readonly<Record<Background, string>> = { black: "dark", white: "light" };

export interface DecodeOptions {
  readonly channels: number;
  /** Scales the image to cover this size, and crops the rest on both sides. */
  readonly size?: Size | undefined;
  /** The colour behind transparent pixels. */
  readonly background: Background;
  /** The scales of pixels of more than eight bits. */
  readonly scales: Scales;
}

export interface DecodedImage extends ImageShape {
  /** `[height, width, channels]`. */
  readonly pixels: Uint8Array;
  /** Whether the background hides the drawing, whose shape is in the transparency and not in the colours. */
  readonly isHidden: boolean;
  /** Whether frames after the first are left out. */
  readonly isAnimated: boolean;
}

/** Whether a file name has the extension of an image. */
export function isImageName(file: string): boolean {
  return IMAGE_ENDINGS.includes(path.extname(file).toLowerCase());
}

/**
 * Decodes an image, or the first frame of an animation, to 8 bits and upright. Grey is 0.299 red + 0.587 green + 0.114
 * blue (ITU-R BT.601), as in Pillow and OpenCV.
 *
 * @throws BadImage if it cannot be decoded
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions): Promise<DecodedImage> {
  const { channels, size, background, scales } = options;
  const opened = await openImage(bytes);
  const image = await toEightBits(opened, scales);
  const { height, width } = size ?? opened;
  const scaled = size ? image.resize(width, height, { fit: "cover" }) : image;
  const isGrey = opened.channels === 1;
  const flat = scaled
    .clone()
    .flatten({ background })
    .toColourspace(isGrey && channels === 1 ? "b-w" : "srgb");
  const decoded: Uint8Array = await flat.raw({ depth: "uchar" }).toBuffer().catch(refuse);
  const pixels = !isGrey && channels === 1 ? toGrey(decoded) : decoded;
  const isHidden = opened.hasAlpha && (await hides(background, pixels, scaled));
  return { height, width, channels, pixels, isHidden, isAnimated: opened.isAnimated };
}

/** How to fit image files to a model. */
interface Fitting {
  readonly invert: boolean;
  readonly background: Background;
  /** The scales of the training images. */
  readonly scales?: Scales | undefined;
  /** Reads a file, by default from the disk. */
  readonly read?: (file: string) => Promise<Uint8Array>;
}

/**
 * Decodes image files: `[files.length, height, width, channels]`. `invert` swaps black and white, for dark writing on
 * light paper. Transparent pixels become the background, inverted or not.
 *
 * @returns pixels, notes on how they were read, and whether the background hides a drawing
 * @throws UserError for the first file that does not exist or cannot be decoded
 */
export async function decodeImages(
  files: readonly string[],
  shape: ImageShape,
  fitting: Fitting,
): Promise<{ pixels: Uint8Array; notes: string[]; isHidden: boolean }> {
  const { invert, background: own, scales: trained, read = readBytes } = fitting;
  const [first] = files;
  const name = files.length === 1 ? first : `${first} and others`;
  const open = async (file: string) => openImage(await read(file)); // files are read twice to save memory
  const deep = await forEach(files, async (file) => measureDeep(await open(file)));
  const scales = chooseScales(deep, name, trained);
  const background: Background = invert === (own === "black") ? "white" : "black";
  const options = { channels: shape.channels, size: shape, background, scales };
  const decoded = await forEach(files, async (file) => decodeImage(await read(file), options));
  const bytes = Buffer.concat(decoded.map(({ pixels }) => pixels));
  const scale = chooseScale(measureRange(bytes), "uint8", trained);
  const pixels = toBytes(bytes, scale);
  const hidden = files.filter((_, i) => decoded[i].isHidden);
  return {
    pixels: invert ? pixels.map((byte) => 255 - byte) : pixels,
    isHidden: hidden.length > 0,
    notes: [
      ...hidden.map(
        (file) =>
          `${file} is ${SHADES[background]} on transparency, which becomes ${background}. ` +
          `${invert ? "Leave out" : "Give"} \`invert\` to show it.`,
      ),
      ...[...Object.values(scales), scale].flatMap((one) => (one?.conversion ? describeScale(name, one) : [])),
    ],
  };
}

/** Calls `act` for each file. @throws UserError that names the file */
async function forEach<Result>(files: readonly string[], act: (file: string) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const file of files) {
    try {
      results.push(await act(file));
    } catch (error) {
      if (error instanceof BadImage) throw new UserError(`${file} cannot be used: ${error.message}.`);
      if (isMissing(error)) throw new UserError(`There is no file ${file}.`);
      throw error;
    }
  }
  return results;
}

/** The range of an image of more than eight bits. */
export interface DeepRange {
  readonly dtype: string;
  readonly range: Range;
}

/**
 * Measures the pixels of an image before any conversion.
 *
 * @returns undefined for images of eight bits
 * @throws BadImage if it cannot be decoded, or holds NaN
 */
export async function measureDeep(opened: OpenedImage): Promise<DeepRange | undefined> {
  if (opened.dtype === "uint8") return undefined;
  const ranges: Range[] = [];
  for await (const values of readDeep(opened)) ranges.push(measureRange(colours(values, opened)));
  return { range: joinRanges(ranges), dtype: opened.dtype };
}

/** Chooses a scale for each type of pixels. @throws UserError that begins with `name`, if no scale fits */
export function chooseScales(
  measured: readonly (DeepRange | undefined)[],
  name: string,
  trained?: Scales | undefined,
): Scales {
  const deep = measured.filter((one) => one !== undefined);
  const scaleOf = (type: string) => {
    try {
      return chooseScale(
        joinRanges(deep.filter(({ dtype }) => dtype === type).map(({ range }) => range)),
        type,
        trained,
      );
    } catch (error) {
      throw error instanceof UserError ? new UserError(`${name} ${error.message}`) : error;
    }
  };
  return Object.fromEntries([...new Set(deep.map(({ dtype }) => dtype))].map((type) => [type, scaleOf(type)]));
}

/** Whether sharp's own conversion suffices: it keeps the upper eight of sixteen bits. */
function convertsLikeSharp({ step, floors }: Scale, { dtype }: OpenedImage): boolean {
  return dtype === "uint16" && floors === true && step === 256;
}

/**
 * Yields an image's unconverted values, some rows at a time. Decodes large images in strips.
 *
 * @throws BadImage if it cannot be decoded, or holds NaN
 */
async function* readDeep(opened: OpenedImage): AsyncGenerator<Float32Array, void> {
  const { image, space, dtype, width, height, channels, hasAlpha } = opened;
  const isClipped = dtype === "int16" && space === "grey16";
  const source = isClipped ? image.clone().linear(1, INT16_SHIFT) : image;
  const isShort = dtype === "uint16";
  const perRow = width * (channels + (hasAlpha ? 1 : 0));
  const rows = Math.ceil(STRIP_BYTES / (perRow * (isShort ? 2 : 4)));
  const block = perRow * Math.ceil(BLOCK_VALUES / perRow);
  for (let top = 0; top < height; top += rows) {
    const part = { left: 0, top, width, height: Math.min(rows, height - top) };
    const strip = rows < height ? source.clone().extract(part) : source.clone();
    const raw: Buffer = await strip
      .toColourspace(space)
      .raw({ depth: isShort ? "ushort" : "float" })
      .toBuffer()
      .catch(refuse);
    const { buffer, byteOffset, length } = raw;
    const all = isShort
      ? new Uint16Array(buffer, byteOffset, length / 2)
      : new Float32Array(buffer, byteOffset, length / 4);
    for (let start = 0; start < all.length; start += block) {
      const values = new Float32Array(all.subarray(start, start + block));
      if (dtype === "float32" && !values.every(Number.isFinite)) throw new BadImage(NOT_FINITE);
      yield isClipped ? values.map((value) => value - INT16_SHIFT) : values;
    }
  }
}

/** Removes transparency from values. */
function colours(values: Float32Array, { channels, hasAlpha }: OpenedImage): Float32Array {
  if (!hasAlpha) return values;
  const opaque = new Float32Array((values.length / (channels + 1)) * channels);
  for (let i = 0; i < opaque.length; i++) opaque[i] = values[i + Math.floor(i / channels)];
  return opaque;
}

/** Scales pixels to bytes. */
async function toEightBits(opened: OpenedImage, scales: Scales): Promise<Sharp> {
  const { width, height, channels, hasAlpha, dtype } = opened;
  if (dtype === "uint8") return opened.image;
  const scale = scales[dtype];
  if (!scale) throw new BadImage("it changed while it was read");
  if (convertsLikeSharp(scale, opened)) return opened.image;
  const { default: sharp } = await import("sharp");
  const perPixel = channels + (hasAlpha ? 1 : 0);
  const opaque = dtype === "uint16" ? 65_535 : 1;
  const bytes = new Uint8Array(height * width * perPixel);
  let start = 0;
  for await (const values of readDeep(opened)) {
    const strip = toBytes(values, scale);
    if (hasAlpha) {
      for (let i = channels; i < values.length; i += perPixel) strip[i] = Math.round((values[i] / opaque) * 255);
    }
    bytes.set(strip, start);
    start += strip.length;
  }
  return sharp(bytes, { raw: { width, height, channels: perPixel as 1 | 2 | 3 | 4 } });
}

/** Converts red, green and blue to grey, rounded as in Pillow. */
function toGrey(colours: Uint8Array): Uint8Array {
  const grey = new Uint8Array(colours.length / 3);
  for (let i = 0, at = 0; i < grey.length; i++, at += 3) {
    grey[i] = (colours[at] * 19_595 + colours[at + 1] * 38_470 + colours[at + 2] * 7_471 + 0x8000) >> 16;
  }
  return grey;
}

/** Whether all pixels are close to the background while the transparency of `image` has more contrast. */
async function hides(background: Background, pixels: Uint8Array, image: Sharp): Promise<boolean> {
  const { min, max } = measureRange(pixels);
  const distance = background === "black" ? max : 255 - min;
  if (distance >= FAINT) return false;
  const alpha = await image.clone().extractChannel("alpha").raw({ depth: "uchar" }).toBuffer().catch(refuse);
  const shape = measureRange(alpha);
  return shape.max - shape.min > 2 * (max - min);
}
