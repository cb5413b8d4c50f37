// Decodes a collection of image files into one cached array of images of the same shape.
import { UserError } from "../errors.js";
import { cached, type Reserve } from "../files/cache.js";
import type { Size } from "../values/size.js";
import { printable } from "../wording.js";
import { openBytes } from "./arrays.js";
import { BadImage } from "./bad-image.js";
import type { DataOptions } from "./dataset.js";
import { type Background, chooseScales, type DeepRange, decodeImage, measureDeep, SHADES } from "./image-files.js";
import type { BadFile } from "./listing.js";
import { openImage } from "./open-image.js";
import { type ImageShape, type Pixels, pixelsOf, range, select } from "./pixels.js";
import { chooseScaleOf, describeScale, joinRanges, measureRange, type Range, rescale, type Scales } from "./scale.js";

/** Limits the images that are decoded at the same time, and their pixels, which count four times above eight bits. */
const MAX_AT_ONCE = 8;
const MAX_PIXELS_AT_ONCE = 100e6;
const DEEP_WEIGHT = 4;
/** The most sizes that an error lists. */
const MAX_SIZES = 5;
/** The side that an error suggests for larger images. */
const USUAL_SIDE = 64;

/** An image file that is not decoded yet. */
export interface EncodedImage {
  readonly name: string;
  readonly split: string;
  read(): Promise<Uint8Array>;
  /** The corrupted image of a pair. Null if it is missing, undefined if images have no partners. */
  readonly partner?: EncodedImage | null | undefined;
}

export interface Collection {
  /** Names the collection in messages. */
  readonly name: string;
  readonly count: number;
  readonly hasPartners: boolean;
  /** Identifies the collection in the cache. */
  readonly key: readonly string[];
  /** The files that hold the images. When one changes, the images are decoded again. */
  readonly files: readonly string[];
  /** Yields the images, the same ones each time. */
  images(): Iterable<EncodedImage> | AsyncIterable<EncodedImage>;
}

export interface DecodedCollection {
  readonly shape: ImageShape;
  /** The images that are not bad. */
  readonly pixels: Pixels;
  readonly inputs?: Pixels | undefined;
  /** The positions of these images in the collection. */
  readonly positions: Uint32Array;
  readonly bad: readonly BadFile[];
  readonly background: Background;
  /** The conversions to bytes, for types other than plain bytes. */
  readonly scales: Scales;
  /** How pixels were read: one sentence each. */
  readonly notes: readonly string[];
}

/** The description of the images that the cache stores with their pixels. */
interface Info {
  readonly shape: ImageShape;
  readonly bad: readonly (BadFile & { readonly position: number })[];
  /** The number of drawings that are invisible on the background. */
  readonly hidden: number;
  /** The number of animations, whose first frame is used. */
  readonly animated: number;
  /** Whether all images are grey but stored in colour. */
  readonly isGrey: boolean;
  readonly scales: Scales;
  /** The ranges of the decoded bytes, by split; "inputs" for the partners. */
  readonly ranges: Readonly<Record<string, Range>>;
}

/**
 * Decodes images to one shape. Without `size`, all must have the same size. Without `channels`, one image in colour
 * makes all of them colour.
 *
 * @throws UserError with a list of the sizes, if they differ
 */
export async function decodeCollection(collection: Collection, options: DataOptions): Promise<DecodedCollection> {
  const { name, count, hasPartners } = collection;
  const { file, info, background, notes } = await decodeOnBestBackground(collection, options);
  const { shape, bad, animated, isGrey, scales, ranges } = info;
  const badAt = new Set(bad.map(({ position }) => position));
  const positions = range(0, count).filter((position) => !badAt.has(position));
  const perImage = hasPartners ? 2 : 1;
  const size = pixelsOf(shape);
  const stored = openBytes(file, 0, positions.length * perImage * size)(size);
  const scale = chooseScaleOf(new Map(Object.entries(ranges)), "uint8", name, options.scales);
  const pixels = rescale(stored, scale);
  const pixelsFrom = (first: number) =>
    select(
      pixels,
      positions.map((_, i) => perImage * i + first),
    );
  return {
    shape,
    ...(hasPartners ? { pixels: pixelsFrom(0), inputs: pixelsFrom(1) } : { pixels }),
    positions,
    bad,
    background,
    scales: { ...scales, ...(scale.conversion && { uint8: scale }) },
    notes: [
      ...notes,
      ...(animated > 0 ? [`Only the first frame of ${animated} files is used.`] : []),
      ...(isGrey && positions.length > 0
        ? ["All images are grey, but stored in colour. `channels: 1` makes the model smaller."]
        : []),
      ...[...Object.values(scales), scale].flatMap((one) => (one ? describeScale(name, one) : [])),
    ],
  };
}

