// Prints a comparison of runs as tables that fit a terminal, or as JSON.
import { encodeConfig } from "../config/config.js";
import { describeSetting } from "../config/entries.js";
import {
  type Bounds,
  type Comparison,
  type Config,
  describePixels,
  hasBound,
  type MeanAndDeviation,
  objectiveName,
  type Repeats,
  type RunReport,
  type Spread,
} from "../index.js";
import { describeValues, spread } from "../run/compare.js";
import type { Io } from "./io.js";
import { formatFinite, formatNats, note, objectiveTitle, print } from "./output.js";
import { type Column, columnsWidth, layOut, NONE, shorten, tableWidth } from "./table.js";

/** Error messages of diverged runs, by folder. */
export type Divergences = ReadonlyMap<string, string>;

/** Shares of the width: names of runs, and settings of repeats. */
const NAME_SHARE = 0.4;
const SETTINGS_SHARE = 0.65;
const MAX_SETTING = 32;
const MIN_NAME = 20;

/** Prints a row for each run, a row for each set of repeats, and notes. */
export function printComparison(io: Io, comparison: Comparison, diverged: Divergences = new Map()): void {
  const { runs, repeats, notes, unreadable } = comparison;
  const width = tableWidth(io);
  const pixels = [...new Set(runs.map(({ config }) => describePixels(config)))];
  const isTested = runs.some(({ test }) => test);
  const printTable = (title: string, columns: Column[], last = 0) => print(io, title, ...layOut(columns, width, last));
  const unit = `nats per image${pixels.length === 1 ? ` of ${pixels}` : ""}`;
  const validation = validationColumns(comparison, diverged);
  const most = Math.max(MIN_NAME, Math.min(NAME_SHARE * width, width - columnsWidth(validation.numbers)));
  const names = { title: "run", cells: runs.map(({ name }) => shorten(name, Math.floor(most))) };
  const columns = [names, ...validation.settings, ...validation.numbers];
  printTable(`Best validation epoch, ${unit}:`, columns, validation.numbers.length);
  if (isTested) {
    const tested = runs.map(({ config, test }) => ({ config, terms: test }));
    print(io, "");
    printTable("Test with the weights of that epoch:", [
      names,
      ...numberColumns(tested, formatFinite, (nats) => -nats),
    ]);
  }
  if (repeats.length > 0) {
    const columns = repeatColumns(comparison, width);
    print(io, "");
    printTable("Finished runs that differ only in the seed, mean ± standard deviation (n − 1):", columns.validation);
    if (isTested) {
      print(io, "");
      printTable("Test of these:", columns.test);
    }
  }
  for (const text of notes) note(io, text);
  for (const { problem } of unreadable) note(io, `Cannot be read: ${problem}`);
}

/** The comparison as a JSON value, with the spread of test results. */
export function encodeComparison({ svg, ...comparison }: Comparison, diverged: Divergences = new Map()): object {
  return {
    ...comparison,
    runs: comparison.runs.map((run) => ({
      ...run,
      config: encodeConfig(run.config),
      ...(diverged.has(run.run) && { diverged: diverged.get(run.run) }),
    })),
    repeats: comparison.repeats.map((repeated) => ({
      ...repeated,
      n: repeated.runs.length,
      ...(comparison.runs.some(({ test }) => test) && { test: testSpread(repeated, comparison) }),
    })),
  };
}

/** Mean and deviation of the repeats' test results; empty unless all were tested. */
function testSpread({ runs }: Repeats, comparison: Comparison): Spread {
  const tests = comparison.runs.flatMap(({ run, test }) => (test && runs.includes(run) ? test : []));
  return tests.length === runs.length ? spread(tests) : {};
}

function validationColumns({ runs, differing }: Comparison, diverged: Divergences) {
  const stateOf = ({ run, state }: RunReport) =>
    diverged.has(run) ? " diverged" : state === "finished" ? "" : ` ${state}`;
  const terms = runs.map(({ config, best }) => ({ config, terms: best?.validation }));
  const best = runs.map((run) => `${run.best?.epoch ?? NONE}/${run.epochs}${stateOf(run)}`);
  return {
    settings: differing.map((name) => ({
      title: name,
      cells: runs.map(({ values }) => (name in values ? shorten(describeSetting(values[name]), MAX_SETTING) : NONE)),
    })),
    numbers: [{ title: "best epoch", cells: best }, ...numberColumns(terms, formatFinite, (nats) => -nats)],
  };
}

function repeatColumns(comparison: Comparison, width: number): Record<"validation" | "test", Column[]> {
  const { runs, repeats } = comparison;
  const configOf = ({ runs: [first] }: Repeats) => runs.find(({ run }) => run === first)?.config as Config;
  const format = ({ mean, deviation }: MeanAndDeviation) =>
    formatNats(mean) + (deviation === undefined ? "" : ` ± ${formatNats(deviation)}`);
  const negate = ({ mean, ...rest }: MeanAndDeviation) => ({ mean: -mean, ...rest });
  const most = Math.floor(SETTINGS_SHARE * width);
  const columns = (of: (repeats: Repeats) => Spread) => [
    { title: "settings", cells: repeats.map(({ values }) => shorten(describeValues(values) || "all the same", most)) },
    { title: "runs", cells: repeats.map(({ runs }) => String(runs.length)), isNumber: true },
    ...numberColumns(
      repeats.map((one) => ({ config: configOf(one), terms: of(one) })),
      format,
      negate,
    ),
  ];
  return { validation: columns(({ validation }) => validation), test: columns((one) => testSpread(one, comparison)) };
}

/** Terms of a run or of repeats, and their settings. */
interface Row<Value> {
  readonly config: Config;
  readonly terms: { readonly [term in keyof Bounds]?: Value } | undefined;
}

/** Columns of the terms that the runs have. The objective is omitted if it is the ELBO or the reconstruction. */
function numberColumns<Value>(
  rows: readonly Row<Value>[],
  format: (value: Value) => string,
  negate: (value: Value) => Value,
): Column[] {
  const column = (title: string, cell: (row: Row<Value>) => Value | undefined) => ({
    title,
    isNumber: true,
    cells: rows.map((row) => {
      const value = cell(row);
      return value === undefined ? NONE : format(value);
    }),
  });
  const negated = (value: Value | undefined) => (value === undefined ? undefined : negate(value));
  const names = [...new Set(rows.map(({ config }) => objectiveName(config)))];
  const titles = [...new Set(rows.map(({ config }) => objectiveTitle(config)))];
  const bounds = rows.filter(({ config }) => hasBound(config));
  const ifBound = ({ config, terms }: Row<Value>) => (hasBound(config) ? terms : undefined);
  const objective = ({ terms }: Row<Value>) => negated(terms?.objective);
  const isOther = names[0] !== "ELBO" && bounds.length > 0;
  return [
    ...(names.length > 1 || isOther ? [column(names.length > 1 ? "−objective" : titles[0], objective)] : []),
    ...(bounds.length > 0 ? [column("−ELBO", (row) => negated(ifBound(row)?.elbo))] : []),
    column("reconstruction", ({ terms }) => terms?.reconstruction),
    ...(bounds.length > 0 ? [column("KL", (row) => ifBound(row)?.kl)] : []),
  ];
}
