// The reports of a run's epochs: which is the best, and whether training is done.
import type { Config } from "../config/config.js";
import type { Bounds } from "../model/bounds.js";

/** A finished epoch. */
export interface EpochReport {
  readonly epoch: number;
  /** Mean over the epoch's batches, with dropout and noise as in training. */
  readonly train: Bounds;
  readonly validation: Bounds;
  /** Whether the validation objective is the best so far. Then the weights become the model. */
  readonly isBest: boolean;
  readonly imagesPerSecond: number;
  /** Since the training began. */
  readonly seconds: number;
}

/** @returns the report of the best epoch so far */
export function bestOf(reports: readonly EpochReport[]): EpochReport | undefined {
  return reports.findLast(({ isBest }) => isBest);
}

/** Whether all epochs are trained, or the validation objective has not improved for `patience` epochs. */
export function isDone(reports: readonly EpochReport[], { epochs, patience }: Config): boolean {
  if (reports.length >= epochs) return true;
  return patience > 0 && reports.length - (bestOf(reports)?.epoch ?? reports.length) >= patience;
}
