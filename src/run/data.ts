// Loads the data set that a run was trained on, or another one with images of the same shape.
import type { Config } from "../config/config.js";
import { type DataKind, type DataOptions, type Dataset, loadDataset } from "../data/dataset.js";
import { describeShape, type ImageShape } from "../data/pixels.js";
import { UserError } from "../errors.js";
import type { RunConfig } from "./config.js";

/**
 * Loads the data of a run. If `other` is given, loads that data set with image files scaled to the model's size.
 *
 * @throws UserError if the images have another shape than the model's
 */
export async function loadTrainingData({ settings, data: trained }: RunConfig, other?: string): Promise<Dataset> {
  const { height, width, channels } = trained;
  const { background, skipBad } = settings;
  const size = { width, height };
  const fitting = { size, channels: channels === 3 ? 3 : 1, background, skipBad, scales: trained.scales } as const;
  const onShape = (shape: ImageShape) => {
    if (describeShape(shape) === describeShape(trained)) return;
    throw new UserError(
      `${other ?? settings.dataset} has images of ${describeShape(shape)}, but the model was trained ` +
        `on ${describeShape(trained)}.`,
    );
  };
  return other === undefined ? loadOwnData(settings, { onShape }) : loadDataset(other, { ...fitting, onShape });
}

/** Loads the data that a run was trained on. @throws UserError if it cannot be read, for example after it was moved */
export async function loadOwnData(
  settings: Config,
  hooks: Pick<DataOptions, "onShape" | "onProgress" | "signal"> = {},
): Promise<Dataset> {
  let refusal: unknown;
  const onShape = (shape: ImageShape, kind: DataKind) => {
    try {
      hooks.onShape?.(shape, kind);
    } catch (error) {
      refusal = error;
      throw error;
    }
  };
  try {
    return await loadDataset(settings.dataset, { ...settings, ...hooks, onShape });
  } catch (error) {
    if (!(error instanceof UserError) || error === refusal) throw error;
    throw new UserError(
      `This run was trained on ${settings.dataset}, which cannot be read now. ${error.message} ` +
        "If the data were moved, resume the run once with their new path as `dataset`.",
    );
  }
}
