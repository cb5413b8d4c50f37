// vae runs
import { encodeConfig } from "../config/config.js";
import type { RunReport } from "../index.js";
import { quoteItem } from "../values/quoting.js";
import { declare, type Tools } from "./command.js";
import { choiceFlag, JSON_RESULT, pathFlag } from "./flags.js";
import type { Io } from "./io.js";

export const define = declare({
  flags: {
    dir: pathFlag("<folder>", "folder of the runs (default: runs)"),
    sort: choiceFlag(
      ["date", "name", "elbo", "test"],
      "the newest, or the best validation or test ELBO, first",
      "date",
    ),
    ...JSON_RESULT,
  },
  examples: ["vae runs", "vae runs --sort elbo"],
  async run(io, { dir, sort, json }, tools) {
    const { listRuns, note, print } = tools;
    const { runs: newest, unreadable } = await listRuns(dir);
    const runs = newest.toSorted(ORDERS[sort]);
    if (json) {
      const encoded = runs.map((run) => ({ ...run, config: encodeConfig(run.config) }));
      print(io, JSON.stringify({ runs: encoded, unreadable }));
      return;
    }
    if (runs.length > 0) print(io, ...table(io, runs, tools));
    else note(io, `There is no readable run in ${dir ?? "runs"}: train one with vae train.`);
    for (const { problem } of unreadable) note(io, `Cannot be read: ${problem}`);
  },
});

const { compare: compareNames } = new Intl.Collator("en", { numeric: true });

/** Sorts by descending value; runs without a value come last. */
const byElbo = (elboOf: (run: RunReport) => number | undefined) => {
  const value = (run: RunReport) => (run.config.model === "ae" ? undefined : elboOf(run)) || -Infinity;
  return (a: RunReport, b: RunReport) => Number(value(b) > value(a)) - Number(value(a) > value(b));
};

/** Sorting is stable, so equal runs stay newest first. */
const ORDERS = {
  date: () => 0,
  name: (a: RunReport, b: RunReport) => compareNames(a.run, b.run),
  elbo: byElbo(({ best }) => best?.validation.elbo),
  test: byElbo(({ test }) => test?.elbo),
};

/** Minimum width of a run's name. */
const MIN_NAME = 20;
const INDENT = "    ";

/** A line for each run. Settings that do not fit follow on the next lines. */
function table(io: Io, runs: readonly RunReport[], tools: Tools): string[] {
  const { describePixels, hasBound, joinColumns, pad, shorten, tableWidth, wrap } = tools;
  const width = tableWidth(io);
  const numbers = [{ title: "epochs", cells: runs.map(describeEpochs) }, ...numberColumns(runs, tools)].map(pad);
  const used = numbers.reduce((sum, [title]) => sum + title.length + 1, 0);
  const maxName = Math.max(MIN_NAME, width - used);
  const names = pad({ title: "run", cells: runs.map(({ run }) => shorten(run, maxName)) });
  const [head, ...rows] = joinColumns([names, ...numbers], " ");
  const settings = runs.map((run) => describe(run).map((setting) => shorten(setting, width - INDENT.length)));
  const lineWidth = Math.max(head.length, ...rows.map((row) => row.length)) + 2;
  const fits = settings.every((words) => lineWidth + Math.max(8, words.join(" ").length) <= width);
  const test = runs.some(({ config }) => hasBound(config)) ? "test −ELBO" : "test reconstruction";
  const what = runs.some(({ test }) => test) ? `Best validation epoch, and ${test}` : "Best validation epoch";
  const pixels = [...new Set(runs.map(({ config }) => describePixels(config)))];
  const unit = `nats per image${pixels.length === 1 ? ` of ${pixels}` : ""}`;
  return [
    `${what}; ${unit}`,
    fits ? `${head.padEnd(lineWidth)}settings` : head,
    ...rows.flatMap((row, i) => {
      if (fits) return [row.padEnd(lineWidth) + settings[i].join(" ")];
      return [row, ...wrap(settings[i], width - INDENT.length).map((line) => INDENT + line)];
    }),
  ];
}

/** 20/20, 5/20 stopped, 1/20 in use, or 9/20 finished, if it stopped early. */
function describeEpochs({ epochs, state, config }: RunReport): string {
  const isWhole = state === "finished" && epochs === config.epochs;
  return `${epochs}/${config.epochs}${isWhole ? "" : ` ${state}`}`;
}

/** −ELBO, reconstruction and KL of the best epoch, and test −ELBO. Only reconstruction if all are autoencoders. */
function numberColumns(runs: readonly RunReport[], { formatFinite, hasBound }: Tools) {
  const column = (title: string, of: (run: RunReport) => number | undefined) => ({
    title,
    isNumber: true,
    cells: runs.map((run) => formatFinite(of(run) ?? Number.NaN)),
  });
  const elbo = (run: RunReport, bounds = run.best?.validation) =>
    bounds && hasBound(run.config) ? -bounds.elbo : undefined;
  const kl = ({ best, config }: RunReport) => (hasBound(config) ? best?.validation.kl : undefined);
  const reconstruction = column("reconstruction", ({ best }) => best?.validation.reconstruction);
  const tested = (of: (run: RunReport) => number | undefined) =>
    runs.some(({ test }) => test) ? [column("test", of)] : [];
  if (!runs.some(({ config }) => hasBound(config))) {
    return [reconstruction, ...tested(({ test }) => test?.reconstruction)];
  }
  const test = tested((run) => run.test && elbo(run, run.test));
  return [column("−ELBO", (run) => elbo(run)), reconstruction, column("KL", kl), ...test];
}

/** Settings that differ from the defaults, in `--set` syntax, except the epochs, which have a column. */
function describe({ settings: { epochs, dataset, ...settings } }: RunReport): string[] {
  const data = dataset === undefined ? [] : [`dataset=${dataset.split(/[\\/]/).at(-1)}`];
  const format = (value: unknown) => (Array.isArray(value) ? value.map((item) => quoteItem(String(item))) : value);
  const others = Object.entries(settings).map(([name, value]) => `${name}=${format(value)}`);
  return data.length + others.length > 0 ? [...data, ...others] : ["defaults"];
}
