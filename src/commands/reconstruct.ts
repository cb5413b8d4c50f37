// vae reconstruct
import { Command } from "commander";
import type { Config } from "../config.js";
import { countOption, example, noiseOption, outOption, runOption, seedOption } from "./flags.js";

const MOST_IMAGES = 10_000;

interface ReconstructFlags {
  run?: string;
  noise?: Config["noise"];
  n?: number;
  seed?: number;
  out?: string;
}

export function reconstructCommand(): Command {
  return new Command("reconstruct")
    .description("draw test images above their reconstructions")
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(noiseOption("corrupt the images first, and show that in between"))
    .addOption(countOption("how many test images (default: 100, or all if there are fewer)", MOST_IMAGES))
    .addOption(seedOption())
    .addOption(outOption())
    .addHelpText("after", example("vae reconstruct --noise --n 50"))
    .action(run);
}

async function run({ run: folder, noise = "none", n, seed, out }: ReconstructFlags): Promise<void> {
  const { checkOut, formatElbo, note, plural, print, savePicture, withModel } = await import("./output.js");
  await checkOut(out);
  await withModel(folder, async (model) => {
    const { config } = model;
    if (noise !== "none" && config.noise === "none") {
      note(
        "These weights were trained without noise and cannot remove it. A denoiser is trained by vae train --noise.",
      );
    } else if (noise !== config.noise) {
      note(`These weights were trained to remove noise. To see them do it, give --noise ${config.noise}.`);
    }
    const result = await model.pictures.reconstructions(n, noise, seed ?? config.seed);
    const { picture, elbo, count, squaredError } = result;
    const through = noise === "none" ? "" : `, seen through ${noise}`;
    print(`${formatElbo(elbo, config)}, mean over the first ${plural(count, "test image")}${through}`);
    if (squaredError) {
      const { noisy, output } = squaredError;
      print(`Squared error of a pixel: ${noisy.toFixed(4)} with the noise, ${output.toFixed(4)} in the output`);
    }
    const kind = noise === "none" ? "" : `${noise.replace(":", "")}-`;
    await savePicture(model, picture, `reconstructions-${kind}n${count}-seed${seed ?? config.seed}.png`, out);
  });
}
