// The public API of data sets: `datasets.load`, `datasets.read`, `datasets.inspect`.
import { func, maybe, objectWith, SIGNAL } from "../arguments.js";
import { checkSettings, type Given } from "../config/entries.js";
import { UserError } from "../errors.js";
import { squareFigure } from "../pictures/figures.js";
import { type Picture, tileNumbers } from "../pictures/grid.js";
import type { HostArray } from "../tree.js";
import { checkValue } from "../values/checker.js";
import { oneOf, TEXT, wholeNumber } from "../values/domains.js";
import { formatBytes } from "../wording.js";
import { type DataOptions as AllOptions, checkImageSet, type Dataset, digestOf, loadDataset } from "./dataset.js";
import {
  checkShape,
  chunks,
  describeShape as formatShape,
  type ImageShape,
  imageShape,
  pixelsOf,
  range,
  toFloat,
} from "./pixels.js";
import { DATA_SETTINGS, SPLITS } from "./settings.js";

export type { Dataset, ImageSet } from "./dataset.js";

/** The settings of the data except `dataset`, and hooks to follow and abort decoding. */
export interface DataOptions extends Omit<AllOptions, "scales" | "onShape"> {}

/** The most bytes that one call of `read` returns. */
const MAX_BYTES = 800e6;
const SHEET_IMAGES = 100;
/** Limits the number of large images on the sheet. */
const SHEET_BYTES = 20e6;

export interface DataReport extends Pick<Dataset, "name" | "height" | "width" | "channels" | "bad" | "notes"> {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  /** The number of images of each class, by its name or label. Has no prototype: a class may be named `constructor`. */
  readonly classes?: Readonly<Record<string, number>>;
  /** Statistics of all pixels, from 0 black to 255 white. */
  readonly pixels: { readonly min: number; readonly max: number; readonly mean: number };
  /** The SHA-256 of all images. */
  readonly sha256: string;
  /** The first training images. */
  readonly sheet: Picture;
}

const OPTIONS = objectWith<Given<DataOptions>>({ onProgress: maybe(func()), signal: maybe(SIGNAL) });

/** Loads a data set. A size may be "28x20", 28, [28, 20] or { width: 28, height: 20 }. */
export async function load(dataset: string, options: Given<DataOptions> = {}): Promise<Dataset> {
  const place = checkValue("The data set", TEXT, dataset);
  const { onProgress, signal, ...settings } = checkValue("The options", OPTIONS, options);
  const { dataset: _, ...table } = DATA_SETTINGS;
  return loadDataset(place, { ...checkSettings(table, settings), onProgress, signal });
}

/**
 * Reports the data that a training would use. Lists bad files instead of throwing.
 *
 * @param dataset and `options` as for `load`
 * @throws UserError if no image can be used
 */
export async function inspect(dataset: string, options: Given<DataOptions> = {}): Promise<DataReport> {
  const data = await load(dataset, { ...checkValue("The options", OPTIONS, options), skipBad: true });
  const { name, height, width, channels, train, validation, test, bad, notes } = data;
  const counts = new Map<string, number>();
  for (const { labels = [] } of [train, validation, test]) {
    for (const label of labels) {
      const key = data.classes?.[label] ?? String(label);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  const byName = [...counts].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
  const shown = Math.min(SHEET_IMAGES, train.count, Math.max(1, Math.floor(SHEET_BYTES / tileNumbers(data))));
  return {
    name,
    height,
    width,
    channels,
    train: train.count,
    validation: validation.count,
    test: test.count,
    ...(byName.length > 0 && { classes: Object.setPrototypeOf(Object.fromEntries(byName), null) }),
    bad,
    notes,
    pixels: measurePixels(data),
    sha256: digestOf(data),
    sheet: squareFigure({ pixels: toFloat(train.pixels.read(range(0, shown))), height, width, channels }),
  };
}

function measurePixels(data: Dataset): DataReport["pixels"] {
  let [min, max, sum, length] = [255, 0, 0, 0];
  for (const { pixels, count } of [data.train, data.validation, data.test]) {
    for (const chunk of chunks(pixels, count, pixelsOf(data))) {
      length += chunk.length;
      for (const byte of chunk) {
        if (byte < min) min = byte;
        if (byte > max) max = byte;
        sum += byte;
      }
    }
  }
  return { min, max, mean: sum / length };
}

/**
 * Reads images of one part of a data set, in the form that models take: `count` of them from number `first`, by default
 * all.
 *
 * @returns bytes from 0 black to 255 white: `[count, height, width]`, in colour `[count, height, width, 3]`
 * @throws UserError if the part has fewer images
 */
export function read(
  dataset: Dataset,
  part: (typeof SPLITS)[number],
  first = 0,
  count?: number,
): HostArray<Uint8Array> {
  const split = checkValue("The part", oneOf(SPLITS), part);
  const shape = checkShape(checkValue("The data set", DATASET, dataset));
  const set = checkImageSet(shape[split], shape);
  const start = checkValue("The first image", wholeNumber({ min: 0, max: set.count - 1 }), first);
  const total = checkValue(
    "The count",
    maybe(wholeNumber({ min: 1, max: set.count - start }), set.count - start),
    count,
  );
  if (total * pixelsOf(shape) > MAX_BYTES) {
    throw new UserError(
      `${total} images of ${formatShape(shape)} are more than ${formatBytes(MAX_BYTES)}. Read fewer at once.`,
    );
  }
  return { data: set.pixels.read(range(start, total)), shape: [total, ...imageShape(shape)] };
}

const DATASET = objectWith<Dataset>({});

/** Formats the size of images as width × height: 28×20, or 28×20 in colour. */
export function describeShape(shape: ImageShape): string {
  return formatShape(checkShape(shape));
}
