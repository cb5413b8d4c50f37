// vae evaluate
import { EVALUATION } from "../config/evaluation.js";
import { pixelsOf } from "../data/pixels.js";
import { isSystemError } from "../errors.js";
import type { Device, EvaluateOptions, Evaluation, LoadedModel, Processes } from "../index.js";
import { formatNoise } from "../noise.js";
import { declare, type Tools } from "./command.js";
import { DISTRIBUTED, flag, IMAGES, JSON_RESULT, MODEL } from "./flags.js";
import type { Io } from "./io.js";

const { importanceSamples: SAMPLES } = EVALUATION;

export const define = declare({
  flags: {
    ...MODEL,
    ...IMAGES,
    importanceSamples: flag("<count>", SAMPLES.help, SAMPLES, { default: SAMPLES.default }),
    ...JSON_RESULT,
    ...DISTRIBUTED,
  },
  examples: ["vae evaluate", "vae evaluate --split validation --importance-samples 500 --n 1000"],
  run: (io, { distributed, ...flags }, tools) =>
    tools.runInProcesses(io, "evaluate", distributed, (io, processes) => measure(io, flags, tools, processes)),
});

type Flags = Omit<EvaluateOptions, "count" | "onProgress" | "processes"> & {
  readonly run: string | undefined;
  readonly device: Device | undefined;
  readonly n: number | undefined;
  readonly json: boolean | undefined;
};

async function measure(
  io: Io,
  { run, device, json, n, ...options }: Flags,
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
    if (result.isOwnData && result.split === "test" && !processes?.rank) await keep(io, model, result, tools);
  };
  await withModel(io, { run, device }, use, processes);
}

/** Keeps the result in the run, for vae report. */
async function keep(io: Io, { folder, metadata }: LoadedModel, result: Evaluation, { note }: Tools): Promise<void> {
  const { seconds, ...evaluation } = result; // equal evaluations write equal files
  try {
    await folder.writeEvaluation({ epoch: Number(metadata.epoch), evaluation });
  } catch (error) {
    if (!isSystemError(error)) throw error; // a run that cannot be written can be evaluated
    note(io, `vae report will not show this result: ${error.message}.`);
  }
}

function encode(result: Evaluation, { folder }: LoadedModel): string {
  return JSON.stringify({ run: folder.dir, ...result, noise: formatNoise(result.noise) });
}

function describe(result: Evaluation, model: LoadedModel, tools: Tools): string[] {
  const { describePixels, formatCount, formatPlural, formatTime } = tools;
  const { split, images, of, noise, seconds } = result;
  const all = formatPlural(of, `${split} image`);
  const through = noise ? `, seen through ${formatNoise(noise)}` : "";
  const labels = model.config.conditional ? "; the encoder sees the labels" : "";
  const evaluated = images === of ? all : `the first ${formatCount(images)} of ${all}`;
  return [
    `${model.folder.dir}: ${evaluated}; ${formatTime(seconds)}`,
    `nats per image of ${describePixels(model.config)}${through}${labels}`,
    ...describeBounds(result, model, tools),
    ...describeLatents(result, tools),
  ];
}

function describeBounds(result: Evaluation, { config, size }: LoadedModel, tools: Tools): string[] {
  const { formatNats, formatPlural, hasBound, objectiveName, objectiveTitle, termNames } = tools;
  const { objective, elbo, reconstruction, kl, likelihood, bitsPerDim } = result;
  const terms = termNames(config);
  const name = objectiveName(config);
  const title = objectiveTitle(config);
  const lines: string[] = [];
  const add = (...line: Parameters<typeof formatLine>) => lines.push(formatLine(...line));
  if (hasBound(config)) {
    add("−ELBO", formatNats(-elbo), `−reconstruction + KL, an upper bound on −${terms.likelihood}`);
    if (name !== "ELBO")
      add(title, formatNats(-objective), `the trained objective${title === `−${name}` ? "" : `: ${name}`}`);
  }
  add("reconstruction", formatNats(reconstruction), `mean of ${terms.reconstruction}`);
  if (hasBound(config)) add("KL", formatNats(kl), terms.kl);
  if (likelihood) {
    const { nll, standardError, importanceSamples: samples } = likelihood;
    const error = standardError === undefined ? "" : `; ± ${standardError.toFixed(2)} over the images`;
    add(`−${terms.likelihood}`, formatNats(nll), formatPlural(samples, "importance sample") + error);
  }
  if (bitsPerDim) {
    const { elbo, nll } = bitsPerDim;
    const likelihood = nll === undefined ? "" : `; −${terms.likelihood}: ${formatNats(nll, 3)}`;
    add("bits per dim", formatNats(elbo, 3), `−ELBO / (${pixelsOf(size)} log 2)${likelihood}`);
  }
  return lines;
}

/** Number of the largest KL terms printed. JSON has all. */
const LARGEST = 6;

function describeLatents(result: Evaluation, tools: Tools): string[] {
  const { formatCount, formatNats, formatPlural } = tools;
  const { activeUnits, dimZ, klPerDimension, mutualInformation, probes } = result;
  const lines = [formatLine("active units", String(activeUnits), `of ${dimZ} latent dimensions`)];
  if (klPerDimension) {
    const sorted = klPerDimension.toSorted((a, b) => b - a).map((nats) => formatNats(nats));
    const shown = sorted.length > LARGEST + 1 ? [...sorted.slice(0, LARGEST), "…", ...sorted.slice(-1)] : sorted;
    const [first, ...others] = shown;
    lines.push(`${formatLine("KL by dimension", first, "")} ${[...others, " largest first"].join(" ")}`);
  }
  if (mutualInformation) {
    const { nats, images } = mutualInformation;
    const most = `at most log ${images} = ${formatNats(Math.log(images))}`;
    lines.push(formatLine("I(x; z)", formatNats(nats), `${most}, for ${formatPlural(images, "image")}`));
  }
  if (probes) {
    const { knn, linear, images } = probes;
    const add = (name: string, accuracy: number, trained: number) => {
      const meaning = `of ${formatPlural(images, "label")} predicted from z; ${formatCount(trained)} training images`;
      lines.push(formatLine(name, `${(100 * accuracy).toFixed(2)}%`, meaning));
    };
    add(`k-NN, k = ${knn.k}`, knn.accuracy, knn.trainingImages);
    add("linear probe", linear.accuracy, linear.trainingImages);
  }
  return lines;
}

function formatLine(name: string, value: string, meaning: string): string {
  return `${name.padEnd(16)}${value.padStart(9)}  ${meaning}`.trimEnd();
}
