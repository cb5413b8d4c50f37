// Prints a comparison of runs as tables that fit a terminal, or as JSON.
import { encodeConfig } from "../config/config.js";
import {
  type Bounds,
  type Comparison,
  type Config,
  describePixels,
  hasBound,
  type MeanAndDeviation,
  objectiveName,
  type Repeats,
} from "../index.js";
import { describeSetting, describeValues, spread } from "../run/compare.js";
import { visible } from "../wording.js";
import type { Io } from "./io.js";
import { formatNats, note, print } from "./output.js";

/** How the runs of a group ended, by their folders. */
export interface GroupResults {
  readonly tests: ReadonlyMap<string, Bounds>;
  /** Errors of runs that diverged. */
  readonly diverged: ReadonlyMap<string, string>;
}

const NO_RESULTS: GroupResults = { tests: new Map(), diverged: new Map() };

/** Of a table that does not go to a terminal. */
const USUAL_WIDTH = 120;
/** Of a name or a setting. */
const MAX_CELL = 32;
const NONE = "–";

interface Column {
  readonly title: string;
  readonly cells: readonly string[];
  readonly isNumber?: boolean;
}

/** Prints a line for each run and for each set of repeats, and notes. */
export function printComparison(io: Io, comparison: Comparison, results = NO_RESULTS): void {
  const { runs, repeats, notes, unreadable } = comparison;
  const width = (io.stdout.isTTY && io.stdout.columns) || USUAL_WIDTH;
  const pixels = [...new Set(runs.map(({ config }) => describePixels(config)))];
  const unit = `nats per image${pixels.length === 1 ? ` of ${pixels}` : ""}`;
  print(io, `Validation of the best epoch${results.tests.size > 0 ? " and test with its weights" : ""}, ${unit}:`);
  print(io, ...layOut(runColumns(comparison, results), width));
  if (repeats.length > 0) {
    print(io, "", "Finished runs that differ in the seed alone: mean ± standard deviation (n − 1)");
    print(io, ...layOut(repeatColumns(comparison, results), width));
  }
  for (const text of notes) note(io, text);
  for (const { problem } of unreadable) note(io, `Cannot be read: ${problem}`);
}

/** One JSON value. */
export function encodeComparison({ svg, ...comparison }: Comparison, results = NO_RESULTS): object {
  const { tests, diverged } = results;
  return {
    ...comparison,
    runs: comparison.runs.map((run) => ({
      ...run,
      config: encodeConfig(run.config),
      ...(tests.has(run.run) && { test: tests.get(run.run) }),
      ...(diverged.has(run.run) && { diverged: diverged.get(run.run) }),
    })),
    repeats: comparison.repeats.map((repeated) => ({
      ...repeated,
      n: repeated.runs.length,
      ...(tests.size > 0 && { test: spread(testsOf(repeated, results)) }),
    })),
  };
}

function testsOf({ runs }: Repeats, { tests }: GroupResults): Bounds[] {
  return runs.flatMap((run) => tests.get(run) ?? []);
}

function runColumns({ runs, differing }: Comparison, { tests, diverged }: GroupResults): Column[] {
  const states = runs.map(({ run, state }) => (diverged.has(run) ? "diverged" : state));
  const terms = runs.map(({ config, best }) => ({ config, terms: best?.validation }));
  const tested = runs.map(({ run, config }) => ({ config, terms: tests.get(run) }));
  const format = (nats: number) => (Number.isFinite(nats) ? formatNats(nats) : NONE);
  return [
    { title: "run", cells: runs.map(({ name }) => name) },
    ...differing.map((name) => ({
      title: name,
      cells: runs.map(({ values }) => (name in values ? describeSetting(values[name]) : NONE)),
    })),
    ...(states.every((state) => state === "finished") ? [] : [{ title: "state", cells: states }]),
    {
      title: "best epoch",
      cells: runs.map(({ best, epochs }) => `${best?.epoch ?? NONE}/${epochs}`),
      isNumber: true,
    },
    ...numberColumns("", terms, format, (nats) => -nats),
    ...(tests.size > 0 ? numberColumns("test ", tested, format, (nats) => -nats) : []),
  ];
}

