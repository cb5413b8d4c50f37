// Opens a file or a folder of arrays as splits of images with labels.
import path from "node:path";
import { UserError } from "../errors.js";
import { listSome } from "../wording.js";
import { groupSplits, MAX_NAMED, type Splits } from "./array-roles.js";
import { chooseScales, toPixels } from "./array-scales.js";
import { type FileArray, openArrays, readShape } from "./arrays.js";
import type { DataOptions } from "./dataset.js";
import { readLabels } from "./labels.js";
import { findLayout, reorder } from "./layout.js";
import { chooseFiles, findLabels } from "./name-groups.js";
import { parseName, type Role, SPLITS, type Split } from "./names.js";
import { describeShape, type ImageShape, type Images, pixelsOf } from "./pixels.js";
import { describeScale } from "./scale.js";
import type { Source } from "./sources.js";

/**
 * Opens one file of arrays. If it holds no labels, uses a matching file in its folder: y_train.npy for x_train.npy.
 *
 * @throws UserError if it holds no images
 */
export async function openArrayFile(file: string, siblings: readonly string[], options: DataOptions): Promise<Source> {
  const base = path.basename(file);
  const own = parseName(base);
  await checkHeaders([{ place: file, role: own.role, split: "train" }], file, options);
  const arrays = await openArrays(file, options.size);
  const { splits, notes } = groupSplits(arrays, { ...own, split: undefined }, file);
  const [first] = splits.values();
  const sibling = findLabels(
    { file: base, ...own },
    siblings.map((name) => ({ file: name, ...parseName(name) })),
  );
  if (splits.size === 1 && !first.labels && sibling && own.role !== "labels") {
    const { labels, notes: more } = await openSiblingLabels(path.join(path.dirname(file), sibling.file), first.images);
    if (labels) first.labels = labels;
    notes.push(...more);
  }
  const others = siblings.filter((name) => {
    const { role, split, rest } = parseName(name);
    return role !== "labels" && split !== undefined && split !== own.split && rest === own.rest;
  });
  if (own.split === "train" && others.length > 0) {
    notes.push(`Not used: ${listSome(others, MAX_NAMED)}. Give the folder instead of the file to use all splits.`);
  }
  return openSplits(splits, file, notes, options);
}

/**
 * Opens a folder of arrays, which it chooses by their names.
 *
 * @param names of the files, relative to the folder
 * @param dataset names the data set in messages
 * @throws UserError if they belong to several data sets, or there are no training images
 */
export async function openArrayFolder(
  folder: string,
  names: readonly string[],
  options: DataOptions,
  dataset = folder,
): Promise<Source> {
  const { chosen, notes } = chooseFiles(names, folder);
  const files = chosen.map(({ file, role, split }) => ({ place: path.join(folder, file), role, split }));
  await checkHeaders(files, dataset, options);
  const splits: Splits = new Map();
  for (const { place, role, split } of files) {
    if (role === "labels") {
      const { labels, notes: more } = await openLabels(place);
      splits.set(split, { ...(labels && { labels }), ...splits.get(split) });
      notes.push(...more);
      continue;
    }
    const arrays = await openArrays(place, options.size);
    const opened = groupSplits(arrays, { role, split }, place);
    for (const [own, arrays] of opened.splits) splits.set(own, { ...splits.get(own), ...arrays });
    notes.push(...opened.notes);
  }
  return openSplits(splits, dataset, notes, options);
}

/** Checks the shapes of images before reading them, if the headers of all files contain them. */
async function checkHeaders(
  files: readonly { readonly place: string; readonly role?: Role | undefined; readonly split: Split }[],
  dataset: string,
  options: DataOptions,
): Promise<void> {
  const arrays: { split: Split; images: Header }[] = [];
  for (const { place, role, split } of files) {
    if (role === "labels") continue;
    const shape = await readShape(place);
    if (!shape || (!role && shape.length < 2)) return;
    arrays.push({ split, images: { name: place, shape } });
  }
  if (arrays.length > 0) layOut(arrays, dataset, options);
}

/** Opens a file of labels: its only array, or the column of labels of a table. */
async function openLabels(file: string): Promise<{ labels?: FileArray; notes: readonly string[] }> {
  const arrays = await openArrays(file);
  const labels = arrays.find(({ key }) => key !== undefined && parseName(key).role === "labels") ?? arrays[0];
  const notes = arrays.flatMap(({ notes = [] }) => notes);
  if (labels) return { labels, notes };
  return { notes: [...notes, `The labels in ${file} are ignored: it has no column of whole numbers named label.`] };
}

