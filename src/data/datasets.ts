// The public API of data sets: `datasets.load`, `datasets.read`, `datasets.inspect`.
import { checkSettings, type Given } from "../config/entries.js";
import { UserError } from "../errors.js";
import type { HostArray } from "../tree.js";
import { type DataOptions, type Dataset, loadDataset } from "./dataset.js";
import { type DataReport, inspectData } from "./inspect.js";
import { checkCount, imageShape, range } from "./pixels.js";
import { DATA_SETTINGS } from "./settings.js";

export type { DataOptions, Dataset, ImageSet } from "./dataset.js";
export type { DataReport } from "./inspect.js";
export { describeShape } from "./pixels.js";

/** `loadDataset`, which also accepts a size as text: "28x20". */
export async function load(dataset: string, options: Given<DataOptions> = {}): Promise<Dataset> {
  return loadDataset(dataset, checkOptions(options));
}

/** `inspectData`, which also accepts a size as text: "28x20". */
export async function inspect(dataset: string, options: Given<DataOptions> = {}): Promise<DataReport> {
  return inspectData(dataset, checkOptions(options));
}

function checkOptions({ onProgress, signal, ...settings }: Given<DataOptions>): DataOptions {
  return { ...checkSettings(DATA_SETTINGS, settings), onProgress, signal };
}

/**
 * Reads images of a data set, as models take them.
 *
 * @param first the number of the first image in its part
 * @param count default: all that follow
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
