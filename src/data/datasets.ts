// The public API of data sets: `datasets.load`, `datasets.read`, `datasets.inspect`.
import { checkSettings, type Given } from "../config/entries.js";
import { UserError } from "../errors.js";
import { squareFigure } from "../pictures/figures.js";
import { type Picture, tileNumbers } from "../pictures/grid.js";
import type { HostArray } from "../tree.js";
import { type DataOptions, type Dataset, digestOf, loadDataset } from "./dataset.js";
import { checkCount, chunks, imageShape, pixelsOf, range, toFloat } from "./pixels.js";
import { DATA_SETTINGS } from "./settings.js";

export type { DataOptions, Dataset, ImageSet } from "./dataset.js";
export { describeShape } from "./pixels.js";

const SHEET_IMAGES = 100;
/** Limits the number of large images on the sheet. */
const SHEET_BYTES = 20e6;

export interface DataReport extends Pick<Dataset, "name" | "height" | "width" | "channels" | "bad" | "notes"> {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  /** The number of images of each class, by its name or its label. Has no prototype: a class may be `constructor`. */
  readonly classes?: Readonly<Record<string, number>>;
  /** Of all pixels, from 0 black to 255 white. */
  readonly pixels: { readonly min: number; readonly max: number; readonly mean: number };
  /** The digest of all images. */
  readonly sha256: string;
  /** The first training images. */
  readonly sheet: Picture;
}

/** `loadDataset` with checked settings. A size may be "28x20", 28, [28, 20] or { width: 28, height: 20 }. */
export async function load(dataset: string, options: Given<DataOptions> = {}): Promise<Dataset> {
  const { onProgress, signal, ...settings } = options;
  return loadDataset(dataset, { ...checkSettings(DATA_SETTINGS, settings), onProgress, signal });
}

/**
 * Reports what training would see of a data set. Lists bad files.
 *
 * @param dataset and `options` as for `load`
 * @throws UserError if no image can be used
 */
export async function inspect(dataset: string, options: Given<DataOptions> = {}): Promise<DataReport> {
  const data = await load(dataset, { ...options, skipBad: true });
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
 * Reads images of a data set, as models take them: by default all from number `first` of the part.
 *
 * @returns bytes from 0 black to 255 white: `[count, height, width]`, in colour `[count, height, width, 3]`
 * @throws UserError if the part has fewer images
 */
export function read(
  dataset: Dataset,
  part: "train" | "validation" | "test",
  first = 0,
  count = dataset[part].count - first,
): HostArray<Uint8Array> {
  const { pixels, count: all } = dataset[part];
  if (!Number.isSafeInteger(first) || first < 0) {
    throw new UserError(`The first image must be a number from 0, not ${first}.`);
  }
  checkCount(count);
  checkCount(first + count, all);
  return { data: pixels.read(range(first, count)), shape: [count, ...imageShape(dataset)] };
}
