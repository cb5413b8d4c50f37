// vae reconstruct
import { Command, Option } from "commander";
import {
  checkOut,
  countOption,
  example,
  formatElbo,
  note,
  outOption,
  print,
  runOption,
  savePicture,
  seedOption,
} from "./shared.js";

const MOST_IMAGES = 10_000;

interface ReconstructFlags {
  run?: string;
  noise?: boolean;
  n: number;
  seed?: number;
  out?: string;
}

export function reconstructCommand(): Command {
  return new Command("reconstruct")
    .description("draw test images above their reconstructions")
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(new Option("--noise", "corrupt the images with salt-and-pepper noise first, and show that in between"))
    .addOption(countOption("how many test images, up to 10,000", MOST_IMAGES))
    .addOption(seedOption())
    .addOption(outOption())
    .addHelpText("after", example("vae reconstruct --noise --n 50"))
    .action(run);
}

async function run({ run: folder, noise = false, n, seed, out }: ReconstructFlags): Promise<void> {
  await checkOut(out);
  const { loadModel } = await import("../index.js");
  const model = await loadModel(folder);
  try {
    if (model.shortfall) note(`engine wasm, since ${model.shortfall}`);
    if (noise && model.config.noise === "none") {
      note(
        "These weights were trained without noise and cannot remove it. A denoiser is trained by vae train --noise.",
      );
    }
    const { seed: trainingSeed } = model.config;
    const kind = noise ? "salt-pepper" : "none";
    const { picture, elbo } = await model.reconstruct(n, kind, seed ?? trainingSeed);
    print(`${formatElbo(elbo)}, mean over the first ${n} test images${noise ? ", seen through noise" : ""}`);
    const name = `reconstructions-${noise ? "noise-" : ""}n${n}-seed${seed ?? trainingSeed}.png`;
    await savePicture(model, picture, name, out);
  } finally {
    await model.close();
  }
}
