// Opens a folder of image files as one array: decoded once, into the cache beside them.
import path from "node:path";
import { UserError } from "../errors.js";
import { cached } from "../files/cache.js";
import { openBytes } from "./arrays.js";
import { BadImage, type DecodedImage, decodeImage, measureImage, type WantedShape } from "./image-files.js";
import { classesOf, findPartners, listImages } from "./image-names.js";
import { type ImageShape, type Images, pixelsOf, range, select } from "./pixels.js";

/** Images that are decoded at the same time. */
const BATCH = 8;
/** Bad images that an error names. */
const MAX_NAMED = 3;

export interface FolderOptions extends WantedShape {
  /** The folder of corrupted images with the same names. They become the `inputs`. */
  readonly inputFolder?: string | undefined;
  /** Whether to leave out bad images. By default they are an error. */
  readonly skipBad?: boolean;
  /** Called as images are decoded: not if the cache has them. */
  readonly onProgress?: ((done: number, count: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ImageFolder extends Images {
  /** The names of the classes: sub-folders that hold all images. */
  readonly classes?: readonly string[];
  readonly bad: readonly BadFile[];
  /** Files without the ending of an image. */
  readonly others: readonly string[];
}

/** A file that cannot be used. */
export interface BadFile {
  readonly file: string;
  readonly why: string;
}

/** What the cache records about its images. */
interface Packed {
  readonly shape: ImageShape;
  readonly bad: readonly BadFile[];
}

/** An image file and its partner, if it needs one. Undefined: there is no partner. */
type Pair = readonly [image: string, partner?: string | undefined];

/**
 * Opens a folder of images, in the order of their names.
 *
 * @throws UserError if there are none, or some are bad and `skipBad` is false
 */
export async function openImageFolder(folder: string, options: FolderOptions): Promise<ImageFolder> {
  const { inputFolder, size, channels, skipBad = false } = options;
  const { images: names, others, irregular } = await listImages(folder);
  if (names.length === 0) throw new UserError(`${folder} holds no images.`);
  const partners = inputFolder === undefined ? undefined : await findPartners(names, inputFolder);
  const pairs = names.map((name, i): Pair => {
    const image = path.join(folder, name);
    return partners ? [image, partners[i]] : [image];
  });
  const sources = pairs.flat().filter((file) => file !== undefined);
  const kind = `${partners ? "pairs" : "images"}-${size ? `${size.width}x${size.height}` : "own"}-${channels ?? "own"}`;
  const { file, info } = await cached(folder, sources, kind, () => decodePairs(names, pairs, options));

  const { shape } = info;
  const why = "it is not a regular file, nor a link to one";
  const bad = [...info.bad, ...irregular.map((file) => ({ file, why }))];
  if (bad.length > 0 && !skipBad) throw badImages(folder, bad, names.length + irregular.length);
  const badNames = new Set(info.bad.map(({ file }) => file));
  const good = names.filter((name) => !badNames.has(name));
  if (good.length === 0) throw badImages(folder, bad, names.length);
  const perImage = partners ? 2 : 1;
  const all = openBytes(file, 0, good.length * perImage * pixelsOf(shape))(pixelsOf(shape));
  const every = (first: number) =>
    select(
      all,
      range(0, good.length).map((i) => perImage * i + first),
    );
  return {
    shape,
    count: good.length,
    pixels: partners ? every(0) : all,
    ...(partners && { inputs: every(1) }),
    ...classesOf(good),
    bad,
    others,
  };
}

/** Yields the pixels of all images, each followed by its partner's. */
async function* decodePairs(
  names: readonly string[],
  pairs: readonly Pair[],
  { size, channels, onProgress, signal }: FolderOptions,
): AsyncGenerator<Uint8Array, Packed> {
  const shape = size && channels ? { ...size, channels } : await commonShape(pairs, { size, channels });
  const bad: BadFile[] = [];
  let done = 0;
  for await (const results of mapBatches(pairs, (pair) => decodePair(pair, shape, size === undefined), signal)) {
    for (const images of results) {
      if (images instanceof BadImage) bad.push({ file: names[done], why: images.message });
      else for (const { pixels } of images) yield pixels;
      done++;
    }
    onProgress?.(done, pairs.length);
  }
  return { shape, bad };
}

/** Calls `act` for a few items at a time. Returns BadImage errors, and throws others. */
async function* mapBatches<Item, Result>(
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
  signal?: AbortSignal,
): AsyncGenerator<(Result | BadImage)[], void> {
  const attempt = (item: Item) =>
    act(item).catch((error: unknown) => {
      if (error instanceof BadImage) return error;
      throw error;
    });
  for (let first = 0; first < items.length; first += BATCH) {
    signal?.throwIfAborted();
    yield await Promise.all(items.slice(first, first + BATCH).map(attempt));
  }
}

/** The size of most images, unless one is wanted, and 3 channels if any image is in colour. Ignores bad images. */
async function commonShape(pairs: readonly Pair[], wanted: WantedShape): Promise<ImageShape> {
  const counts = new Map<string, { shape: ImageShape; count: number }>();
  let channels = 1;
  for await (const shapes of mapBatches(pairs, ([image]) => measureImage(image))) {
    for (const shape of shapes) {
      if (shape instanceof BadImage) continue;
      const key = `${shape.width}x${shape.height}`;
      counts.set(key, { shape, count: (counts.get(key)?.count ?? 0) + 1 });
      channels = Math.max(channels, shape.channels);
    }
  }
  const [most] = [...counts.values()].sort((a, b) => b.count - a.count);
  const { height, width } = wanted.size ?? most?.shape ?? { height: 0, width: 0 };
  return { height, width, channels: wanted.channels ?? channels };
}

/** @throws BadImage if an image cannot be decoded, has no partner, or must be scaled although it should keep its size */
async function decodePair(pair: Pair, shape: ImageShape, keepsSize: boolean): Promise<DecodedImage[]> {
  const images: DecodedImage[] = [];
  for (const file of pair) {
    if (file === undefined) throw new BadImage("it has no partner of its name in inputDir");
    const channels = shape.channels as 1 | 3;
    const image = await decodeImage(file, keepsSize ? { channels } : { size: shape, channels }).catch((error) => {
      throw error instanceof BadImage && file !== pair[0]
        ? new BadImage(`its partner ${file}: ${error.message}`)
        : error;
    });
    if (image.height !== shape.height || image.width !== shape.width) {
      throw new BadImage(`it is ${image.width}×${image.height}, most are ${shape.width}×${shape.height}: give a size`);
    }
    images.push(image);
  }
  return images;
}

function badImages(folder: string, bad: readonly BadFile[], count: number): UserError {
  const named = bad.slice(0, MAX_NAMED).map(({ file, why }) => `${file} (${why})`);
  const more = bad.length > MAX_NAMED ? ` and ${bad.length - MAX_NAMED} more` : "";
  return new UserError(
    `${bad.length} of the ${count} images in ${folder} cannot be used: ${named.join(", ")}${more}. ` +
      "vae data lists all; skipBad leaves them out.",
  );
}