function repeatColumns({ runs, repeats }: Comparison, results: GroupResults): Column[] {
  const configOf = ({ runs: [first] }: Repeats) => runs.find(({ run }) => run === first)?.config as Config;
  const terms = repeats.map((one) => ({ config: configOf(one), terms: one.validation }));
  const tested = repeats.map((one) => ({ config: configOf(one), terms: spread(testsOf(one, results)) }));
  const format = ({ mean, deviation }: MeanAndDeviation) =>
    formatNats(mean) + (deviation === undefined ? "" : ` ± ${formatNats(deviation)}`);
  const negate = ({ mean, ...rest }: MeanAndDeviation) => ({ mean: -mean, ...rest });
  return [
    { title: "settings", cells: repeats.map(({ values }) => describeValues(values) || "all the same") },
    { title: "runs", cells: repeats.map(({ runs }) => String(runs.length)), isNumber: true },
    ...numberColumns("", terms, format, negate),
    ...(results.tests.size > 0 ? numberColumns("test ", tested, format, negate) : []),
  ];
}

/** Terms of a run, or of repeats, with the run's settings. */
interface Row<Value> {
  readonly config: Config;
  readonly terms: { readonly [term in keyof Bounds]?: Value } | undefined;
}

/** The columns of the objective, unless it is the ELBO or the reconstruction, and of the terms that the runs have. */
function numberColumns<Value>(
  prefix: string,
  rows: readonly Row<Value>[],
  format: (value: Value) => string,
  negate: (value: Value) => Value,
): Column[] {
  const column = (title: string, cell: (row: Row<Value>) => Value | undefined) => ({
    title: prefix + title,
    isNumber: true,
    cells: rows.map((row) => {
      const value = cell(row);
      return value === undefined ? NONE : format(value);
    }),
  });
  const negated = (value: Value | undefined) => (value === undefined ? undefined : negate(value));
  const names = [...new Set(rows.map(({ config }) => objectiveName(config)))];
  const bounds = rows.filter(({ config }) => hasBound(config));
  const ifBound = ({ config, terms }: Row<Value>) => (hasBound(config) ? terms : undefined);
  const objective = ({ terms }: Row<Value>) => negated(terms?.objective);
  const isOther = names[0] !== "ELBO" && bounds.length > 0;
  return [
    ...(names.length > 1 ? [column("−objective", objective)] : isOther ? [column(`−${names}`, objective)] : []),
    ...(bounds.length > 0 ? [column("−ELBO", (row) => negated(ifBound(row)?.elbo))] : []),
    column("reconstruction", ({ terms }) => terms?.reconstruction),
    ...(bounds.length > 0 ? [column("KL", (row) => ifBound(row)?.kl)] : []),
  ];
}

/** Lines of a table. Columns beyond the width follow below, again after the first column. */
function layOut(columns: readonly Column[], width: number): string[] {
  const padded = columns.map(({ title, cells, isNumber }) => {
    const shown = [title, ...cells.map((cell) => shorten(visible(cell)))];
    const widest = Math.max(...shown.map((cell) => cell.length));
    return shown.map((cell) => (isNumber ? cell.padStart(widest) : cell.padEnd(widest)));
  });
  const [first, ...rest] = padded;
  const blocks: string[][][] = [];
  let used = Infinity;
  for (const column of rest) {
    const needed = column[0].length + 2;
    if (used + needed > width) {
      blocks.push([first]);
      used = first[0].length;
    }
    blocks[blocks.length - 1].push(column);
    used += needed;
  }
  return blocks.flatMap((block, i) => [
    ...(i > 0 ? [""] : []),
    ...first.map((_, row) =>
      block
        .map((column) => column[row])
        .join("  ")
        .trimEnd(),
    ),
  ]);
}

/** Keeps the end, which tells names apart. */
function shorten(text: string): string {
  return text.length > MAX_CELL ? `…${text.slice(1 - MAX_CELL)}` : text;
}
