// vae engines
import { SETTINGS } from "../config/settings.js";
import { declare } from "./command.js";
import { JSON_RESULT, settingFlags, toggle } from "./flags.js";

export const define = declare({
  flags: {
    ...settingFlags("threads"),
    bench: toggle("time a training step of the tutorial's model on each: takes up to half a minute"),
    ...JSON_RESULT,
  },
  examples: ["vae engines", "vae engines --bench"],
  async run(io, { threads = SETTINGS.threads.default, bench, json }, { findEngines, print, timeTrainingStep }) {
    const reports = await findEngines(threads);
    const names = reports.filter(({ runs }) => runs).map(({ name }) => name);
    const times = bench ? await timeTrainingStep(names, threads) : undefined;
    if (json) {
      print(io, JSON.stringify(reports.map((report) => ({ ...report, millisecondsPerStep: times?.get(report.name) }))));
      return;
    }
    const row = (name: string, version: string, threads: string, time: string) =>
      print(io, `${name.padEnd(12)}${version.padEnd(22)}${threads.padStart(7)}${time.padStart(12)}`.trimEnd());
    row("engine", "what computes", "threads", times ? "ms per step" : "");
    for (const report of reports) {
      if (report.runs) row(report.name, report.version, String(report.threads), formatTime(times?.get(report.name)));
      else
        print(
          io,
          `${report.name.padEnd(12)}not here: ${report.reason}.`,
          `${" ".repeat(12)}To get it: ${report.remedy}`,
        );
    }
  },
});

function formatTime(milliseconds: number | undefined): string {
  return milliseconds?.toFixed(milliseconds < 100 ? 1 : 0) ?? "";
}