/** Decodes on the given background; else on black, or on white if that hides fewer drawings. */
async function decodeOnBestBackground(collection: Collection, options: DataOptions) {
  const { count } = collection;
  const decode = (background: Background) => decodeCached(collection, options, background);
  const given = options.background;
  let background = given ?? "black";
  let decoded = await decode(background);
  const notes: string[] = [];
  if (!given && decoded.info.hidden > 0) {
    const onWhite = await decode("white");
    if (onWhite.info.hidden < decoded.info.hidden) {
      const { hidden } = decoded.info;
      notes.push(`${hidden} of ${count} images are dark on transparency: the background of all images is white.`);
      background = "white";
      decoded = onWhite;
    }
  }
  const other = background === "black" ? "white" : "black";
  if (decoded.info.hidden > 0) {
    const { hidden } = decoded.info;
    notes.push(
      `${hidden} of ${count} images are ${SHADES[background]} on transparency. \`background: ${other}\` shows them.`,
    );
  }
  return { ...decoded, background, notes };
}

function decodeCached(
  collection: Collection,
  options: DataOptions,
  background: Background,
): Promise<{ file: string; info: Info }> {
  const { size, channels, scales } = options;
  const side = size ? `${size.width}x${size.height}` : "own";
  const key = [...collection.key, side, String(channels ?? "own"), background, JSON.stringify(scales)];
  return cached({
    key,
    sources: collection.files,
    make: (reserve) => decodeAll(collection, options, background, reserve),
  });
}

/** Yields the pixels of all images, each followed by its partner's. */
async function* decodeAll(
  collection: Collection,
  { size, channels, scales: trained, onShape, onProgress, signal }: DataOptions,
  background: Background,
  reserve: Reserve,
): AsyncGenerator<Uint8Array, Info> {
  const survey = await surveyImages(collection, signal);
  if (!size && survey.sizes.length > 1) throw new UserError(describeSizes(collection.name, survey.sizes));
  const { height, width } = size ?? survey.sizes[0] ?? { height: 0, width: 0 };
  const shape = { height, width, channels: channels ?? survey.channels };
  if (survey.sizes.length > 0) onShape?.(shape, "files");
  const count = collection.count - survey.bad.size;
  await reserve(count * pixelsOf(shape) * (collection.hasPartners ? 2 : 1));
  const measured = await measureImages(collection, survey, signal);
  const scales = chooseScales(measured.deep, collection.name, trained);
  const decodeOptions = { channels: shape.channels, size: size ?? undefined, background, scales };
  const bad: Info["bad"][number][] = [];
  const ranges = new Map<string, Range>();
  let [hidden, animated] = [0, 0];
  let isGrey = shape.channels === 3;
  const decode = async (image: EncodedImage, position: number) =>
    measured.bad.get(position) ?? forPair(image, (bytes) => decodeImage(bytes, decodeOptions));
  for await (const { image, position, result } of inBatches(collection, decode, survey.atOnce, signal)) {
    if (result instanceof BadImage) bad.push({ file: image.name, why: result.message, position });
    else {
      hidden += result[0].isHidden ? 1 : 0;
      animated += result[0].isAnimated ? 1 : 0;
      for (const [i, { pixels }] of result.entries()) {
        const group = i === 0 ? image.split : "inputs";
        ranges.set(group, joinRanges([ranges.get(group) ?? joinRanges([]), measureRange(pixels)]));
        isGrey &&= isGreyOnly(pixels);
        yield pixels;
      }
    }
    onProgress?.(position + 1, collection.count);
  }
  return { shape, bad, hidden, animated, isGrey, scales, ranges: Object.fromEntries(ranges) };
}

/** Whether every pixel has equal red, green and blue. */
function isGreyOnly(pixels: Uint8Array): boolean {
  for (let i = 0; i < pixels.length; i += 3) {
    if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return false;
  }
  return true;
}

interface Survey {
  /** The most frequent first. */
  readonly sizes: readonly (Size & { readonly count: number; readonly example: string })[];
  /** 3 if any image is in colour, else 1. */
  readonly channels: number;
  /** The positions of images with pixels of more than eight bits. */
  readonly deep: ReadonlySet<number>;
  /** The bad images by their positions. */
  readonly bad: ReadonlyMap<number, BadImage>;
  /** The number of images to decode at the same time, which bounds the memory. */
  readonly atOnce: number;
}

