// Small images, and the pixels of data sets, for tests of image files.
import type { Dataset } from "../../src/data/dataset.js";
import { range } from "../../src/data/pixels.js";

export const SIDE = 8;
/** Channel k of the TIFFs in test/fixtures/tiff, by rows. */
export const channel = (k = 0) =>
  Array.from({ length: SIDE * SIDE }, (_, i) => (7 * Math.floor(i / SIDE) + 3 * (i % SIDE) + 40 * k) % 256);
export const interleave = (...channels: number[][]) =>
  channels[0].flatMap((_, i) => channels.map((values) => values[i]));

/** All pixels of a data set, by the names of the files. */
export function pixelsByName(data: Dataset): Record<string, number[]> {
  const size = data.height * data.width * data.channels;
  const sets = [data.train, data.validation, data.test];
  const named = sets.flatMap((set) => {
    const bytes = set.pixels.read(range(0, set.count));
    return Array.from(range(0, set.count), (i) => {
      return [set.origin?.(i)?.file, [...bytes.subarray(i * size, (i + 1) * size)]] as const;
    });
  });
  return Object.fromEntries(named);
}
