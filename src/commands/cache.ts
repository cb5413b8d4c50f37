// vae cache
import { formatBytes } from "../wording.js";
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
