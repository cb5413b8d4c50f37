// vae reconstruct
import type { GivenSettings } from "../config/config.js";
import { SETTINGS } from "../config/settings.js";
import { UserError } from "../errors.js";
import { formatNoise } from "../noise.js";
import { declare } from "./command.js";
import {
  classFlag,
  count,
  DEFAULT_NOISE,
  type Flag,
  MODEL,
  noiseFlag,
  OPEN,
  pictureFlag,
  SEED,
  toggle,
} from "./flags.js";

const FILES: Flag<string[] | undefined> = {
  argument: "<file...>",
  help: "image files instead of test images, of any size: the middle is scaled to the model's size",
  conflicts: ["n"],
};

/** The value of `--noise` without an argument: the run's noise. */
const OWN = "own";
const NOISE: Flag<GivenSettings["noise"] | typeof OWN> = {
  ...noiseFlag("corrupt the images first, and show the corrupted ones too", `the run's noise, or ${DEFAULT_NOISE}`),
  preset: OWN,
  parse: (text) => (text === OWN ? OWN : SETTINGS.noise.parse(text)),
};

export const define = declare({
  flags: {
    ...MODEL,
    noise: NOISE,
    n: count("number of test images (default: 100, or all if there are fewer; fewer if they are large)"),
    input: FILES,
    invert: toggle("invert the image files: for dark strokes on light paper"),
    class: classFlag("the class of the image files"),
    as: classFlag("also decode the images as this class, in a third row: the style of one class in another"),
    ...SEED,
    out: pictureFlag("png"),
    ...OPEN,
  },
  examples: [
    "vae reconstruct --noise --n 50",
    "vae reconstruct --as 3",
    "vae reconstruct --input seven.jpg four.png --invert",
  ],
  async run(io, { noise: givenNoise = null, input, invert = false, ...flags }, tools) {
    const { run, device, n, class: name, as, seed: givenSeed, out, open } = flags;
    if (invert && !input) throw new UserError("--invert needs --input.");
    if (name !== undefined && !input) throw new UserError("--class is for image files: test images have labels.");
    const { classInName, formatElbo, note, plural, print, savePicture, withModel } = tools;
    await withModel(io, { run, device }, async (model) => {
      const { config } = model;
      const usual = config.noise ?? SETTINGS.noise.parse(DEFAULT_NOISE);
      const noise = givenNoise === OWN ? usual : SETTINGS.noise.check(givenNoise);
      const noiseName = formatNoise(noise);
      if (noise && !config.noise && !config.inputDir) {
        note(io, "This model was trained without noise and cannot remove it. Train a denoiser: vae train --noise");
      } else if (config.noise && noiseName !== formatNoise(config.noise) && !input) {
        note(io, "This model removes noise. To see it, give --noise.");
      }
      const seed = givenSeed ?? config.seed;
      const {
        picture,
        elbo,
        count,
        squaredError,
        notes = [],
      } = input
        ? await model.pictures.reconstructionsOf(input, invert, noise, seed, { class: name, as })
        : await model.pictures.reconstructions(n, noise, seed, { as });
      for (const text of notes) note(io, text);
      const images = input ? plural(count, "picture") : `the first ${plural(count, "test image")}`;
      const through = noise ? `, seen through ${noiseName}` : "";
      print(io, `${formatElbo(elbo, config)}, mean over ${images}${through}`);
      if (squaredError) {
        const [before, after] = [squaredError.noisy, squaredError.output].map((error) => error.toFixed(4));
        const where = noise ? "with the noise" : "in the input";
        print(io, `Squared error per pixel: ${before} ${where}, ${after} in the output`);
      }
      const transfer = as === undefined ? "" : `as-${classInName(model, as)}-`;
      const kind = `${input ? "input-" : ""}${noise ? `${noise.kind}${noise.strength}-` : ""}${transfer}`;
      await savePicture(io, model, picture, `reconstructions-${kind}n${count}-seed${seed}.png`, { out, open });
    });
  },
});
