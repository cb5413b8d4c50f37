// Loads a data set, and divides its images into training, validation and test images.
import { createHash } from "node:crypto";
import path from "node:path";
import { func, listOf, maybe, objectWith, satisfying } from "../arguments.js";
import type { ValuesOf } from "../config/entries.js";
import { UserError } from "../errors.js";
import { isFolder } from "../files/read.js";
import { checkValue } from "../values/checker.js";
import { wholeNumber } from "../values/domains.js";
import { quoteItem, quoteText, unquote } from "../values/quoting.js";
import { listSome, printable } from "../wording.js";
import { type Labelled, nameOfLabel } from "./classes.js";
import type { Background } from "./image-files.js";
import type { BadFile } from "./listing.js";
import { orderImages } from "./order.js";
import {
  COUNT,
  chunks,
  type ImageShape,
  type Images,
  imageShape,
  numberIn,
  type Pixels,
  pixelsOf,
  range,
  select,
} from "./pixels.js";
import type { Scales } from "./scale.js";
import { ALL, type DATA_SETTINGS } from "./settings.js";
import { openSource } from "./sources.js";

const MAX_CLASSES_LISTED = 20;

/** A part of a data set. */
export interface ImageSet extends Omit<Images, "shape">, Labelled {
  /** The number of the first image among all images of the data set. Addresses the images' random draws. */
  readonly offset: number;
}

/** Where images come from: image files (or encoded images in Parquet), or arrays. */
export type DataKind = "files" | "arrays";

export interface Dataset extends ImageShape {
  /** A short name, for the run's folder. */
  readonly name: string;
  readonly kind: DataKind;
  readonly train: ImageSet;
  readonly validation: ImageSet;
  readonly test: ImageSet;
  /** The names of the classes, by label. */
  readonly classes?: readonly string[] | undefined;
  /** The background of transparent image files. */
  readonly background: Background;
  /** The conversions to bytes, for types other than plain bytes. */
  readonly scales: Scales;
  readonly bad: readonly BadFile[];
  /** How the data were read, and what was ignored: one sentence each. */
  readonly notes: readonly string[];
}

