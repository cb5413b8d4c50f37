// The runs that can be explored: those in runs/, and the given one.
import path from "node:path";
import { UserError } from "../errors.js";
import { modelVersion } from "../run/folder.js";
import { describeSettings, listRuns, type RunReport, readRun } from "../run/list.js";
import type { RunList, RunSummary } from "./protocol.js";

export class ExploredRuns {
  /** Runs that were ever listed. */
  readonly #known = new Set<string>();

  /** @param given a run to list first, which may lie elsewhere */
  constructor(readonly given?: string) {}

  /** Lists runs, the newest first. @throws UserError if the given run cannot be read */
  async list(): Promise<RunList> {
    const { runs, unreadable } = await listRuns();
    const { given } = this;
    const isGiven = ({ run }: { readonly run: string }) =>
      given !== undefined && path.resolve(run) === path.resolve(given);
    const all = given === undefined || runs.some(isGiven) ? runs : [(await readRun(given)).report, ...runs];
    const summaries = all.map(summarize);
    for (const { run } of all) this.#known.add(run);
    const isFirst = (run: RunSummary) => (given === undefined ? run.hasModel || run.state === "in use" : isGiven(run));
    const chosen = summaries.find(isFirst)?.run;
    return { runs: summaries, unreadable, ...(chosen !== undefined && { chosen }) };
  }

  /** Whether a text names a listed run. */
  async has(run: string): Promise<boolean> {
    if (!this.#known.has(run)) await this.list();
    return this.#known.has(run);
  }

  /** @throws UserError if there is no run to begin with */
  async check(): Promise<void> {
    const { chosen } = await this.list();
    if (chosen !== undefined) return;
    throw new UserError("There is no trained model in runs/. Train one with vae train, or name the folder of its run.");
  }
}

function summarize({ run, created, state, epochs, config, best, test }: RunReport): RunSummary {
  return {
    run,
    created,
    state,
    epochs,
    hasModel: modelVersion(run) !== undefined,
    settings: describeSettings(config),
    dataset: config.dataset,
    ...(best && { validation: best.validation }),
    ...(test && { test }),
  };
}