/** Reads the headers of all images and their partners. */
async function surveyImages(collection: Collection, signal?: AbortSignal): Promise<Survey> {
  const sizes = new Map<string, Size & { count: number; example: string }>();
  const deep = new Set<number>();
  const bad = new Map<number, BadImage>();
  let [channels, largest] = [1, 1];
  const readHeaders = (image: EncodedImage) => forPair(image, openImage);
  for await (const { image, position, result } of inBatches(collection, readHeaders, MAX_AT_ONCE, signal)) {
    if (result instanceof BadImage) {
      bad.set(position, result);
      continue;
    }
    channels = Math.max(channels, result[0].channels);
    for (const { height, width, dtype } of result) {
      const key = `${width}×${height}`;
      sizes.set(key, { height, width, count: (sizes.get(key)?.count ?? 0) + 1, example: image.name });
      if (dtype !== "uint8") deep.add(position);
      largest = Math.max(largest, height * width * (dtype === "uint8" ? 1 : DEEP_WEIGHT));
    }
  }
  const atOnce = Math.max(1, Math.min(MAX_AT_ONCE, Math.floor(MAX_PIXELS_AT_ONCE / largest)));
  return { sizes: [...sizes.values()].sort((a, b) => b.count - a.count), channels, deep, bad, atOnce };
}

/** Measures images of more than eight bits. @returns their ranges, and all bad images by their positions */
async function measureImages(collection: Collection, { deep, bad: badHeaders, atOnce }: Survey, signal?: AbortSignal) {
  const ranges: DeepRange[] = [];
  const bad = new Map(badHeaders);
  if (deep.size === 0) return { deep: ranges, bad };
  const measure = async (image: EncodedImage, position: number): Promise<(DeepRange | undefined)[]> =>
    deep.has(position) ? forPair(image, async (bytes) => measureDeep(await openImage(bytes))) : [];
  for await (const { position, result } of inBatches(collection, measure, atOnce, signal)) {
    if (result instanceof BadImage) bad.set(position, result);
    else ranges.push(...result.filter((range) => range !== undefined));
  }
  return { deep: ranges, bad };
}

function describeSizes(name: string, sizes: Survey["sizes"]): string {
  const [usual] = sizes;
  const count = sizes.reduce((sum, size) => sum + size.count, 0);
  const listed = sizes.slice(0, MAX_SIZES).map(({ width, height, count, example }) => {
    return `${width}×${height} (${count === 1 ? printable(example) : count})`;
  });
  const more = sizes.length > MAX_SIZES ? ", …" : "";
  const isSmall = Math.max(usual.width, usual.height) <= USUAL_SIDE;
  const suggested = !isSmall ? String(USUAL_SIDE) : `${usual.width}x${usual.height}`;
  const found = `${count} images in ${sizes.length} sizes: ${listed.join(", ")}${more}`;
  return `${name} holds ${found}. Use \`size: ${suggested}\`.`;
}

/** Calls `act` for `atOnce` images at a time. Yields results and BadImage errors in order, and throws other errors. */
async function* inBatches<Result>(
  collection: Collection,
  act: (image: EncodedImage, position: number) => Promise<Result>,
  atOnce: number,
  signal?: AbortSignal,
): AsyncGenerator<{ image: EncodedImage; position: number; result: Result | BadImage }, void> {
  const attempt = async ({ image, position }: { image: EncodedImage; position: number }) => {
    const result = await act(image, position).catch((error: unknown) => {
      if (error instanceof BadImage) return error;
      throw error;
    });
    return { image, position, result };
  };
  let batch: { image: EncodedImage; position: number }[] = [];
  let count = 0;
  for await (const image of collection.images()) {
    batch.push({ image, position: count++ });
    if (batch.length < atOnce) continue;
    signal?.throwIfAborted();
    yield* await Promise.all(batch.map(attempt));
    batch = [];
  }
  signal?.throwIfAborted();
  yield* await Promise.all(batch.map(attempt));
}

/**
 * Calls `act` for an image and its partner.
 *
 * @throws BadImage if one of them cannot be used, or the partner is missing
 */
async function forPair<Result>(
  { read, partner }: EncodedImage,
  act: (bytes: Uint8Array) => Promise<Result>,
): Promise<Result[]> {
  if (partner === null) throw new BadImage("it has no partner in inputDir");
  const own = await act(await read());
  if (!partner) return [own];
  try {
    return [own, await act(await partner.read())];
  } catch (error) {
    throw error instanceof BadImage ? new BadImage(`its partner ${printable(partner.name)}: ${error.message}`) : error;
  }
}
