// vae cache
import { declare } from "./command.js";
import { JSON_RESULT, toggle } from "./flags.js";

export const define = declare({
  flags: {
    clear: toggle("delete all decoded images; a command that needs them decodes them again"),
    ...JSON_RESULT,
  },
  examples: ["vae cache", "vae cache --clear"],
  async run(io, { clear, json }, { clearCache, inspectCache, plural, print }) {
    const report = await (clear ? clearCache() : inspectCache());
    if (json) return print(io, JSON.stringify({ ...report, cleared: clear ?? false }));
    const { folder, dataSets, bytes } = report;
    const what = `${plural(dataSets, "data set")}, ${formatBytes(bytes)}`;
    print(io, clear ? `${folder}: deleted ${what}` : `${folder}: ${what}`);
  },
});

function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}
