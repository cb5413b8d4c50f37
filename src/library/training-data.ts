// The data set that a run was trained on, as it is now.
import type { Dataset, ImageSet } from "../data/dataset.js";
import { loadDataset } from "../data/dataset.js";
import { UserError } from "../errors.js";
import type { RunConfig } from "../run/folder.js";

/** @throws UserError if it cannot be read, or its images are of another size than those that the model was trained on */
export async function loadTrainingData({ settings, data: before }: RunConfig): Promise<Dataset> {
  const data = await load(settings.dataset);
  if (data.height !== before.height || data.width !== before.width) {
    throw new UserError(
      `The images of ${settings.dataset} are ${data.height}×${data.width} pixels now, but the model was trained on ${before.height}×${before.width}.`,
    );
  }
  return data;
}

async function load(source: string): Promise<Dataset> {
  try {
    return await loadDataset(source);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`This run was trained on ${source}, which cannot be read now. ${error.message}`);
  }
}

/** @throws UserError if the set has fewer images than are asked for */
export function countOf(images: Pick<ImageSet, "count">, count: number): number {
  checkCount(count);
  if (count > images.count) {
    throw new UserError(`There are ${images.count} images, fewer than the ${count} that were asked for.`);
  }
  return count;
}

export function checkCount(count: number): void {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new UserError(`The count must be a whole number above 0, not ${count}.`);
  }
}
