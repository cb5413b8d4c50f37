// vae reconstruct
import { type Command, Option } from "commander";
import type { GivenSettings } from "../config/config.js";
import { SETTINGS } from "../config/settings.js";
import { UserError } from "../errors.js";
import { formatNoise } from "../noise.js";
import { countOption, example, noiseOption, outOption, runOption, seedOption } from "./flags.js";
import type { Io } from "./io.js";

const MAX_IMAGES = 10_000;

interface ReconstructFlags {
  run?: string;
  noise?: GivenSettings["noise"];
  n?: number;
  input?: string[];
  invert?: true;
  seed?: number;
  out?: string;
}

export function define(command: Command, io: Io): void {
  command
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(noiseOption("corrupt the images first, and show the corrupted ones too"))
    .addOption(
      countOption(
        "number of test images (default: 100, or all if there are fewer, fewer if they are large)",
        MAX_IMAGES,
      ),
    )
    .addOption(
      new Option(
        "--input <file...>",
        "image files instead of test images, of any size: the middle is scaled to the model's size",
      ).conflicts("n"),
    )
    .addOption(new Option("--invert", "invert the image files: for dark strokes on light paper"))
    .addOption(seedOption())
    .addOption(outOption())
    .addHelpText(
      "after",
      example("vae reconstruct --noise --n 50", "vae reconstruct --input seven.jpg four.png --invert"),
    )
    .action((flags) => run(io, flags));
}

async function run(io: Io, flags: ReconstructFlags): Promise<void> {
  const { run: folder, n, input, invert = false, seed: given, out } = flags;
  if (invert && !input) throw new UserError("--invert needs --input.");
  const { checkOut, formatElbo, note, plural, print, savePicture, withModel } = await import("./output.js");
  checkOut(out);
  await withModel(io, folder, async (model) => {
    const { config } = model;
    const noise = SETTINGS.noise.check(flags.noise ?? null);
    const name = formatNoise(noise);
    if (noise && !config.noise && !config.inputDir) {
      note(io, "This model was trained without noise and cannot remove it. Train a denoiser: vae train --noise");
    } else if (config.noise && name !== formatNoise(config.noise) && !input && !config.inputDir) {
      note(io, `This model removes noise. To see it, give --noise ${formatNoise(config.noise)}.`);
    }
    const seed = given ?? config.seed;
    const { picture, elbo, count, squaredError } = input
      ? await model.pictures.reconstructionsOf(input, invert, noise, seed)
      : await model.pictures.reconstructions(n, noise, seed);
    const images = input ? plural(count, "picture") : `the first ${plural(count, "test image")}`;
    const through = noise ? `, seen through ${name}` : "";
    print(io, `${formatElbo(elbo, config)}, mean over ${images}${through}`);
    if (squaredError) {
      const { noisy, output } = squaredError;
      const before = noise ? "with the noise" : "in the input";
      print(io, `Squared error of a pixel: ${noisy.toFixed(4)} ${before}, ${output.toFixed(4)} in the output`);
    }
    const kind = `${input ? "input-" : ""}${noise ? `${noise.kind}${noise.strength}-` : ""}`;
    await savePicture(io, model, picture, `reconstructions-${kind}n${count}-seed${seed}.png`, out);
  });
}
