// Loads a data set, and divides its images into training, validation and test.
import { createHash } from "node:crypto";
import path from "node:path";
import type { ValuesOf } from "../config/entries.js";
import { UserError } from "../errors.js";
import { isFolder } from "../files/read.js";
import { randomStream } from "../random.js";
import type { BadFile } from "./image-folder.js";
import { chunks, type ImageShape, type Images, pixelsOf, range, select } from "./pixels.js";
import type { DATA_SETTINGS } from "./settings.js";
import { openSource } from "./sources.js";

/** A part of a data set. */
export interface ImageSet extends Omit<Images, "shape"> {
  /** The number of the first image among all images of the data set. Addresses the images' random draws. */
  readonly offset: number;
}

export interface Dataset extends ImageShape {
  /** A short name, for the run's folder. */
  readonly name: string;
  readonly train: ImageSet;
  /** A twelfth of the training images: 5,000 of MNIST's 60,000. */
  readonly validation: ImageSet;
  readonly test: ImageSet;
  /** The names of the classes, if they have any. */
  readonly classes?: readonly string[] | undefined;
  readonly bad: readonly BadFile[];
  /** Files in a folder of images without the ending of an image. */
  readonly others: readonly string[];
}

/** The settings that choose the data, besides `dataset`. */
export interface DataOptions extends Partial<Omit<ValuesOf<typeof DATA_SETTINGS>, "dataset">> {
  /** Called as image files are decoded: not if the cache has them. */
  readonly onProgress?: ((done: number, count: number) => void) | undefined;
  /** Aborts decoding. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Loads a data set: `mnist`, a folder of IDX files named as MNIST's, one IDX or .npy file of images, or a folder of
 * image files.
 *
 * Test images are those that the data set names, or a seventh of all. A twelfth of the rest is for validation. Both are
 * drawn with a fixed seed; of folders of IDX files, validation takes the last images.
 *
 * @throws UserError if a file is missing or not valid, or there are too few images
 */
export async function loadDataset(dataset: string, options: DataOptions = {}): Promise<Dataset> {
  const { limit = 0, classes: wanted = ["all"] } = options;
  const { train: all, test: given, isSorted, classes, bad = [], others = [] } = await openSource(dataset, options);
  const choose = (images: Images): Uint32Array => {
    const order = isSorted ? randomStream(0, "split").permutation(images.count) : range(0, images.count);
    const chosen = wanted.join() === "all" ? order : order.filter(isOfClasses(images, wanted, classes, dataset));
    return limit > 0 ? chosen.subarray(0, limit) : chosen;
  };
  const chosen = choose(all);
  const testCount = given ? 0 : Math.max(1, Math.round(chosen.length / 7));
  const rest = chosen.subarray(0, chosen.length - testCount);
  const test = given ? choose(given) : chosen.subarray(rest.length);
  if (rest.length < 2 || test.length < 1) {
    throw new UserError(
      `${dataset} has too few images: ${rest.length} to train and validate (at least 2), ${test.length} to test.`,
    );
  }
  const trainCount = rest.length - Math.max(1, Math.round(rest.length / 12));
  const { base, name } = path.parse(path.resolve(dataset));
  return {
    name: (isFolder(dataset) ? base : name).replace(/[^\p{L}\p{N}._]+/gu, "-"),
    ...all.shape,
    train: subset(all, rest.subarray(0, trainCount), 0),
    validation: subset(all, rest.subarray(trainCount), trainCount),
    test: subset(given ?? all, test, rest.length),
    classes,
    bad,
    others,
  };
}

function subset({ pixels, inputs, labels }: Images, numbers: Uint32Array, offset: number): ImageSet {
  return {
    count: numbers.length,
    pixels: select(pixels, numbers),
    inputs: inputs && select(inputs, numbers),
    labels: labels && Uint16Array.from(numbers, (number) => labels[number]),
    offset,
  };
}

/** @param wanted names or numbers of classes. @returns whether an image is of one of them */
function isOfClasses(
  { labels }: Images,
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

/** The SHA-256 of the images of training, validation and test, in this order. Inputs follow the images of each part. */
export function digestOf(dataset: Dataset): string {
  const hash = createHash("sha256");
  for (const { count, pixels, inputs } of [dataset.train, dataset.validation, dataset.test]) {
    for (const images of inputs ? [pixels, inputs] : [pixels]) {
      for (const chunk of chunks(images, count, pixelsOf(dataset))) hash.update(chunk);
    }
  }
  return hash.digest("hex");
}
