// What runs there are, and how far they came.
import type { Config, GivenSettings } from "../config/config.js";
import { createConfig, encodeConfig } from "../config/config.js";
import { isSystemError, UserError } from "../errors.js";
import type { Bounds } from "../model/elbo.js";
import type { UnreadableRun } from "../run/folder.js";
import { RunFolder } from "../run/folder.js";
import type { EpochReport } from "./epochs.js";
import { bestOf, isDone } from "./epochs.js";

/** A run in its folder. */
export interface RunReport {
  /** Its folder. */
  readonly run: string;
  /** ISO 8601. */
  readonly created: string;
  /** Trained to its end, by epochs or by patience; being trained now; or neither: it can be resumed. */
  readonly state: "finished" | "in use" | "stopped";
  /** Finished ones. */
  readonly epochs: number;
  /** The epoch with the best weights, and its bounds on the validation images: nats per image. Undefined before the first one ends. */
  readonly best?: { readonly epoch: number; readonly validation: Bounds };
  readonly config: Config;
  /** The settings as JSON that are not the defaults, but for channels, engine and threads, which follow from the data and the machine. */
  readonly settings: GivenSettings;
}

/**
 * The runs in a folder, the newest first.
 *
 * @param dir which; `runs/` unless given
 * @returns those that cannot be read apart, with the reason
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
      if (!(error instanceof UserError) && !isSystemError(error)) throw error;
      unreadable.push({ run: folder.dir, problem: error.message });
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
  if (!reports.every(isReport)) throw new UserError(`${run}/metrics.jsonl does not hold the epochs of a training.`);
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

/** The settings that are not the defaults, but for those that follow from the machine or the data. */
function ownSettings(config: Config): GivenSettings {
  const defaults = encodeConfig(createConfig({}));
  const isOwn = ([name, value]: [string, unknown]) =>
    !["channels", "engine", "threads"].includes(name) &&
    JSON.stringify(value) !== JSON.stringify(defaults[name as keyof Config]);
  return Object.fromEntries(Object.entries(encodeConfig(config)).filter(isOwn));
}
