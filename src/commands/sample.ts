// vae sample
import { readdirSync } from "node:fs";
import path from "node:path";
import { SAMPLING } from "../config/sampling.js";
import { UserError } from "../errors.js";
import { statIfThere } from "../files/read.js";
import type { LoadedModel, SampleOptions } from "../index.js";
import { declare, type Tools } from "./command.js";
import { choiceFlag, classFlag, count, flag, MODEL, OPEN, pathFlag, pictureFlag, SEED, toggle } from "./flags.js";
import type { Io } from "./io.js";

const DEFAULT_COUNT = 100;
const { from: FROM, components: COMPONENTS } = SAMPLING;

export const define = declare({
  flags: {
    ...MODEL,
    n: count("number of samples (default: 100; in a grid, fewer if they are large)"),
    class: classFlag("the class of all samples (default: drawn for each, in proportion to the training images)"),
    byClass: {
      ...toggle(
        "conditional models only: draw a row of --n samples (default: 10) for each class, each column with one z",
      ),
      conflicts: ["class", "each"],
    },
    ...SEED,
    from: choiceFlag(FROM.choices, FROM.help, FROM.default),
    components: flag("<count>", `${COMPONENTS.help} (default: ${COMPONENTS.default})`, COMPONENTS),
    out: pictureFlag("png"),
    open: { ...OPEN.open, conflicts: ["each"] },
    each: pathFlag("<folder>", "write each sample as a PNG file into this folder", { conflicts: ["out"] }),
  },
  examples: [
    "vae sample --n 100",
    "vae sample --n 60000 --each digits",
    "vae sample --from mixture",
    "vae sample --class 7",
    "vae sample --by-class",
  ],
  async run(
    io,
    { run, device, n: given, class: name, byClass, seed: givenSeed, from, components, out, open, each },
    tools,
  ) {
    const { checkTiles, classInName, drawImages, hasBound, note, plural, print, savePicture, defaultTiles, withModel } =
      tools;
    if (each !== undefined) checkEmpty(each);
    if (byClass && (from === "mixture" || components !== undefined)) {
      throw new UserError("--by-class draws z from the prior: leave out --from mixture and --components.");
    }
    await withModel(io, { run, device }, async (model) => {
      const seed = givenSeed ?? model.config.seed;
      const hint = () => {
        const early = tools.hintAtEarlyWeights(io, model);
        if (early) note(io, early);
      };
      if (byClass) {
        const { picture, columns, shown, of } = await model.pictures.classes(given, seed);
        if (shown < of) note(io, `The picture shows the first ${shown} of ${of} classes. --class draws any of them.`);
        await savePicture(io, model, picture, `samples-by-class-n${columns}-seed${seed}.png`, { out, open });
        return hint();
      }
      const n = given ?? (each === undefined ? Math.min(DEFAULT_COUNT, defaultTiles(model.size)) : DEFAULT_COUNT);
      if (each === undefined) checkTiles(model.size, n, "Draw fewer, or write one file each: --each FOLDER");
      if (from === "prior" && !hasBound(model.config)) {
        note(
          io,
          "A plain autoencoder is not trained to decode draws from the prior. " +
            "Draw z from a mixture fitted to its latents: `from: mixture`.",
        );
      }
      if (from === "mixture") {
        const gaussians = plural(components ?? COMPONENTS.default, "Gaussian");
        note(io, `Fitting ${gaussians} to the latents of training images.`);
      }
      const bar = tools.progressBar(io, "steps");
      const options = { seed, from, components, class: name, onProgress: bar.show };
      if (each === undefined) {
        const picture = drawImages(await model.sample(n, options).finally(bar.stop));
        const kind = from === "prior" ? "" : `-${from}${components ?? COMPONENTS.default}`;
        const ofClass = name === undefined ? "" : `-${classInName(model, name)}`;
        await savePicture(io, model, picture, `samples${ofClass}${kind}-n${n}-seed${seed}.png`, { out, open });
      } else {
        await writeEach(io, model, n, options, each, tools).finally(bar.stop);
        print(io, `${plural(n, "picture")} in ${each}`);
      }
      hint();
    });
  },
});

async function writeEach(io: Io, model: LoadedModel, n: number, options: SampleOptions, folder: string, tools: Tools) {
  const { encodePng, makeFolder, progressBar, toPictures, writeFileAtomically } = tools;
  const bar = progressBar(io, "samples");
  let written = 0;
  try {
    for await (const samples of model.sampleParts(n, options)) {
      if (written === 0) await makeFolder(folder); // after sampling has accepted the options
      for (const picture of toPictures(samples)) {
        const name = `sample-${String(++written).padStart(String(n).length, "0")}.png`;
        await writeFileAtomically(path.join(folder, name), encodePng(picture), { flush: false });
      }
      bar.show(written, n);
    }
  } finally {
    bar.stop();
  }
}

/** @throws UserError unless the folder is new or empty, so that nothing is overwritten */
function checkEmpty(folder: string): void {
  const found = statIfThere(folder);
  if (!found || (found.isDirectory() && readdirSync(folder).length === 0)) return;
  throw new UserError(`--each ${folder} is not an empty folder. Give a folder that is new or empty.`);
}
