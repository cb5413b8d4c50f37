// vae latent
import type { Command } from "commander";
import { Option } from "commander";
import { countOption, example, outOption, runOption, seedOption } from "./flags.js";
import type { Io } from "./io.js";

const MOST_POINTS = 100_000;

interface LatentFlags {
  run?: string;
  n?: number;
  draws?: true;
  seed?: number;
  out?: string;
}

export function define(command: Command, io: Io): void {
  command
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(countOption("how many test images (default: 5000, or all if there are fewer)", MOST_POINTS))
    .addOption(new Option("--draws", "a draw from each posterior in place of its mean"))
    .addOption(seedOption("of the draws, and of the pixels where binarization is dynamic"))
    .addOption(outOption("svg"))
    .addHelpText("after", example("vae latent --n 5000"))
    .action((flags) => run(io, flags));
}

async function run(io: Io, { run: folder, n, draws, seed: givenSeed, out }: LatentFlags): Promise<void> {
  const { checkOut, note, savePicture, withModel } = await import("./output.js");
  checkOut(out, "svg");
  await withModel(io, folder, async (model) => {
    const seed = givenSeed ?? model.config.seed;
    const { svg, count, hasLabels, explained } = await model.pictures.latents(
      { count: n, what: draws ? "draws" : "means" },
      seed,
    );
    if (explained) {
      const percent = (100 * (explained[0] + explained[1])).toFixed(0);
      note(
        io,
        `The latent space has ${model.config.dimZ} dimensions. Drawn are the first two principal components, ` +
          `which hold ${percent}% of the variance.`,
      );
    }
    if (!hasLabels) note(io, "The data set has no labels of its test images, so all points have one colour.");
    if (model.config.noise !== null) note(io, "The images are clean, though this model was trained to see noisy ones.");
    await savePicture(io, model, svg, `latent-${draws ? "draws-" : ""}n${count}-seed${seed}.svg`, out);
  });
}
