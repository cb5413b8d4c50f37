// vae evaluate
import { type Command, Option } from "commander";
import type { Evaluation, LoadedModel } from "../index.js";
import { formatNoise } from "../noise.js";
import { countOption, example, placeOption, runOption, splitOption, wholeNumberOption } from "./flags.js";
import type { Io } from "./io.js";

const MAX_SAMPLES = 1_000_000;
const MAX_IMAGES = 1_000_000_000;

interface EvaluateFlags {
  run?: string;
  split: Evaluation["split"];
  importanceSamples: number;
  n?: number;
  dataset?: string;
  json?: true;
}

export function define(command: Command, io: Io): void {
  command
    .addOption(runOption("folder of the run (default: the newest in runs/ that has a model)"))
    .addOption(splitOption("part of the data set to evaluate"))
    .addOption(
      wholeNumberOption(
        "--importance-samples <count>",
        "draws of z per image for the likelihood: more are more accurate, and take longer",
        1,
        MAX_SAMPLES,
      ).default(5000),
    )
    .addOption(countOption("number of images, from the first (default: all)", MAX_IMAGES))
    .addOption(placeOption("--dataset <mnist|path>", "other data than the model was trained on"))
    .addOption(new Option("--json", "print the result as one JSON value"))
    .addHelpText("after", example("vae evaluate", "vae evaluate --split validation --importance-samples 500 --n 1000"))
    .action((flags) => run(io, flags));
}

async function run(io: Io, { run: folder, split, importanceSamples, n, dataset, json }: EvaluateFlags): Promise<void> {
  const { barWidth, createBar, note, print, withModel } = await import("./output.js");
  await withModel(io, folder, async (model) => {
    const bar = createBar(io, "{value}/{total} images {bar} {eta_formatted} left", barWidth(io, 45));
    const onProgress = (done: number, count: number) => {
      if (bar && !bar.isActive) bar.start(count, done);
      bar?.update(done);
    };
    try {
      const result = await model.evaluate({ split, importanceSamples, count: n, dataset, onProgress });
      bar?.stop();
      print(io, json ? JSON.stringify(encode(result, model)) : await describe(result, model));
      if (!json && result.noLikelihood) note(io, result.noLikelihood);
      if (!result.isOwnData) note(io, `This is not the data set that the model was trained on: ${result.dataset}.`);
    } finally {
      bar?.stop();
    }
  });
}

function encode(result: Evaluation, { folder }: LoadedModel): object {
  return { run: folder.dir, ...result, noise: formatNoise(result.noise) };
}

async function describe(result: Evaluation, { config, folder }: LoadedModel): Promise<string> {
  const [{ describePixels, objectiveName }, { formatNats, formatTime, plural }] = await Promise.all([
    import("../index.js"),
    import("./output.js"),
  ]);
  const { split, images, of, objective, elbo, reconstruction, kl, likelihood, noise, seconds } = result;
  const pixels = describePixels(config);
  const line = (name: string, value: string, meaning: string) => `${name.padEnd(16)}${value.padStart(9)}  ${meaning}`;
  const name = objectiveName(config);
  const which = images === of ? plural(of, `${split} image`) : `the first ${images} of ${plural(of, `${split} image`)}`;
  const lines = [
    `${folder.dir}: ${which}, ${pixels}${noise ? `, seen through ${formatNoise(noise)}` : ""}; nats per image; ${formatTime(seconds)}`,
  ];
  if (config.model === "vae") {
    lines.push(line("−ELBO", formatNats(-elbo), `of ${pixels}; −ELBO = −reconstruction + KL`));
    if (name !== "ELBO") lines.push(line(`−${name}`, formatNats(-objective), `of ${pixels}; what was trained`));
  }
  lines.push(line("reconstruction", formatNats(reconstruction), `of ${pixels}; mean of log p(x|z)`));
  if (config.model === "vae") lines.push(line("KL", formatNats(kl), `of ${pixels}; KL(q(z|x) ‖ p(z))`));
  if (likelihood) {
    const { nll, standardError, importanceSamples } = likelihood;
    const error = standardError === undefined ? "" : `; ± ${standardError.toFixed(2)} over the images`;
    const samples = plural(importanceSamples, "importance sample");
    lines.push(line("−log p(x)", formatNats(nll), `of ${pixels}; ${samples}${error}`));
  }
  lines.push(
    line("active units", String(result.activeUnits), `of ${result.dimZ} latent dimensions, by means from ${pixels}`),
  );
  return lines.join("\n");
}
