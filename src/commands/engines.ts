// vae engines
import { type Command, Option } from "commander";
import { SETTINGS } from "../config/settings.js";
import { example, settingOption } from "./flags.js";
import type { Io } from "./io.js";

interface EnginesFlags {
  threads?: number;
  bench?: true;
  json?: true;
}

export function define(command: Command, io: Io): void {
  command
    .addOption(settingOption("threads"))
    .addOption(new Option("--bench", "time a training step of the tutorial's model on each: takes up to half a minute"))
    .addOption(new Option("--json", "print the result as one JSON value"))
    .addHelpText("after", example("vae engines", "vae engines --bench"))
    .action((flags) => run(io, flags));
}

async function run(io: Io, { threads = SETTINGS.threads.default, bench, json }: EnginesFlags): Promise<void> {
  const [{ findEngines, timeTrainingStep }, { print }] = await Promise.all([
    import("../index.js"),
    import("./output.js"),
  ]);
  const reports = await findEngines(threads);
  const names = reports.filter(({ runs }) => runs).map(({ name }) => name);
  const times = bench ? await timeTrainingStep(names, threads) : undefined;
  if (json) {
    print(io, JSON.stringify(reports.map((report) => ({ ...report, millisecondsPerStep: times?.get(report.name) }))));
    return;
  }
  const row = (name: string, version: string, threads: string, time: string) =>
    `${name.padEnd(12)}${version.padEnd(22)}${threads.padStart(7)}${time.padStart(12)}`.trimEnd();
  print(io, row("engine", "what computes", "threads", times ? "ms per step" : ""));
  for (const report of reports) {
    if (report.runs) {
      const { name, version, threads } = report;
      print(io, row(name, version, String(threads), formatTime(times?.get(name))));
    } else
      print(io, `${report.name.padEnd(12)}not here: ${report.reason}.\n${"".padEnd(12)}To get it: ${report.remedy}`);
  }
}

function formatTime(milliseconds: number | undefined): string {
  if (milliseconds === undefined) return "";
  return milliseconds < 100 ? milliseconds.toFixed(1) : milliseconds.toFixed(0);
}
