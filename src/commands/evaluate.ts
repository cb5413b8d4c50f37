// vae evaluate
import { EVALUATION } from "../config/evaluation.js";
import type { EvaluateOptions, Evaluation, LoadedModel, Processes } from "../index.js";
import { formatNoise } from "../noise.js";
import { declare, type Tools } from "./command.js";
import { DISTRIBUTED, flag, IMAGES, JSON_RESULT, RUN } from "./flags.js";
import type { Io } from "./io.js";

const { importanceSamples: SAMPLES } = EVALUATION;

export const define = declare({
  flags: {
    ...RUN,
    ...IMAGES,
    importanceSamples: flag("<count>", SAMPLES.help, SAMPLES, { default: SAMPLES.default }),
    ...JSON_RESULT,
    ...DISTRIBUTED,
  },
  examples: ["vae evaluate", "vae evaluate --split validation --importance-samples 500 --n 1000"],
  run: (io, { distributed, ...flags }, tools) =>
    tools.inProcesses(io, "evaluate", distributed, (io, processes) => measure(io, flags, tools, processes)),
});

type Flags = Omit<EvaluateOptions, "count" | "onProgress" | "processes"> & {
  readonly run: string | undefined;
  readonly n: number | undefined;
  readonly json: boolean | undefined;
};

async function measure(
  io: Io,
  { run, json, n, ...options }: Flags,
  tools: Tools,
  processes: Processes | undefined,
): Promise<void> {
  const { note, print, progressBar, withModel } = tools;
  const use = async (model: LoadedModel) => {
    const bar = progressBar(io, "images");
    const given = { ...options, count: n, onProgress: bar.show, processes };
    const result = await model.evaluate(given).finally(bar.stop);
    print(io, ...(json ? [encode(result, model)] : describe(result, model, tools)));
    if (!json && result.noLikelihood) note(io, result.noLikelihood);
    for (const text of result.notes) note(io, text);
    if (!result.isOwnData) note(io, `This is not the data set that the model was trained on: ${result.dataset}.`);
  };
  await withModel(io, run, use, processes);
}

function encode(result: Evaluation, { folder }: LoadedModel): string {
  return JSON.stringify({ run: folder.dir, ...result, noise: formatNoise(result.noise) });
}

function describe(result: Evaluation, { config, folder }: LoadedModel, tools: Tools): string[] {
  const { describePixels, formatNats, formatTime, hasBound, objectiveName, plural, termNames } = tools;
  const { split, images, of, objective, elbo, reconstruction, kl, likelihood, noise, seconds } = result;
  const pixels = describePixels(config);
  const name = objectiveName(config);
  const terms = termNames(config);
  const bounded = config.conditional ? `, a bound of ${terms.likelihood}` : "";
  const total = plural(of, `${split} image`);
  const through = noise ? `, seen through ${formatNoise(noise)}` : "";
  const lines = [
    `${folder.dir}: ${images === of ? total : `the first ${images} of ${total}`}, ` +
      `${pixels}${through}; nats per image; ${formatTime(seconds)}`,
  ];
  const add = (name: string, value: string, meaning: string) => lines.push(formatLine(name, value, meaning));
  if (hasBound(config)) {
    add("−ELBO", formatNats(-elbo), `${pixels}; −ELBO = −reconstruction + KL${bounded}`);
    if (name !== "ELBO") add(`−${name}`, formatNats(-objective), `${pixels}; what was trained`);
  }
  add("reconstruction", formatNats(reconstruction), `${pixels}; mean of ${terms.reconstruction}`);
  if (hasBound(config)) add("KL", formatNats(kl), `${pixels}; ${terms.kl}`);
  if (likelihood) {
    const { nll, standardError, importanceSamples } = likelihood;
    const error = standardError === undefined ? "" : `; ± ${standardError.toFixed(2)} over the images`;
    add(
      `−${terms.likelihood}`,
      formatNats(nll),
      `${pixels}; ${plural(importanceSamples, "importance sample")}${error}`,
    );
  }
  if (result.bitsPerDim) {
    const { elbo, nll } = result.bitsPerDim;
    const likelihood = nll === undefined ? "" : `; −${terms.likelihood}: ${formatNats(nll, 3)}`;
    add("bits per dim", formatNats(elbo, 3), `${pixels}; −ELBO / (numbers of an image · log 2)${likelihood}`);
  }
  add("active units", String(result.activeUnits), `${result.dimZ} latent dimensions, by means from ${pixels}`);
  const seen = config.conditional ? `${pixels} and their labels` : pixels;
  return [...lines, ...describeLatents(result, pixels, seen, tools)];
}

/** KL terms on a line, the largest. JSON has all. */
const LARGEST = 8;

function describeLatents(result: Evaluation, pixels: string, seen: string, tools: Tools): string[] {
  const { formatCount, formatNats, plural } = tools;
  const { klPerDimension, mutualInformation, probes, split } = result;
  const lines: string[] = [];
  if (klPerDimension) {
    const sorted = klPerDimension.toSorted((a, b) => b - a).map((nats) => formatNats(nats));
    const shown = sorted.length > LARGEST + 1 ? [...sorted.slice(0, LARGEST), "…", ...sorted.slice(-1)] : sorted;
    lines.push(`KL by dimension ${shown[0].padStart(9)} ${shown.slice(1).join(" ")}  of ${pixels}; largest first`);
  }
  if (mutualInformation) {
    const { nats, images } = mutualInformation;
    const measured = images === 1 ? "1 image" : `${formatCount(images)} images`;
    const most = `at most log ${images} = ${formatNats(Math.log(images))}`;
    lines.push(formatLine("I(x; z)", formatNats(nats), `${pixels}; ${measured}; ${most}`));
  }
  if (probes) {
    const { knn, linear, images } = probes;
    const add = (name: string, accuracy: number, trained: number, how: string) =>
      lines.push(
        formatLine(
          name,
          `${(100 * accuracy).toFixed(2)}%`,
          `${plural(images, `${split} label`)} found from z of ${seen}; ${how}${formatCount(trained)} training images`,
        ),
      );
    add("k-NN", knn.accuracy, knn.trainingImages, `k = ${knn.k}, `);
    add("linear probe", linear.accuracy, linear.trainingImages, "");
  }
  return lines;
}

function formatLine(name: string, value: string, meaning: string): string {
  return `${name.padEnd(16)}${value.padStart(9)}  of ${meaning}`;
}
