// vae runs
import { type Command, Option } from "commander";
import { encodeConfig } from "../config/config.js";
import type { RunReport } from "../index.js";
import { example, placeOption } from "./flags.js";
import type { Io } from "./io.js";

interface RunsFlags {
  dir?: string;
  json?: true;
}

export function define(command: Command, io: Io): void {
  command
    .addOption(placeOption("--dir <folder>", "folder of the runs (default: runs)"))
    .addOption(new Option("--json", "print the result as one JSON value"))
    .addHelpText("after", example("vae runs"))
    .action((flags) => run(io, flags));
}

async function run(io: Io, { dir, json }: RunsFlags): Promise<void> {
  const [{ listRuns }, { note, print }] = await Promise.all([import("../index.js"), import("./output.js")]);
  const { runs, unreadable } = await listRuns(dir);
  if (json) {
    print(io, JSON.stringify({ runs: runs.map((run) => ({ ...run, config: encodeConfig(run.config) })), unreadable }));
    return;
  }
  if (runs.length > 0) print(io, await table(io, runs));
  else note(io, `There is no readable run in ${dir ?? "runs"}. Train one: vae train`);
  for (const { problem } of unreadable) note(io, `Cannot be read: ${problem.replace(/\s*\n\s*/g, " ")}`);
}

/** A line per run, cut to the width of a terminal. */
async function table({ stdout }: Io, runs: readonly RunReport[]): Promise<string> {
  const [{ objectiveName }, { formatNats }] = await Promise.all([import("../index.js"), import("./output.js")]);
  const width = (stdout.isTTY && stdout.columns) || Number.POSITIVE_INFINITY;
  const rows = runs.map(({ run, state, epochs, best, config, settings }) => [
    shorten(run.replace(/\s/g, " "), Math.floor(width / 2)),
    `${epochs}/${config.epochs}`,
    state,
    best ? `−${objectiveName(config)} ${formatNats(-best.validation.objective)}` : "",
    describe(settings),
  ]);
  const titled = [["run", "epochs", "", "validation", "settings"], ...rows];
  const widths = titled[0].map((_, column) => Math.max(...titled.map((row) => row[column].length)));
  const lines = titled.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join("  ")
      .trimEnd(),
  );
  return lines.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line)).join("\n");
}

/** Settings as `--set` takes them, without the epochs, which have their own column. */
function describe({ epochs, dataset, ...settings }: RunReport["settings"]): string {
  const data = dataset === undefined ? [] : [`dataset=${dataset.split(/[\\/]/).at(-1)}`];
  return [...data, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)].join(" ");
}

/** Keeps the end of a name: the time tells runs apart. */
function shorten(name: string, most: number): string {
  return name.length > most ? `…${name.slice(1 - most)}` : name;
}
