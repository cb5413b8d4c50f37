// vae runs
import { encodeConfig } from "../config/config.js";
import { quoteItem } from "../config/entries.js";
import type { RunReport } from "../index.js";
import { visible } from "../wording.js";
import { declare, type Tools } from "./command.js";
import { JSON_RESULT, place } from "./flags.js";
import type { Io } from "./io.js";

export const define = declare({
  flags: { dir: place("<folder>", "folder of the runs (default: runs)"), ...JSON_RESULT },
  examples: ["vae runs"],
  async run(io, { dir, json }, tools) {
    const { listRuns, note, print } = tools;
    const { runs, unreadable } = await listRuns(dir);
    if (json) {
      const encoded = runs.map((run) => ({ ...run, config: encodeConfig(run.config) }));
      print(io, JSON.stringify({ runs: encoded, unreadable }));
      return;
    }
    if (runs.length > 0) print(io, ...table(io, runs, tools));
    else note(io, `There is no readable run in ${dir ?? "runs"}. Train one: vae train`);
    for (const { problem } of unreadable) note(io, `Cannot be read: ${problem}`);
  },
});

/** Of a table that does not go to a terminal. */
const MAX_WIDTH = 2000;

/** A line per run, cut to the width of a terminal. */
function table({ stdout }: Io, runs: readonly RunReport[], { formatNats, objectiveName }: Tools): string[] {
  const width = (stdout.isTTY && stdout.columns) || MAX_WIDTH;
  const rows = runs.map(({ run, state, epochs, best, config, settings }) => [
    shorten(visible(run), Math.floor(width / 2)),
    `${epochs}/${config.epochs}`,
    state,
    best ? `−${objectiveName(config)} ${formatNats(-best.validation.objective)}` : "",
    visible(describe(settings)),
  ]);
  rows.unshift(["run", "epochs", "", "validation", "settings"]);
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join("  ")
      .trimEnd(),
  );
  return lines.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
}

/** Settings as `--set` takes them, without the epochs, which have their own column. */
function describe({ epochs, dataset, ...settings }: RunReport["settings"]): string {
  const data = dataset === undefined ? [] : [`dataset=${dataset.split(/[\\/]/).at(-1)}`];
  const format = (value: unknown) => (Array.isArray(value) ? value.map((item) => quoteItem(String(item))) : value);
  return [...data, ...Object.entries(settings).map(([name, value]) => `${name}=${format(value)}`)].join(" ");
}

/** Keeps the end of a name: the time tells runs apart. */
function shorten(name: string, most: number): string {
  return name.length > most ? `…${name.slice(1 - most)}` : name;
}