/** The settings of the data except `dataset`, and internal options of a run. */
export interface DataOptions extends Partial<Omit<ValuesOf<typeof DATA_SETTINGS>, "dataset">> {
  /** The scales of a model's training images. */
  readonly scales?: Scales | undefined;
  /**
   * Called with the shape of the images before and after they are decoded or decompressed. May throw to refuse them.
   */
  readonly onShape?: ((shape: ImageShape, kind: DataKind) => void) | undefined;
  /** Called as image files are decoded. Not called if they are in the cache. */
  readonly onProgress?: ((done: number, count: number) => void) | undefined;
  /** Aborts decoding. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Loads a data set: `mnist`, a folder of image files, or a file or a folder of arrays (docs/data.md).
 *
 * Uses the validation and test sets of the data set. Otherwise draws a seventh of all images for the test and a twelfth
 * of the rest for validation, with a fixed seed and in proportion to the classes. Arrays with only a test set keep
 * their order, unless they are sorted by class, and give up their last twelfth.
 *
 * @throws UserError if a file is missing or not valid, or there are too few images
 */
export async function loadDataset(dataset: string, options: DataOptions = {}): Promise<Dataset> {
  const { limit = 0, classes: wanted = [ALL] } = options;
  const source = await openSource(dataset, options);
  options.onShape?.(source.train.shape, source.kind);
  const { kind, train: all, classes, background = "black", scales, bad, notes } = source;
  const sets = [all, source.validation, source.test].filter((images) => images !== undefined);
  const isWanted = wanted.length === 1 && wanted[0] === ALL ? undefined : chooseClasses(wanted, sets, classes, dataset);
  const choose = (images: Images): Uint32Array => {
    const order = orderImages(images, source.isStored);
    const chosen = isWanted ? order.filter((image) => isWanted(images.labels?.[image])) : order;
    return limit > 0 ? chosen.subarray(0, limit) : chosen;
  };
  const chosen = choose(all);
  const testCount = source.test ? 0 : Math.max(1, Math.round(chosen.length / 7));
  const rest = chosen.subarray(0, chosen.length - testCount);
  const validationCount = source.validation ? 0 : Math.max(1, Math.round(rest.length / 12));
  const trainCount = rest.length - validationCount;
  const subset = (images: Images, numbers: Uint32Array, offset: number) =>
    selectSet(images, numbers, offset, images.labels && classes);
  const train = subset(all, rest.subarray(0, trainCount), 0);
  const validation = source.validation
    ? subset(source.validation, choose(source.validation), train.count)
    : subset(all, rest.subarray(trainCount), train.count);
  const after = train.count + validation.count;
  const test = source.test
    ? subset(source.test, choose(source.test), after)
    : subset(all, chosen.subarray(rest.length), after);
  if (train.count < 1 || validation.count < 1 || test.count < 1) {
    const counts = `${train.count} to train, ${validation.count} to validate, ${test.count} to test`;
    const isWhole = !source.validation && !source.test;
    const needed = isWhole ? "At least three are needed, one for each of these." : "Each of these needs at least one.";
    const remedy = limit > 0 && chosen.length === limit ? " Raise `limit`." : "";
    throw new UserError(`${dataset} has too few images: ${counts}. ${needed}${remedy}`);
  }
  const { base, name } = path.parse(path.resolve(dataset));
  return {
    name: (isFolder(dataset) ? base : name).replace(/[^\p{L}\p{N}._]+/gu, "-"),
    kind,
    ...all.shape,
    train,
    validation,
    test,
    classes,
    background,
    scales,
    bad,
    notes,
  };
}

function selectSet(
  { pixels, inputs, labels, origin }: Images,
  numbers: Uint32Array,
  offset: number,
  classes: readonly string[] | undefined,
): ImageSet {
  return {
    count: numbers.length,
    pixels: select(pixels, numbers),
    inputs: inputs && select(inputs, numbers),
    labels: labels && Uint16Array.from(numbers, (number) => labels[number]),
    ...(classes && { classes }),
    origin: origin && ((image) => origin(numberIn(numbers, image))),
    offset,
  };
}

/** The set of one image of a set. @throws UserError if there is no image of this number */
export function imageAt(images: ImageSet, image: number): ImageSet {
  const number = Uint32Array.of(numberIn(range(0, images.count), image));
  return {
    count: 1,
    offset: images.offset + image,
    pixels: select(images.pixels, number),
    inputs: images.inputs && select(images.inputs, number),
    labels: images.labels?.subarray(image, image + 1),
    ...(images.classes && { classes: images.classes }),
  };
}

const PIXELS = objectWith<Pixels>({ read: func() });
const LABELS = satisfying("be a Uint16Array", (value) => value instanceof Uint16Array);
const NAME = satisfying("be a string", (value) => typeof value === "string");
const IMAGE_SET = objectWith<ImageSet>({
  count: COUNT,
  offset: wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  pixels: PIXELS,
  inputs: maybe(PIXELS),
  labels: maybe(LABELS),
  classes: maybe(listOf(NAME)),
});

/** @throws UserError unless the value is a part of a data set with images of this shape */
export function checkImageSet(value: unknown, shape: ImageShape): ImageSet {
  const set = checkValue("The part of a data set", IMAGE_SET, value);
  for (const pixels of set.inputs !== undefined ? [set.pixels, set.inputs] : [set.pixels]) {
    const read: unknown = pixels.read([0, set.count - 1]);
    const found = read instanceof Uint8Array ? read.length / 2 : 0;
    if (found === pixelsOf(shape)) continue;
    throw new UserError(
      `The images of this data set have ${found} numbers each, but must have ${pixelsOf(shape)}, ` +
        `[${imageShape(shape)}].`,
    );
  }
  return set;
}

/** @param wanted names or numbers of classes. @returns a function that says whether a label is among them */
function chooseClasses(
  wanted: readonly string[],
  sets: readonly Images[],
  classes: readonly string[] | undefined,
  dataset: string,
): (label: number | undefined) => boolean {
  if (!sets.every(({ labels }) => labels)) {
    throw new UserError(`${dataset} has images without labels, and \`classes\` needs them. Leave out \`classes\`.`);
  }
  const nameOf = (label: number) => nameOfLabel({ classes }, label);
  const present = new Set<number>();
  for (const { labels = [] } of sets) for (const label of labels) present.add(label);
  const found = [...present].sort((a, b) => a - b).map((label) => [nameOf(label), label] as const);
  const names = new Set(found.map(([name]) => name));
  const chosen = new Set(wanted.map((item) => unquote(item).normalize("NFC")));
  const missing = [...chosen].find((name) => !names.has(name));
  if (missing !== undefined) {
    const [wrong, ...listed] = [missing, ...names].map(itemOf);
    throw new UserError(`${dataset} has no class ${printable(wrong)}. It has ${listSome(listed, MAX_CLASSES_LISTED)}.`);
  }
  const labels = new Set(found.flatMap(([name, label]) => (chosen.has(name) ? [label] : [])));
  return (label) => label !== undefined && labels.has(label);
}

/** Formats the name of a class as an item of the setting `classes`. */
function itemOf(name: string): string {
  const item = quoteItem(name);
  return name === ALL || unquote(item) !== name ? quoteText(name) : item;
}

/**
 * The SHA-256 of the training, validation and test images, in this order. After the images of each part come its inputs
 * and, for a conditional model, its labels and their names.
 */
export function digestOf(dataset: Dataset, hasLabels = false): string {
  const hash = createHash("sha256");
  for (const { count, pixels, inputs, labels, classes = [] } of [dataset.train, dataset.validation, dataset.test]) {
    for (const images of inputs ? [pixels, inputs] : [pixels]) {
      for (const chunk of chunks(images, count, pixelsOf(dataset))) hash.update(chunk);
    }
    if (hasLabels && labels) hash.update(labels.subarray(0, count)).update(JSON.stringify(classes));
  }
  return hash.digest("hex");
}
