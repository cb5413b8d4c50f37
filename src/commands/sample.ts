// vae sample
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { UserError } from "../errors.js";
import type { LoadedModel } from "../index.js";
import { countOption, example, outOption, placeOption, runOption, seedOption } from "./flags.js";
import type { Io } from "./io.js";

const USUAL = 100;
const MAX_IN_GRID = 10_000;
const MAX_FILES = 1_000_000_000;

interface SampleFlags {
  run?: string;
  n?: number;
  seed?: number;
  out?: string;
  each?: string;
}

export function define(command: Command, io: Io): void {
  command
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(
      countOption(
        "number of samples; a grid holds up to 10,000, fewer if they are large (default: 100, fewer if they are large)",
        MAX_FILES,
      ),
    )
    .addOption(seedOption())
    .addOption(outOption())
    .addOption(placeOption("--each <folder>", "write each sample as a PNG file into this folder").conflicts("out"))
    .addHelpText("after", example("vae sample --n 100", "vae sample --n 60000 --each digits"))
    .action((flags) => run(io, flags));
}

async function run(io: Io, { run: folder, n: given, seed: givenSeed, out, each }: SampleFlags): Promise<void> {
  const [{ checkOut, note, plural, print, savePicture, withModel }, { maxTiles, usualTiles }, { describeShape }] =
    await Promise.all([import("./output.js"), import("../inference/views.js"), import("../data/pixels.js")]);
  checkOut(out);
  if (each !== undefined) await checkEmpty(each);
  await withModel(io, folder, async (model) => {
    const n = given ?? (each === undefined ? Math.min(USUAL, usualTiles(model.size)) : USUAL);
    const most = Math.min(MAX_IN_GRID, maxTiles(model.size));
    if (each === undefined && n > most) {
      throw new UserError(
        `A grid holds up to ${most} samples of ${describeShape(model.size)}. For ${n}, write one file each: --each FOLDER`,
      );
    }
    if (model.config.model === "ae") {
      note(io, "A plain autoencoder is not trained to decode draws from the prior, so these may not look like images.");
    }
    const seed = givenSeed ?? model.config.seed;
    if (each === undefined) {
      const { drawImages } = await import("../index.js");
      await savePicture(io, model, drawImages(await model.sample(n, { seed })), `samples-n${n}-seed${seed}.png`, out);
    } else {
      await writeEach(io, model, n, seed, each);
      print(io, `${plural(n, "picture")} in ${each}`);
    }
  });
}

async function writeEach(io: Io, model: LoadedModel, n: number, seed: number, folder: string): Promise<void> {
  const [{ encodePng, toPictures }, { makeFolder, writeFileAtomically }, { barWidth, createBar }] = await Promise.all([
    import("../index.js"),
    import("../files/write.js"),
    import("./output.js"),
  ]);
  await makeFolder(folder);
  const bar = createBar(io, "{value}/{total} {bar} {duration_formatted}", barWidth(io, 40));
  let written = 0;
  try {
    bar?.start(n, 0);
    for await (const samples of model.sampleParts(n, { seed })) {
      for (const picture of toPictures(samples)) {
        const name = `sample-${String(++written).padStart(String(n).length, "0")}.png`;
        await writeFileAtomically(path.join(folder, name), encodePng(picture), { flush: false });
      }
      bar?.update(written);
    }
  } finally {
    bar?.stop();
  }
}

/** @throws UserError unless the folder is new or empty: nothing is overwritten */
async function checkEmpty(folder: string): Promise<void> {
  try {
    if ((await readdir(folder)).length === 0) return;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    if (code === "ENOTDIR") throw new UserError(`--each ${folder} is a file. Give a folder that is new or empty.`);
    throw error;
  }
  throw new UserError(`--each ${folder} holds files already. Give a folder that is new or empty.`);
}
