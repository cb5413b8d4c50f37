// vae latent
import { Command, Option } from "commander";
import { countOption, example, outOption, runOption, seedOption } from "./flags.js";

const MOST_POINTS = 100_000;

interface LatentFlags {
  run?: string;
  n?: number;
  draws?: true;
  seed?: number;
  out?: string;
}

export function latentCommand(): Command {
  return new Command("latent")
    .description("plot where the encoder puts test images in the latent space, coloured by label")
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(countOption("how many test images (default: 5000, or all if there are fewer)", MOST_POINTS))
    .addOption(new Option("--draws", "a draw from each posterior in place of its mean"))
    .addOption(seedOption("of the draws, and of the pixels where binarization is dynamic"))
    .addOption(outOption("svg"))
    .addHelpText("after", example("vae latent --n 5000"))
    .action(run);
}

async function run({ run: folder, n, draws, seed: givenSeed, out }: LatentFlags): Promise<void> {
  const { checkOut, note, savePicture, withModel } = await import("./output.js");
  await checkOut(out, "svg");
  await withModel(folder, async (model) => {
    const seed = givenSeed ?? model.config.seed;
    const { svg, count, hasLabels, explained } = await model.pictures.latents(
      { count: n, what: draws ? "draws" : "means" },
      seed,
    );
    if (explained) {
      const percent = (100 * (explained[0] + explained[1])).toFixed(0);
      note(
        `The latent space has ${model.config.dimZ} dimensions. Drawn are the first two principal components, ` +
          `which hold ${percent}% of the variance.`,
      );
    }
    if (!hasLabels) note("The data set has no labels of its test images, so all points have one colour.");
    if (model.config.noise !== "none") note("The images are clean, though this model was trained to see noisy ones.");
    await savePicture(model, svg, `latent-${draws ? "draws-" : ""}n${count}-seed${seed}.svg`, out);
  });
}
