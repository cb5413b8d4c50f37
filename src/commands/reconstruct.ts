// vae reconstruct
import { Command, Option } from "commander";
import { countOption, example, outOption, runOption, seedOption } from "./flags.js";

const MOST_IMAGES = 10_000;

interface ReconstructFlags {
  run?: string;
  noise?: boolean;
  n?: number;
  seed?: number;
  out?: string;
}

export function reconstructCommand(): Command {
  return new Command("reconstruct")
    .description("draw test images above their reconstructions")
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(new Option("--noise", "corrupt the images with salt-and-pepper noise first, and show that in between"))
    .addOption(countOption("how many test images (default: 100, or all if there are fewer)", MOST_IMAGES))
    .addOption(seedOption())
    .addOption(outOption())
    .addHelpText("after", example("vae reconstruct --noise --n 50"))
    .action(run);
}

async function run({ run: folder, noise = false, n, seed, out }: ReconstructFlags): Promise<void> {
  const [{ loadModel }, { checkOut, formatElbo, note, plural, print, savePicture }] = await Promise.all([
    import("../index.js"),
    import("./output.js"),
  ]);
  await checkOut(out);
  const model = await loadModel(folder);
  try {
    if (model.shortfall) note(`engine wasm, since ${model.shortfall}`);
    if (noise && model.config.noise === "none") {
      note(
        "These weights were trained without noise and cannot remove it. A denoiser is trained by vae train --noise.",
      );
    }
    if (!noise && model.config.noise !== "none") {
      note("These weights were trained to remove noise. To see them do it, give --noise.");
    }
    const { seed: trainingSeed } = model.config;
    const kind = noise ? "salt-pepper" : "none";
    const { picture, elbo, count } = await model.reconstruct(n, kind, seed ?? trainingSeed);
    print(
      `${formatElbo(elbo)}, mean over the first ${plural(count, "test image")}${noise ? ", seen through noise" : ""}`,
    );
    const name = `reconstructions-${noise ? "noise-" : ""}n${count}-seed${seed ?? trainingSeed}.png`;
    await savePicture(model, picture, name, out);
  } finally {
    await model.close();
  }
}
