// Opens a file or a folder of arrays: images, labels and splits by their names.
import path from "node:path";
import { UserError } from "../errors.js";
import { type FileArray, openArrays } from "./arrays.js";
import type { DataOptions } from "./dataset.js";
import { readLabels } from "./labels.js";
import { findLayout, type Layout, reorder } from "./layout.js";
import { chooseFiles } from "./name-groups.js";
import { type NameParts, parseName, SPLITS, type Split } from "./names.js";
import {
  chunks,
  describeShape,
  type ImageShape,
  type Images,
  type Pixels,
  pixelsInMemory,
  pixelsOf,
} from "./pixels.js";
import {
  chooseScale,
  describeScale,
  isPlain,
  joinRanges,
  measureRange,
  type Range,
  rescale,
  type Scale,
  toBytes,
} from "./scale.js";
import type { Source } from "./sources.js";

/** The arrays of one split. */
interface SplitArrays {
  images?: FileArray;
  labels?: FileArray;
}
type Splits = Map<Split, SplitArrays>;

/**
 * Opens one file of arrays. It may bring splits and labels; else labels are those beside it: y_train.npy of x_train.npy.
 *
 * @throws UserError if it holds no images
 */
export async function openArrayFile(file: string, siblings: readonly string[], options: DataOptions): Promise<Source> {
  const splits: Splits = new Map();
  const own = parseName(path.basename(file));
  const notes = addArrays(splits, await openArrays(file), { ...own, split: undefined });
  const [first] = splits.values();
  const beside = siblings.find((name) => {
    const { role, split, rest } = parseName(name);
    return role === "labels" && split === own.split && rest === own.rest;
  });
  if (splits.size === 1 && !first.labels && beside !== undefined && own.role !== "labels") {
    [first.labels] = await openArrays(path.join(path.dirname(file), beside));
  }
  return openSplits(splits, file, notes, options);
}

/**
 * Opens a folder of arrays, chosen by their names.
 *
 * @param names of the files, relative to the folder
 * @param dataset the name of the data set, for messages
 * @throws UserError if they belong to several data sets, or there are none to train on
 */
export async function openArrayFolder(
  folder: string,
  names: readonly string[],
  options: DataOptions,
  dataset = folder,
): Promise<Source> {
  const { chosen, notes } = chooseFiles(names, folder);
  const splits: Splits = new Map();
  for (const { file, ...about } of chosen) {
    notes.push(...addArrays(splits, await openArrays(path.join(folder, file)), about));
  }
  return openSplits(splits, dataset, notes, options);
}

/**
 * Adds arrays to the splits that their names within a file, or the file's name, stand for. An array of no known name is
 * labels if it has one dimension, else images.
 *
 * @returns notes on arrays that are not used
 */
function addArrays(splits: Splits, arrays: readonly FileArray[], about: Omit<NameParts, "rest">): string[] {
  const named = arrays.map((array) => {
    const own = array.key === undefined ? undefined : parseName(array.key);
    const role = own?.role ?? about.role ?? (array.shape.length < 2 ? ("labels" as const) : ("images" as const));
    return { array, role, split: own?.split ?? about.split ?? ("train" as const), isNamed: own?.role !== undefined };
  });
  const unused: string[] = [];
  for (const { array, role, split } of named.sort((a, b) => Number(b.isNamed) - Number(a.isNamed))) {
    const present = splits.get(split) ?? {};
    splits.set(split, present);
    if (present[role]) unused.push(array.key ?? array.name);
    else present[role] = array;
  }
  const notes = arrays.flatMap(({ note }) => note ?? []);
  return unused.length > 0 ? [...notes, `Not used: ${unused.join(", ")}.`] : notes;
}

