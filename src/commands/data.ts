// vae data
import path from "node:path";
import { UserError } from "../errors.js";
import type { datasets } from "../index.js";
import { printable } from "../wording.js";
import { declare, type Tools } from "./command.js";
import { pictureFlag, settingFlags, toggle } from "./flags.js";

/** Maximum number of list entries printed. */
const MAX_LISTED = 20;

export const define = declare({
  argument: "mnist, a folder of images, or a file or folder of arrays",
  flags: {
    ...settingFlags("size", "channels", "background", "layout", "inputDir", "limit", "classes"),
    out: pictureFlag("png", "<name>-sheet.png", "a contact sheet of the first hundred training images"),
    json: toggle("print the report as one JSON value, without a contact sheet"),
  },
  examples: ["vae data mnist", "vae data photos --size 32"],
  async run(io, { out, json, ...options }, tools, place) {
    const { datasets, encodePng, note, print, progressBar, writeFileAtomically } = tools;
    const bar = progressBar(io, "decoding images");
    const { sheet, ...report } = await datasets.inspect(place, { ...options, onProgress: bar.show }).finally(bar.stop);
    if (json) return print(io, JSON.stringify(report));
    const file = out ?? `${report.name}-sheet.png`;
    if (!path.relative(place, file).startsWith("..") && place !== "mnist") {
      throw new UserError(`${file} is inside the data set. Write the contact sheet elsewhere: --out FILE`);
    }
    print(io, ...describe(report, tools).map(tools.printableLine));
    for (const text of report.notes) note(io, text);
    await writeFileAtomically(file, encodePng(sheet));
    print(io, file);
  },
});

function describe(report: Omit<datasets.DataReport, "sheet">, { datasets, formatCount }: Tools): string[] {
  const { train, validation, test, classes, pixels, bad, sha256 } = report;
  const perClass = Object.entries(classes ?? {}).map(([name, images]) => `${printable(name)} (${formatCount(images)})`);
  const problems = bad.map(({ file, why }) => `  ${file}: ${why}`);
  return [
    `${formatCount(train + validation + test)} images of ${datasets.describeShape(report)}: ` +
      `${formatCount(train)} to train, ${formatCount(validation)} to validate, ${formatCount(test)} to test`,
    classes ? `classes: ${listed(perClass).join(", ")}` : "no classes",
    `pixels from ${pixels.min} to ${pixels.max}, mean ${pixels.mean.toFixed(1)}`,
    `SHA-256 ${sha256}`,
    ...(bad.length > 0
      ? [`${formatCount(bad.length)} unusable; vae train skips them with --skip-bad:`, ...listed(problems)]
      : []),
  ];
}

function listed(items: readonly string[]): readonly string[] {
  const more = items.length - MAX_LISTED;
  return more > 0 ? [...items.slice(0, MAX_LISTED), `… ${more} more (--json lists all)`] : items;
}
