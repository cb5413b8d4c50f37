// The runs that can be explored: those in runs/, and the given one.
import path from "node:path";
import { UserError } from "../errors.js";
import { NO_MODEL } from "../run/find.js";
import { describeSettings, listRuns, type RunReport, readRun } from "../run/list.js";
import { hasModel } from "../run/model-file.js";
import type { RunList, RunSummary } from "./protocol.js";

export class ExploredRuns {
  /** Runs that were ever listed. */
  readonly #known = new Set<string>();

  /** @param given a run to list first, which may lie elsewhere */
  constructor(readonly given?: string) {}

  /** Lists runs, the newest first. */
  async list(): Promise<RunList> {
    const { runs, unreadable } = await listRuns();
    const { given } = this;
    const isGiven = ({ run }: { readonly run: string }) => given !== undefined && isSame(run, given);
    if (given !== undefined && ![...runs, ...unreadable].some(isGiven)) {
      await readRun(given).then(
        ({ report }) => runs.unshift(report),
        (error) => unreadable.unshift({ run: given, problem: error.message }),
      );
    }
    for (const { run } of runs) this.#known.add(run);
    const summaries = runs.map(summarize);
    const isFirst = (run: RunSummary) => (given === undefined ? run.hasModel || run.state === "in use" : isGiven(run));
    const chosen = summaries.find(isFirst)?.run;
    return { runs: summaries, unreadable, ...(chosen !== undefined && { chosen }) };
  }

  /** Whether a text names a listed run. */
  async has(run: string): Promise<boolean> {
    if (!this.#known.has(run)) await this.list();
    return this.#known.has(run);
  }

  /** @throws UserError if the given run cannot be read, or there is no run to begin with */
  async check(): Promise<void> {
    if (this.given !== undefined) await readRun(this.given);
    else if ((await this.list()).chosen === undefined) throw new UserError(NO_MODEL);
  }
}

function isSame(run: string, other: string): boolean {
  return path.resolve(run) === path.resolve(other);
}

function summarize({ run, created, state, epochs, config, best, test }: RunReport): RunSummary {
  return {
    run,
    created,
    state,
    epochs,
    hasModel: hasModel(run),
    settings: describeSettings(config),
    dataset: config.dataset,
    ...(best && { validation: best.validation }),
    ...(test && { test }),
  };
}