async function openSplits(splits: Splits, name: string, notes: string[], options: DataOptions): Promise<Source> {
  const arrays = [...splits].flatMap(([split, { images, labels }]) => (images ? [{ split, images, labels }] : []));
  if (!arrays.some(({ split }) => split === "train")) {
    throw new UserError(`${name} holds ${arrays.length > 0 ? "no images to train on" : "labels, but no images"}.`);
  }
  const byColumns = options.layout ? undefined : arrays.find(({ images }) => isEmnist(images.name));
  const layout = options.layout ?? (byColumns ? "whc" : undefined);
  const laidOut = arrays.map((one) => ({
    ...one,
    ...findLayout(one.images.shape, { ...options, layout }, one.images.name),
  }));
  const [{ shape }] = laidOut;
  for (const other of laidOut) checkShapes(laidOut[0], other, name);
  checkOptions(shape, options, name);
  const scales = chooseScales(laidOut, name);
  const parts = new Map<Split, Images>();
  for (const { split, images, labels, count, ...order } of laidOut) {
    const scale = scales.get(images.dtype) as Scale;
    const pixels = reorder(toPixels(images, pixelsOf(shape), scale), order);
    const { labels: classes, note } = labels ? readLabels(labels, count) : {};
    if (note) notes.push(note);
    parts.set(split, { shape, count, pixels, labels: classes, origin: (row) => ({ split, row }) });
  }
  if (byColumns)
    notes.push(`${byColumns.images.name} is stored by columns, as EMNIST is. \`layout: hwc\` if it is not.`);
  const [train, validation, test] = SPLITS.map((split) => parts.get(split));
  return {
    train: train as Images,
    ...(validation && { validation }),
    ...(test && { test }),
    isStored: test !== undefined,
    bad: [],
    notes: [...notes, ...[...scales.values()].flatMap((scale) => describeScale(name, scale))],
  };
}

/** EMNIST's own files hold images column by column. */
function isEmnist(name: string): boolean {
  return /^emnist-.*idx3-ubyte(\.gz)?$/i.test(path.basename(name));
}

interface LaidOut {
  readonly split: Split;
  readonly images: FileArray;
  readonly count: number;
  readonly shape: ImageShape;
  readonly layout: Layout;
}

function checkShapes(first: LaidOut, other: LaidOut, name: string): void {
  const [a, b] = [first, other].map(({ shape }) => describeShape(shape));
  if (a === b) return;
  throw new UserError(
    `The ${first.split} images of ${name} are ${a}, but its ${other.split} images ${b}. They must have the same size.`,
  );
}

function checkOptions(shape: ImageShape, { size, channels }: DataOptions, name: string): void {
  const isOther = size && (size.width !== shape.width || size.height !== shape.height);
  if (!isOther && (!channels || channels === shape.channels)) return;
  throw new UserError(`${name} has images of ${describeShape(shape)}. Only image files can be scaled or made grey.`);
}

/** Chooses one scale for all splits, for each type. @throws UserError if none fits, or a value is not finite */
function chooseScales(arrays: readonly LaidOut[], name: string): Map<string, Scale> {
  const ranges = new Map<string, Range>();
  for (const { images, count, shape } of arrays) {
    const range = images.values ? measureRange(images.values) : measureBytes(images, count, pixelsOf(shape));
    if (range.badAt !== undefined) {
      const image = Math.floor(range.badAt / pixelsOf(shape));
      throw new UserError(`Image ${image} of ${images.name} holds ${images.values?.[range.badAt]}.`);
    }
    ranges.set(images.dtype, joinRanges([ranges.get(images.dtype) ?? joinRanges([]), range]));
  }
  try {
    return new Map([...ranges].map(([dtype, range]) => [dtype, chooseScale(range, dtype)]));
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${name} ${error.message}`) : error;
  }
}

/** Measures bytes, until they are known to be plain. */
function measureBytes({ pixels }: FileArray, count: number, size: number): Range {
  let range = joinRanges([]);
  for (const chunk of chunks((pixels as NonNullable<typeof pixels>)(size), count, size)) {
    range = joinRanges([range, measureRange(chunk)]);
    if (isPlain(range)) break;
  }
  return range;
}

function toPixels({ values, pixels }: FileArray, size: number, scale: Scale): Pixels {
  if (values) return pixelsInMemory(toBytes(values, scale), size);
  return rescale((pixels as NonNullable<typeof pixels>)(size), scale);
}
