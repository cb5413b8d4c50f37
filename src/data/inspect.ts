// Reports what a data set holds.
import { squareFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import { type DataOptions, type Dataset, digestOf, loadDataset } from "./dataset.js";
import { pixelsOf, range, toFloat } from "./pixels.js";

const SHEET_IMAGES = 100;
/** Limits the number of large images on the sheet. */
const SHEET_BYTES = 20e6;

export interface DataReport extends Pick<Dataset, "name" | "height" | "width" | "channels" | "bad" | "others"> {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  /** The number of images of each class, by its name or its label. */
  readonly classes?: Readonly<Record<string, number>>;
  /** The digest of all images. */
  readonly sha256: string;
  /** The first training images. */
  readonly sheet: Picture;
}

/**
 * Reports what training would see of a data set. Bad files are listed, not refused.
 *
 * @param dataset as in `loadDataset`
 * @throws UserError if no image can be used
 */
export async function inspectData(dataset: string, options: DataOptions = {}): Promise<DataReport> {
  const data = await loadDataset(dataset, { ...options, skipBad: true });
  const { name, height, width, channels, train, validation, test, bad, others } = data;
  const counts: Record<string, number> = {};
  for (const { labels = [] } of [train, validation, test]) {
    for (const label of labels) {
      const key = data.classes?.[label] ?? String(label);
      counts[key] = (counts[key] ?? 0) + 1;
    }
  }
  const shown = Math.min(SHEET_IMAGES, train.count, Math.max(1, Math.floor(SHEET_BYTES / pixelsOf(data))));
  const byName = Object.entries(counts).sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
  return {
    name,
    height,
    width,
    channels,
    train: train.count,
    validation: validation.count,
    test: test.count,
    ...(byName.length > 0 && { classes: Object.fromEntries(byName) }),
    bad,
    others,
    sha256: digestOf(data),
    sheet: squareFigure({ pixels: toFloat(train.pixels.read(range(0, shown))), height, width, channels }),
  };
}
