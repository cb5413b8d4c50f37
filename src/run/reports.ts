// Reports of a run's epochs: finds the best one, and whether training is done.
import type { Config } from "../config/config.js";
import type { Bounds } from "../model/bounds.js";

/** A finished epoch. */
export interface EpochReport {
  readonly epoch: number;
  /** The mean over the epoch's batches, with the dropout and noise of training. */
  readonly train: Bounds;
  readonly validation: Bounds;
  /** Whether the validation objective is the best so far, so that the weights are saved as the model. */
  readonly isBest: boolean;
  readonly imagesPerSecond: number;
  /** Since the training began, without interruptions. */
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