/** Opens labels from another file of the folder. Returns a note instead if they do not fit the images. */
async function openSiblingLabels(file: string, images: FileArray | undefined): ReturnType<typeof openLabels> {
  try {
    const opened = await openLabels(file);
    if (!opened.labels || opened.labels.shape[0] === images?.shape[0]) return opened;
    return { notes: [`Not used: ${file}, which holds ${opened.labels.shape[0]} labels.`] };
  } catch (error) {
    if (error instanceof UserError) return { notes: [`Not used: ${error.message}`] };
    throw error;
  }
}

async function openSplits(splits: Splits, name: string, notes: string[], options: DataOptions): Promise<Source> {
  const arrays = [...splits].flatMap(([split, { images, labels }]) => (images ? [{ split, images, labels }] : []));
  if (!arrays.some(({ split }) => split === "train")) {
    throw new UserError(`${name} holds ${arrays.length > 0 ? "no training images" : "labels, but no images"}.`);
  }
  for (const [split, { images, labels }] of splits) {
    if (!images && labels) notes.push(`Not used: ${labels.name}, as there are no ${split} images.`);
  }
  const { laidOut, shape, byColumns } = layOut(arrays, name, options);
  const scaleOf = chooseScales(laidOut, name, options.scales);
  const parts = new Map<Split, Images>();
  for (const { split, images, labels, count, ...order } of laidOut) {
    const pixels = reorder(toPixels(images, pixelsOf(shape), scaleOf(images)), order);
    const { labels: classes, note } = labels ? readLabels(labels, count) : {};
    if (note) notes.push(note);
    parts.set(split, { shape, count, pixels, labels: classes, origin: (row) => ({ split, row }) });
  }
  if (byColumns) {
    notes.push(`${byColumns} is read by columns, like EMNIST. Give \`layout: hwc\` to read it by rows.`);
  }
  const [train, validation, test] = SPLITS.map((split) => parts.get(split));
  return {
    kind: "arrays",
    train: train as Images,
    ...(validation && { validation }),
    ...(test && { test }),
    isStored: test !== undefined,
    scales: Object.fromEntries(
      arrays.flatMap(({ images }) => (scaleOf(images).conversion ? [[images.dtype, scaleOf(images)]] : [])),
    ),
    bad: [],
    notes: [
      ...notes,
      ...[...new Set(arrays.map(({ images }) => scaleOf(images)))].flatMap((scale) => describeScale(name, scale)),
    ],
  };
}

type Header = Pick<FileArray, "name" | "shape">;

/**
 * Finds the layouts of images, and checks that all have one shape.
 *
 * @returns byColumns: the name of an array whose images are stored by columns, as its name shows
 * @throws UserError if shapes or options do not fit, or `onShape` refuses the shape
 */
function layOut<One extends { readonly split: Split; readonly images: Header }>(
  arrays: readonly One[],
  name: string,
  options: DataOptions,
) {
  const byColumns = options.layout ? undefined : arrays.find(({ images }) => isEmnist(images.name))?.images.name;
  const layout = byColumns === undefined ? options.layout : "whc";
  const laidOut = arrays.map((one) => ({
    ...one,
    ...findLayout(one.images.shape, { ...options, layout }, one.images.name),
  }));
  const [{ shape }] = laidOut;
  for (const other of laidOut) checkShapes(laidOut[0], other, name);
  checkOptions(shape, options, name);
  options.onShape?.(shape, "arrays");
  return { laidOut, shape, byColumns };
}

/** EMNIST's IDX and CSV files store images by columns. */
function isEmnist(name: string): boolean {
  return /emnist/i.test(name.split(path.sep).slice(-2).join(path.sep)) && /(idx3-ubyte|\.csv)(\.gz)?$/i.test(name);
}

interface Shaped {
  readonly split: Split;
  readonly shape: ImageShape;
}

function checkShapes(first: Shaped, other: Shaped, name: string): void {
  const [a, b] = [first, other].map(({ shape }) => describeShape(shape));
  if (a === b) return;
  throw new UserError(
    `The ${first.split} images of ${name} are ${a}, but its ${other.split} images ${b}. They must have the same size.`,
  );
}

function checkOptions(shape: ImageShape, { size, channels }: DataOptions, name: string): void {
  const isOther = size && (size.width !== shape.width || size.height !== shape.height);
  const found = `${name} has images of ${describeShape(shape)}, and`;
  if (isOther) {
    const problem = `arrays are not scaled to ${size.width}×${size.height}, as image files are.`;
    throw new UserError(`${found} ${problem} Give arrays of this size.`);
  }
  if (channels && channels !== shape.channels) {
    throw new UserError(`${found} the channels of arrays are not converted. Leave out \`channels\`.`);
  }
}
