// Lists runs with their progress.
import path from "node:path";
import { maybe } from "../arguments.js";
import { type Config, createConfig, encodeConfig, type GivenSettings } from "../config/config.js";
import { describeSetting } from "../config/entries.js";
import { UserError } from "../errors.js";
import type { Bounds } from "../model/bounds.js";
import { checkValue, isRecord } from "../values/checker.js";
import { TEXT } from "../values/domains.js";
import type { RunConfig } from "./config.js";
import { findRuns } from "./find.js";
import { METRICS, RunFolder, TEST } from "./folder.js";
import { bestOf, type EpochReport, isDone } from "./reports.js";

export interface RunReport {
  /** The run's folder. */
  readonly run: string;
  /** ISO 8601. */
  readonly created: string;
  /** finished: trained for all epochs, or stopped early. in use: being trained. stopped: can be resumed. */
  readonly state: "finished" | "in use" | "stopped";
  /** The number of finished epochs. */
  readonly epochs: number;
  /** The best epoch and its validation bounds, in nats per image. Undefined before the first epoch ends. */
  readonly best?: { readonly epoch: number; readonly validation: Bounds };
  /** Of the best epoch's weights, if the training has ended since. */
  readonly test?: Bounds;
  readonly config: Config;
  /**
   * The settings that differ from the defaults, as JSON. Excludes channels, background, engine, threads and device, which
   * depend on the data and the machine.
   */
  readonly settings: GivenSettings;
}

/** A run that cannot be read, and the reason. */
export interface UnreadableRun {
  readonly run: string;
  readonly problem: string;
}

/**
 * Lists the runs in a folder and in its groups, the newest first.
 *
 * @param dir default `runs/`
 * @throws UserError if `dir` does not exist
 */
export async function listRuns(dir?: string): Promise<{ runs: RunReport[]; unreadable: UnreadableRun[] }> {
  const { runs: found, unreadable } = await findRuns(readRun, checkValue("The folder", maybe(TEXT), dir));
  const runs = found.map(({ report }) => report);
  runs.sort((a, b) => Number(a.created < b.created) - Number(a.created > b.created));
  return { runs, unreadable: unreadable.map(({ run, error }) => ({ run, problem: error.message })) };
}

/** The report, finished epochs and config.json of a run. */
export interface ReadRun {
  readonly report: RunReport;
  /** Only epoch and validation are checked: other fields may be missing or of another type. */
  readonly epochs: readonly EpochReport[];
  readonly runConfig: RunConfig;
}

/** Reads a run without its weights. @throws UserError if the folder is not a run, or its files are not valid */
export async function readRun(run: string): Promise<ReadRun> {
  const folder = await RunFolder.open(run);
  const { created, settings } = folder.config;
  const lines = await folder.readMetrics();
  if (!lines.every(isReport)) {
    throw new UserError(`${path.join(run, METRICS)} does not hold the epochs of a training.`);
  }
  const epochs = lines.map((report) => ({ ...report, validation: restoreNaN(report.validation) }));
  const best = bestOf(epochs);
  const test = await readTest(folder, best?.epoch);
  const report: RunReport = {
    run,
    created,
    state: (await folder.isInUse()) ? "in use" : isDone(epochs, settings) ? "finished" : "stopped",
    epochs: epochs.length,
    ...(best && { best: { epoch: best.epoch, validation: best.validation } }),
    ...(test && { test }),
    config: settings,
    settings: changedSettings(settings),
  };
  return { report, epochs, runConfig: folder.config };
}

/**
 * Reads a run as it was while the weights of an epoch were its best. A training may have found better ones since.
 *
 * @param epoch of the metadata of the weights. Those of older versions have none: they are taken for the best
 */
export async function readRunOf(run: string, epoch: string | undefined): Promise<ReadRun> {
  const read = await readRun(run);
  const { best, test, ...report } = read.report;
  if (epoch === undefined || best === undefined || String(best.epoch) === epoch) return read;
  const next = read.epochs.findIndex((later) => later.isBest && later.epoch > Number(epoch));
  const epochs = next < 0 ? read.epochs : read.epochs.slice(0, next);
  const own = bestOf(epochs);
  const ownBest = own && String(own.epoch) === epoch ? { epoch: own.epoch, validation: own.validation } : undefined;
  const state = next < 0 ? report.state : "in use";
  return { ...read, epochs, report: { ...report, state, epochs: epochs.length, ...(ownBest && { best: ownBest }) } };
}

/** The test of the weights of an epoch: that of an earlier best epoch is out of date. */
async function readTest(folder: RunFolder, epoch: number | undefined): Promise<Bounds | undefined> {
  const tested = await folder.readTest();
  if (tested === undefined) return undefined;
  const { test, epoch: of } = isRecord(tested) ? tested : {};
  const report: unknown = { epoch: of, validation: test };
  if (!isReport(report)) throw new UserError(`${path.join(folder.dir, TEST)} does not hold the test of a model.`);
  return of === epoch ? restoreNaN(report.validation) : undefined;
}

function isReport(value: unknown): value is EpochReport {
  const { epoch, validation } = (value ?? {}) as Partial<EpochReport>;
  const { objective, elbo, reconstruction, kl } = validation ?? {};
  // In JSON, a number that is not finite is null.
  const isTerm = (term: unknown) => typeof term === "number" || term === null;
  return Number.isSafeInteger(epoch) && typeof objective === "number" && [elbo, reconstruction, kl].every(isTerm);
}

function restoreNaN(validation: Bounds): Bounds {
  const number = (term: number | null) => term ?? Number.NaN;
  const { elbo, reconstruction, kl } = validation;
  return { ...validation, elbo: number(elbo), reconstruction: number(reconstruction), kl: number(kl) };
}

/** The settings that differ from the defaults, as "beta=2". Excludes the data set and the epochs too. */
export function describeSettings(config: Config): string[] {
  const { dataset, epochs, ...others } = changedSettings(config);
  return Object.entries(others).map(([name, value]) => `${name}=${describeSetting(value)}`);
}

/**
 * The settings that differ from the defaults, as JSON. Excludes channels, background, engine, threads and device, which
 * depend on the data and the machine.
 */
export function changedSettings(config: Config): GivenSettings {
  const { channels, background, engine, threads, device } = config;
  const dependent = { channels, background, engine, threads, device };
  const defaults = encodeConfig(createConfig(dependent));
  const isChanged = ([name, value]: [string, unknown]) =>
    JSON.stringify(value) !== JSON.stringify(defaults[name as keyof Config]);
  return Object.fromEntries(Object.entries(encodeConfig(config)).filter(isChanged));
}
