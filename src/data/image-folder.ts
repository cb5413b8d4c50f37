// Opens a folder of image files as one array: decoded once, into the cache.
import path from "node:path";
import type { Size } from "../config/entries.js";
import { UserError } from "../errors.js";
import { cached } from "../files/cache.js";
import { openBytes } from "./arrays.js";
import type { DataOptions } from "./dataset.js";
import { BadImage, type DecodedImage, decodeImage, openImage } from "./image-files.js";
import { classesOf, findPartners, listImages } from "./image-names.js";
import { type ImageShape, type Images, pixelsOf, range, select } from "./pixels.js";

/** Images that are decoded at the same time. */
const BATCH = 8;
/** Bad images that an error names. */
const MAX_NAMED = 3;

export interface ImageFolder extends Images {
  /** The names of the classes: sub-folders that hold all images. */
  readonly classes?: readonly string[] | undefined;
  readonly bad: readonly BadFile[];
  /** Files without the ending of an image. */
  readonly others: readonly string[];
}

/** A file that cannot be used. */
export interface BadFile {
  readonly file: string;
  readonly why: string;
}

/** An image file and its partner, if it needs one. Undefined: there is no partner. */
type Pair = readonly [image: string, partner?: string | undefined];

/**
 * Opens a folder of images, by name. Those of `inputDir` become the `inputs`.
 *
 * @throws UserError if none, or some bad, are found
 */
export async function openImageFolder(folder: string, options: DataOptions): Promise<ImageFolder> {
  const { inputDir, size, channels, skipBad } = options;
  const { images: names, others, irregular } = await listImages(folder);
  if (names.length === 0) throw new UserError(`${folder} holds no images.`);
  const partners = inputDir ? await findPartners(names, inputDir) : undefined;
  const pairs = names.map((name, i): Pair => {
    const image = path.join(folder, name);
    return partners ? [image, partners[i]] : [image];
  });
  const sources = pairs.flat().filter((file) => file !== undefined);
  const kind = `${partners ? "pairs" : "images"}-${size ? `${size.width}x${size.height}` : "own"}-${channels ?? "own"}`;
  const key = [folder, ...(inputDir ? [inputDir] : [])].map((place) => path.resolve(place)).concat(kind);
  const { file, info } = await cached({ key, sources, make: () => decodePairs(names, pairs, options) });

  const { shape } = info;
  const why = "it is not a regular file, nor a link to one";
  const bad = [...info.bad, ...irregular.map((file) => ({ file, why }))];
  const badNames = new Set(info.bad.map(({ file }) => file));
  const good = names.filter((name) => !badNames.has(name));
  if (good.length === 0 || (bad.length > 0 && !skipBad)) {
    const named = bad.slice(0, MAX_NAMED).map(({ file, why }) => `${file} (${why})`);
    const more = bad.length > MAX_NAMED ? ` and ${bad.length - MAX_NAMED} more` : "";
    throw new UserError(
      `${bad.length} of the ${names.length + irregular.length} images in ${folder} cannot be used: ` +
        `${named.join(", ")}${more}. vae data lists all; skipBad leaves them out.`,
    );
  }
  const perImage = partners ? 2 : 1;
  const all = openBytes(file, 0, good.length * perImage * pixelsOf(shape))(pixelsOf(shape));
  const numbers = range(0, good.length);
  return {
    shape,
    count: good.length,
    pixels: partners
      ? select(
          all,
          numbers.map((i) => 2 * i),
        )
      : all,
    inputs:
      partners &&
      select(
        all,
        numbers.map((i) => 2 * i + 1),
      ),
    ...classesOf(good),
    bad,
    others,
  };
}

/** Yields the pixels of all images, each followed by its partner's. */
async function* decodePairs(
  names: readonly string[],
  pairs: readonly Pair[],
  { size, channels, onProgress, signal }: DataOptions,
): AsyncGenerator<Uint8Array, Pick<ImageFolder, "shape" | "bad">> {
  const common = size && channels ? undefined : await commonShape(pairs);
  const shape = { height: 0, width: 0, channels: 1, ...common, ...size, ...(channels && { channels }) };
  const bad: BadFile[] = [];
  let done = 0;
  for await (const images of mapBatches(pairs, (pair) => decodePair(pair, shape, !size), signal)) {
    if (images instanceof BadImage) bad.push({ file: names[done], why: images.message });
    else for (const { pixels } of images) yield pixels;
    done++;
    onProgress?.(done, pairs.length);
  }
  return { shape, bad };
}

/** Calls `act` for a few items at a time. Yields results and BadImage errors, and throws other errors. */
async function* mapBatches<Item, Result>(
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
  signal?: AbortSignal,
): AsyncGenerator<Result | BadImage, void> {
  const attempt = (item: Item) =>
    act(item).catch((error: unknown) => {
      if (error instanceof BadImage) return error;
      throw error;
    });
  for (let first = 0; first < items.length; first += BATCH) {
    signal?.throwIfAborted();
    yield* await Promise.all(items.slice(first, first + BATCH).map(attempt));
  }
}

/** The size of most images, and 3 channels if any image is in colour. Ignores bad images: undefined if all are. */
async function commonShape(pairs: readonly Pair[]): Promise<ImageShape | undefined> {
  const counts = new Map<string, Size & { count: number }>();
  let channels = 1;
  for await (const shape of mapBatches(pairs, ([image]) => openImage(image))) {
    if (shape instanceof BadImage) continue;
    const { height, width } = shape;
    const key = `${width}x${height}`;
    counts.set(key, { height, width, count: (counts.get(key)?.count ?? 0) + 1 });
    channels = Math.max(channels, shape.channels);
  }
  const [most] = [...counts.values()].sort((a, b) => b.count - a.count);
  return most && { height: most.height, width: most.width, channels };
}

/**
 * @throws BadImage if an image cannot be decoded, has no partner, or must be scaled although it should keep its size
 */
async function decodePair(pair: Pair, shape: ImageShape, keepsSize: boolean): Promise<DecodedImage[]> {
  const images: DecodedImage[] = [];
  for (const file of pair) {
    if (file === undefined) throw new BadImage("it has no partner of its name in inputDir");
    const image = await decodeImage(file, shape.channels, keepsSize ? undefined : shape).catch((error) => {
      const isPartner = error instanceof BadImage && file !== pair[0];
      throw isPartner ? new BadImage(`its partner ${file}: ${error.message}`) : error;
    });
    if (image.height !== shape.height || image.width !== shape.width) {
      throw new BadImage(`it is ${image.width}×${image.height}, most are ${shape.width}×${shape.height}: give a size`);
    }
    images.push(image);
  }
  return images;
}
