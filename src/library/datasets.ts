// Data sets, for users of the library: `datasets.load`, `datasets.read`, `datasets.inspect`.
import type { Dataset } from "../data/dataset.js";
import { range } from "../data/pixels.js";
import { UserError } from "../errors.js";
import type { HostArray } from "../tree.js";
import { imageShape } from "./arrays.js";
import { checkCount, countOf } from "./training-data.js";

export type { DataOptions, Dataset, ImageSet } from "../data/dataset.js";
export { describeShape, loadDataset as load } from "../data/dataset.js";
export type { DataReport } from "./data.js";
export { inspectData as inspect } from "./data.js";

/**
 * Images of a part of a data set, as models take them.
 *
 * @param first the number of the first one in its part
 * @param count how many; all that follow, if it is not given
 * @returns `[count, height, width]`, in colour `[count, height, width, 3]`: bytes from 0 black to 255 white
 * @throws UserError if the part has fewer
 */
export function read(
  dataset: Dataset,
  part: "train" | "validation" | "test",
  first = 0,
  count = dataset[part].count - first,
): HostArray<Uint8Array> {
  const { pixels, count: all } = dataset[part];
  if (!Number.isSafeInteger(first) || first < 0)
    throw new UserError(`The first image must be a number from 0, not ${first}.`);
  checkCount(count);
  countOf({ count: all }, first + count);
  return { data: pixels.read(range(first, count)), shape: [count, ...imageShape(dataset)] };
}
