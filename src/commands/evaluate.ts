// vae evaluate
import { EVALUATION } from "../config/evaluation.js";
import type { Evaluation, LoadedModel } from "../index.js";
import { formatNoise } from "../noise.js";
import { declare, type Tools } from "./command.js";
import { flag, IMAGES, JSON_RESULT, RUN } from "./flags.js";

const { importanceSamples: SAMPLES } = EVALUATION;

export const define = declare({
  flags: {
    ...RUN,
    ...IMAGES,
    importanceSamples: flag("<count>", SAMPLES.help, SAMPLES, { default: SAMPLES.default }),
    ...JSON_RESULT,
  },
  examples: ["vae evaluate", "vae evaluate --split validation --importance-samples 500 --n 1000"],
  async run(io, { run, json, n, ...options }, tools) {
    const { note, print, progressBar, withModel } = tools;
    await withModel(io, run, async (model) => {
      const bar = progressBar(io, "images");
      const result = await model.evaluate({ ...options, count: n, onProgress: bar.show }).finally(bar.stop);
      print(io, ...(json ? [encode(result, model)] : describe(result, model, tools)));
      if (!json && result.noLikelihood) note(io, result.noLikelihood);
      for (const text of result.notes) note(io, text);
      if (!result.isOwnData) note(io, `This is not the data set that the model was trained on: ${result.dataset}.`);
    });
  },
});

function encode(result: Evaluation, { folder }: LoadedModel): string {
  return JSON.stringify({ run: folder.dir, ...result, noise: formatNoise(result.noise) });
}

function describe(result: Evaluation, { config, folder }: LoadedModel, tools: Tools): string[] {
  const { describePixels, formatNats, formatTime, hasBound, objectiveName, plural } = tools;
  const { split, images, of, objective, elbo, reconstruction, kl, likelihood, noise, seconds } = result;
  const pixels = describePixels(config);
  const name = objectiveName(config);
  const total = plural(of, `${split} image`);
  const through = noise ? `, seen through ${formatNoise(noise)}` : "";
  const lines = [
    `${folder.dir}: ${images === of ? total : `the first ${images} of ${total}`}, ` +
      `${pixels}${through}; nats per image; ${formatTime(seconds)}`,
  ];
  const add = (name: string, value: string, meaning: string) =>
    lines.push(`${name.padEnd(16)}${value.padStart(9)}  of ${meaning}`);
  if (hasBound(config)) {
    add("−ELBO", formatNats(-elbo), `${pixels}; −ELBO = −reconstruction + KL`);
    if (name !== "ELBO") add(`−${name}`, formatNats(-objective), `${pixels}; what was trained`);
  }
  add("reconstruction", formatNats(reconstruction), `${pixels}; mean of log p(x|z)`);
  if (hasBound(config)) add("KL", formatNats(kl), `${pixels}; KL(q(z|x) ‖ p(z))`);
  if (likelihood) {
    const { nll, standardError, importanceSamples } = likelihood;
    const error = standardError === undefined ? "" : `; ± ${standardError.toFixed(2)} over the images`;
    add("−log p(x)", formatNats(nll), `${pixels}; ${plural(importanceSamples, "importance sample")}${error}`);
  }
  add("active units", String(result.activeUnits), `${result.dimZ} latent dimensions, by means from ${pixels}`);
  return lines;
}
