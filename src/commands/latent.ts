// vae latent
import { type Command, Option } from "commander";
import { countOption, example, outOption, runOption, seedOption } from "./flags.js";
import type { Io } from "./io.js";

const MAX_POINTS = 100_000;

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
    .addOption(countOption("number of test images (default: 5000, or all if there are fewer)", MAX_POINTS))
    .addOption(new Option("--draws", "draw from each posterior instead of taking its mean"))
    .addOption(seedOption("seed of the draws, and of dynamic binarization"))
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
        `The latent space has ${model.config.dimZ} dimensions. The plot shows the first two principal components, ` +
          `with ${percent}% of the variance.`,
      );
    }
    if (!hasLabels) note(io, "The test images have no labels, so all points have one colour.");
    if (model.config.noise !== null) note(io, "The images are clean, but this model was trained on noisy ones.");
    await savePicture(io, model, svg, `latent-${draws ? "draws-" : ""}n${count}-seed${seed}.svg`, out);
  });
}
