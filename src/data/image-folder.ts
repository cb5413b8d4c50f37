// A folder of image files as an array: decoded once, into the cache beside them. Sub-folders are classes.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.js";
import { cached } from "../files/cache.js";
import { statIfThere } from "../files/stat.js";
import { openBytes } from "./arrays.js";
import type { DecodedImage, WantedShape } from "./image-files.js";
import { BadImage, decodeImage, isImageName, measureImage } from "./image-files.js";
import type { ImageShape, Pixels } from "./pixels.js";
import { pixelsOf, range, select } from "./pixels.js";

/** Images that are decoded at once. */
const AT_ONCE = 8;
/** Bad images that an error names. */
const NAMED = 3;

export interface FolderOptions extends WantedShape {
  /** Where the corrupted images lie that belong to those of the folder, under the same names. */
  readonly inputFolder?: string | undefined;
  /** Whether to leave out what cannot be used, rather than refuse all. */
  readonly skipBad?: boolean;
  /** Called as images are decoded, if they are. */
  readonly onProgress?: ((done: number, count: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ImageFolder {
  readonly shape: ImageShape;
  readonly count: number;
  readonly pixels: Pixels;
  /** With `inputFolder`: the corrupted images. */
  readonly inputs?: Pixels;
  /** The class of each image and the classes' names, if all images lie in sub-folders. */
  readonly labels?: Uint16Array;
  readonly classes?: readonly string[];
  /** Files that were left out, by their names in the folder, and why. */
  readonly bad: readonly BadFile[];
  /** Files that are no images by their names. */
  readonly others: readonly string[];
}

export interface BadFile {
  readonly file: string;
  readonly why: string;
}

/** What the cache knows of the images in it. */
interface Packed {
  readonly shape: ImageShape;
  readonly bad: readonly BadFile[];
}

/**
 * Opens a folder of images, in the order of their names.
 *
 * @throws UserError if there is none, or some cannot be used and are not to be skipped
 */
export async function openImageFolder(folder: string, options: FolderOptions): Promise<ImageFolder> {
  const { inputFolder, skipBad = false, onProgress, signal } = options;
  const { images: names, others, irregular } = await listImages(folder);
  if (names.length === 0) throw new UserError(`${folder} holds no images.`);
  const inputs = inputFolder === undefined ? undefined : await partners(names, inputFolder);
  const items = names.map((name, i) => ({
    name,
    files: [path.join(folder, name), ...(inputs ? [inputs[i] && path.join(inputFolder as string, inputs[i])] : [])],
  }));
  const sources = items.flatMap(({ files }) => files.filter((file) => file !== undefined));
  const { size, channels } = options;
  const kind = `${inputs ? "pairs" : "images"}-${size ? `${size.width}x${size.height}` : "own"}-${channels ?? "own"}`;
  const { file, info } = await cached(folder, sources, kind, async function* (): AsyncGenerator<Uint8Array, Packed> {
    const reasons = new Map<string, string>();
    const fit = await commonShape(items, options, reasons);
    let done = 0;
    for (let first = 0; first < items.length; first += AT_ONCE) {
      signal?.throwIfAborted();
      const some = items.slice(first, first + AT_ONCE).filter(({ name }) => !reasons.has(name));
      const decoded = await Promise.all(
        some.map(({ name, files }) => excused(name, reasons, () => decodeAll(files, fit, size === undefined))),
      );
      for (const images of decoded) for (const { pixels } of images ?? []) yield pixels;
      done = Math.min(first + AT_ONCE, items.length);
      onProgress?.(done, items.length);
    }
    return {
      shape: fit,
      bad: names.flatMap((file) => (reasons.has(file) ? [{ file, why: reasons.get(file) as string }] : [])),
    };
  });

  const { shape } = info;
  const bad = [
    ...info.bad,
    ...irregular.map((file) => ({ file, why: "it is a link to a folder or to nothing, or no file at all" })),
  ];
  if (bad.length > 0 && !skipBad) throw new UserError(describeBad(folder, bad, names.length + irregular.length));
  const badNames = new Set(bad.map(({ file }) => file));
  const good = names.filter((name) => !badNames.has(name));
  if (good.length === 0) throw new UserError(describeBad(folder, bad, names.length));
  const perImage = inputs ? 2 : 1;
  const bytes = good.length * perImage * pixelsOf(shape);
  const all = (await openBytes(file, 0, bytes))(pixelsOf(shape));
  const every = (first: number) =>
    select(
      all,
      range(0, good.length).map((i) => perImage * i + first),
    );
  return {
    shape,
    count: good.length,
    pixels: inputs ? every(0) : all,
    ...(inputs && { inputs: every(1) }),
    ...classesOf(good),
    bad,
    others,
  };
}

/** Names in the folder and its sub-folders, sorted; what is hidden is not seen, nor are the folders of runs. */
async function listImages(folder: string): Promise<{ images: string[]; others: string[]; irregular: string[] }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const runs = entries
    .filter((entry) => entry.name === "checkpoint" && existsSync(path.join(entry.parentPath, "config.json")))
    .map((entry) => path.join(entry.parentPath, path.sep));
  const names = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !runs.some((run) => file.startsWith(run)))
    .map((file) => path.relative(folder, file))
    .filter((name) => !name.split(path.sep).some((part) => part.startsWith(".")))
    .sort();
  const isRegular = (name: string) => statIfThere(path.join(folder, name))?.isFile() ?? false;
  const files = names.filter(isRegular);
  return {
    images: files.filter(isImageName),
    others: files.filter((name) => !isImageName(name)),
    irregular: names.filter((name) => !isRegular(name)),
  };
}

/**
 * Of each name the file in the other folder that is called so, or so but for its ending.
 *
 * @throws UserError if there are several of the second kind and none of the first
 */
async function partners(names: readonly string[], folder: string): Promise<(string | undefined)[]> {
  const stem = (name: string) => name.slice(0, name.length - path.extname(name).length);
  const { images } = await listImages(folder);
  const whole = new Set(images);
  const byStem = new Map<string, string[]>();
  for (const image of images) byStem.set(stem(image), [...(byStem.get(stem(image)) ?? []), image]);
  return names.map((name) => {
    if (whole.has(name)) return name;
    const alike = byStem.get(stem(name)) ?? [];
    if (alike.length > 1) {
      throw new UserError(`${folder} holds ${alike.join(" and ")}: which of them belongs to ${name} is not clear.`);
    }
    return alike[0];
  });
}

interface Item {
  readonly name: string;
  readonly files: readonly (string | undefined)[];
}

/** The size that most images have, unless one is wanted, and 3 channels if any is stored in colour. What cannot be read is noted. */
async function commonShape(
  items: readonly Item[],
  wanted: WantedShape,
  reasons: Map<string, string>,
): Promise<ImageShape> {
  if (wanted.size && wanted.channels) return { ...wanted.size, channels: wanted.channels };
  const counts = new Map<string, { shape: ImageShape; count: number }>();
  let channels = 1;
  for (let first = 0; first < items.length; first += AT_ONCE) {
    const measure = ({ name, files }: Item) => excused(name, reasons, () => measureImage(files[0] as string));
    for (const shape of await Promise.all(items.slice(first, first + AT_ONCE).map(measure))) {
      if (!shape) continue;
      const key = `${shape.width}x${shape.height}`;
      counts.set(key, { shape, count: (counts.get(key)?.count ?? 0) + 1 });
      channels = Math.max(channels, shape.channels);
    }
  }
  const [first, ...others] = counts.values();
  const { shape } = others.reduce((most, one) => (one.count > most.count ? one : most), first ?? { shape: NOTHING });
  return { ...(wanted.size ?? { height: shape.height, width: shape.width }), channels: wanted.channels ?? channels };
}

const NOTHING: ImageShape = { height: 0, width: 0, channels: 1 };

async function decodeAll(
  files: readonly (string | undefined)[],
  shape: ImageShape,
  isOwnSize: boolean,
): Promise<DecodedImage[]> {
  const images: DecodedImage[] = [];
  for (const file of files) {
    if (file === undefined) throw new BadImage("it has no partner of its name in inputDir");
    const channels = shape.channels as 1 | 3;
    const image = await decodeImage(file, isOwnSize ? { channels } : { size: shape, channels }).catch((error) => {
      throw error instanceof BadImage && file !== files[0]
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

/** What is bad about an image is noted, not thrown. */
async function excused<Result>(
  name: string,
  reasons: Map<string, string>,
  act: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof BadImage)) throw error;
    reasons.set(name, error.message);
    return undefined;
  }
}

function classesOf(names: readonly string[]): Pick<ImageFolder, "labels" | "classes"> {
  if (!names.every((name) => name.includes(path.sep))) return {};
  const classOf = (name: string) => name.slice(0, name.indexOf(path.sep));
  const classes = [...new Set(names.map(classOf))].sort();
  if (classes.length > 65_536) return {};
  const numbers = new Map(classes.map((name, i) => [name, i]));
  return { classes, labels: Uint16Array.from(names, (name) => numbers.get(classOf(name)) as number) };
}

function describeBad(folder: string, bad: readonly BadFile[], count: number): string {
  const named = bad.slice(0, NAMED).map(({ file, why }) => `${file} (${why})`);
  const more = bad.length > NAMED ? ` and ${bad.length - NAMED} more` : "";
  return (
    `${bad.length} of the ${count} images in ${folder} cannot be used: ${named.join(", ")}${more}. ` +
    "vae data lists all; skipBad leaves them out."
  );
}
