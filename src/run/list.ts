// Lists runs with their progress.
import path from "node:path";
import { type Config, createConfig, encodeConfig, type GivenSettings } from "../config/config.js";
import { UserError } from "../errors.js";
import type { Bounds } from "../model/bounds.js";
import { problemOf, type UnreadableRun } from "./find.js";
import { METRICS, RunFolder } from "./folder.js";
import { bestOf, type EpochReport, isDone } from "./reports.js";

export interface RunReport {
  /** The run's folder. */
  readonly run: string;
  /** ISO 8601. */
  readonly created: string;
  /** finished: all epochs, or patience ran out. in use: a process trains it. stopped: it can be resumed. */
  readonly state: "finished" | "in use" | "stopped";
  /** How many are finished. */
  readonly epochs: number;
  /** The best epoch and its validation bounds, in nats per image. Undefined before the first epoch ends. */
  readonly best?: { readonly epoch: number; readonly validation: Bounds };
  readonly config: Config;
  /** Settings, as JSON, that differ from the defaults, except channels, engine and threads: these follow from the data and the machine. */
  readonly settings: GivenSettings;
}

/**
 * Lists the runs in a folder, the newest first.
 *
 * @param dir default `runs/`
 * @throws UserError if there is no such folder
 */
export async function listRuns(dir?: string): Promise<{ runs: RunReport[]; unreadable: UnreadableRun[] }> {
  const found = await RunFolder.list(dir);
  const runs: RunReport[] = [];
  const unreadable = [...found.unreadable];
  for (const folder of found.runs) {
    try {
      runs.push(await describe(folder));
    } catch (error) {
      unreadable.push({ run: folder.dir, problem: problemOf(error) });
    }
  }
  const byName = (a: { run: string }, b: { run: string }) => (a.run < b.run ? -1 : 1);
  runs.sort((a, b) => (a.created === b.created ? byName(a, b) : a.created > b.created ? -1 : 1));
  return { runs, unreadable: unreadable.sort(byName) };
}

async function describe(folder: RunFolder): Promise<RunReport> {
  const { dir: run, config } = folder;
  const { created, settings } = config;
  const reports = await folder.readMetrics();
  if (!reports.every(isReport)) {
    throw new UserError(`${path.join(run, METRICS)} does not hold the epochs of a training.`);
  }
  const best = bestOf(reports);
  return {
    run,
    created,
    state: (await folder.isInUse()) ? "in use" : isDone(reports, settings) ? "finished" : "stopped",
    epochs: reports.length,
    ...(best && { best: { epoch: best.epoch, validation: best.validation } }),
    config: settings,
    settings: ownSettings(settings),
  };
}

function isReport(value: unknown): value is EpochReport {
  const { epoch, validation } = (value ?? {}) as Partial<EpochReport>;
  return Number.isSafeInteger(epoch) && typeof validation?.objective === "number";
}

function ownSettings(config: Config): GivenSettings {
  const defaults = encodeConfig(createConfig({}));
  const isOwn = ([name, value]: [string, unknown]) =>
    !["channels", "engine", "threads"].includes(name) &&
    JSON.stringify(value) !== JSON.stringify(defaults[name as keyof Config]);
  return Object.fromEntries(Object.entries(encodeConfig(config)).filter(isOwn));
}
