// vae compare
import path from "node:path";
import { UserError } from "../errors.js";
import { declare } from "./command.js";
import { JSON_RESULT, pictureFlag, toggle } from "./flags.js";

export const define = declare({
  argument: "folders of runs, or of groups of runs: see vae train --repeat and --sweep",
  flags: {
    ...JSON_RESULT,
    out: pictureFlag(
      "svg",
      "compare.svg in the folder of the runs, or here if they are in several; none with --json",
      "the validation curves",
    ),
    pictures: pictureFlag(
      "svg",
      "none",
      "samples, latents and an interpolation of each model, side by side: up to 8 models",
      "--pictures",
    ),
    open: toggle("open the picture of --pictures, or else the curves, in the system's viewer"),
  },
  examples: [
    "vae compare runs/first runs/second",
    "vae compare runs/mnist-z2-20261123-115708",
    "vae compare runs/vae runs/ae --pictures twins.svg",
  ],
  async run(io, { json, out, pictures, open }, tools, ...runs) {
    const { compareModels, compareRuns, encodeComparison, note, openPicture, print, printComparison } = tools;
    const { writeFileAtomically } = tools;
    if (open && json && !out && !pictures) throw new UserError("--open needs a picture: --out or --pictures.");
    const comparison = await compareRuns(runs);
    const { svg } = comparison;
    const file = out ?? (json ? undefined : defaultFile(comparison.runs.map(({ run }) => run)));
    // Written before printing, since a closed pipe ends the process.
    if (svg !== undefined && file !== undefined) await writeFileAtomically(file, svg);
    if (pictures !== undefined) {
      const models = await compareModels(runs);
      for (const text of models.notes) note(io, text);
      await writeFileAtomically(pictures, models.svg);
    }
    if (json) print(io, JSON.stringify(encodeComparison(comparison)));
    else printComparison(io, comparison);
    if (svg === undefined) note(io, "No epoch has finished yet, so there are no curves to draw.");
    else if (file !== undefined && !json) print(io, file);
    if (pictures !== undefined && !json) print(io, pictures);
    const shown = pictures ?? (svg === undefined ? undefined : file);
    if (open && shown !== undefined) await openPicture(io, shown);
  },
});

function defaultFile(runs: readonly string[]): string {
  const folders = runs.map((run) => path.join(run, ".."));
  const isCommon = new Set(folders.map((folder) => path.resolve(folder))).size === 1;
  return isCommon ? path.join(folders[0], "compare.svg") : "compare.svg";
}
