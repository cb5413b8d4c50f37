// Epochs of metrics.jsonl as the page receives them.
import type { EpochReport } from "../run/reports.js";
import { isRecord } from "../values/checker.js";
import type { EpochSummary, EpochTerms } from "./protocol.js";

type Unchecked = { readonly [Field in keyof EpochReport]?: unknown };

/** Leaves out fields that are missing or of another type: readRun checks only `epoch` and `validation`. */
export function summarizeEpoch(report: EpochReport): EpochSummary {
  const { train, isBest, imagesPerSecond, seconds }: Unchecked = report;
  return {
    epoch: report.epoch,
    ...(isRecord(train) && { train: termsOf(train) }),
    validation: termsOf(report.validation),
    isBest: isBest === true,
    ...(isNumber(imagesPerSecond) && { imagesPerSecond }),
    ...(isNumber(seconds) && { seconds }),
  };
}

function termsOf(terms: { readonly [Term in keyof EpochTerms]?: unknown }): EpochTerms {
  const { objective, elbo, reconstruction, kl } = terms;
  const orNull = (term: unknown) => (isNumber(term) ? term : null);
  return { objective: orNull(objective), elbo: orNull(elbo), reconstruction: orNull(reconstruction), kl: orNull(kl) };
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}
