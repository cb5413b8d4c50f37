// vae latent
import { declare } from "./command.js";
import { count, DRAWS, MODEL, OPEN, pictureFlag } from "./flags.js";

export const define = declare({
  flags: {
    ...MODEL,
    n: count("number of test images (default: 5000, or all if there are fewer)", 100_000),
    ...DRAWS,
    out: pictureFlag("svg"),
    ...OPEN,
  },
  examples: ["vae latent --n 5000"],
  async run(io, { run, device, n, draws, seed: given, out, open }, { note, noteClean, savePicture, withModel }) {
    await withModel(io, { run, device }, async (model) => {
      const { config } = model;
      const seed = given ?? config.seed;
      const what = draws ? "draws" : "means";
      const { svg, count, hasLabels, explained } = await model.pictures.latents({ count: n, what }, seed);
      if (explained) {
        const percent = (100 * (explained[0] + explained[1])).toFixed(0);
        const plot = `The plot shows the first two principal components, with ${percent}% of the variance.`;
        note(io, `The latent space has ${model.model.parts.dimZ} dimensions. ${plot}`);
      }
      if (!hasLabels) note(io, "The test images have no labels, so all points have one colour.");
      noteClean(io, model);
      await savePicture(io, model, svg, `latent-${draws ? "draws-" : ""}n${count}-seed${seed}.svg`, { out, open });
    });
  },
});
