// vae engines
import { SETTINGS } from "../config/settings.js";
import { isSystemError } from "../errors.js";
import { declare } from "./command.js";
import { JSON_RESULT, settingFlags, toggle } from "./flags.js";

export const define = declare({
  flags: {
    ...settingFlags("threads"),
    bench: toggle("time a training step of the tutorial's model on each: takes up to half a minute"),
    ...JSON_RESULT,
  },
  examples: ["vae engines", "vae engines --bench"],
  async run(
    io,
    { threads = SETTINGS.threads.default, bench, json },
    { findEngines, findGpu, note, print, timeTrainingStep },
  ) {
    const reports = await findEngines(threads);
    const gpu = await findGpu();
    const names = reports.filter(({ runs }) => runs).map(({ name }) => name);
    const times = bench ? await timeTrainingStep(names, threads) : undefined;
    if (times && gpu.runs) {
      try {
        for (const [name, time] of await timeTrainingStep(["gpu"], threads)) times.set(name, time);
      } catch (error) {
        if (!isSystemError(error)) throw error;
        note(io, `${error.message}. It was not timed.`);
      }
    }
    if (json) {
      const { name: adapter, ...found } = { name: undefined, ...gpu };
      const all = [...reports, { name: "gpu" as const, ...found, adapter }];
      print(io, JSON.stringify(all.map((report) => ({ ...report, millisecondsPerStep: times?.get(report.name) }))));
      return;
    }
    const row = (name: string, version: string, threads: string, time: string) =>
      print(io, `${name.padEnd(12)}${version.padEnd(22)}${threads.padStart(7)}${time.padStart(12)}`.trimEnd());
    row("engine", "library", "threads", times ? "ms per step" : "");
    const missing = (name: string, reason: string, remedy: string) =>
      print(io, `${name.padEnd(12)}not available: ${reason}.`, `${" ".repeat(12)}To get it: ${remedy}`);
    for (const report of reports) {
      if (report.runs) row(report.name, report.version, String(report.threads), formatTime(times?.get(report.name)));
      else missing(report.name, report.reason, report.remedy);
    }
    if (!gpu.runs) return missing("gpu", gpu.reason, gpu.remedy);
    row("gpu", "compiled, on the GPU", "", formatTime(times?.get("gpu")));
    print(io, `${" ".repeat(12)}${gpu.name ?? "name unknown"}: --device gpu`);
  },
});

function formatTime(milliseconds: number | undefined): string {
  return milliseconds?.toFixed(milliseconds < 100 ? 1 : 0) ?? "";
}
