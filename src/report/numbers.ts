// The numbers of a training and of its evaluation, with explanations for newcomers.
import { hasBound, objectiveName, termNames } from "../config/names.js";
import { pixelsOf } from "../data/pixels.js";
import { bitsPerDim } from "../inference/information.js";
import type { LoadedModel } from "../inference/loaded-model.js";
import type { Bounds } from "../model/bounds.js";
import type { ReadRun } from "../run/list.js";
import { isRecord } from "../values/checker.js";
import { formatCount, formatNats, formatPlural, formatTime } from "../wording.js";
import type { Row } from "./facts.js";

export interface KeyNumber {
  readonly name: string;
  readonly value: string;
  readonly detail: string;
}

/** The bounds on test images, or on validation images before the training has ended; epochs and time. */
export function keyNumbers(model: LoadedModel, { report, epochs }: ReadRun): KeyNumber[] {
  const { test, best } = report;
  const bounds = test ?? best?.validation;
  const split = test ? "test" : "validation";
  const seconds = epochs.at(-1)?.seconds;
  return [
    ...(bounds ? boundNumbers(model, bounds, split) : []),
    { name: "Epochs", value: formatCount(report.epochs), detail: best ? `best: epoch ${best.epoch}` : "" },
    ...(seconds === undefined ? [] : [{ name: "Time", value: formatTime(seconds), detail: "of training" }]),
  ];
}

function boundNumbers({ config, model, size }: LoadedModel, bounds: Bounds, split: string): KeyNumber[] {
  const nats = (name: string, value: number, detail: string) => ({ name, value: formatNats(value), detail });
  const reconstruction = nats("Reconstruction", bounds.reconstruction, `mean ${termNames(config).reconstruction}`);
  if (!hasBound(config)) return [{ ...reconstruction, detail: `${reconstruction.detail}, ${split} images` }];
  const name = objectiveName(config);
  const { support } = model.parts.likelihood;
  return [
    nats("−ELBO", -bounds.elbo, `nats per ${split} image`),
    ...(name === "ELBO" ? [] : [nats(`−${name}`, -bounds.objective, "the objective, nats")]),
    reconstruction,
    nats("KL", bounds.kl, termNames(config).kl),
    ...(support === "bytes"
      ? [
          {
            name: "Bits per dimension",
            value: formatNats(bitsPerDim(-bounds.elbo, pixelsOf(size)), 3),
            detail: "from −ELBO",
          },
        ]
      : []),
  ];
}

/** A line of an evaluation. */
export type Measure = readonly [name: string, value: string, meaning: string];

export interface ReadEvaluation {
  /** "10,000 test images" */
  readonly images: string;
  readonly measures: readonly Measure[];
}

/** The largest KL terms shown. */
const LARGEST = 6;

/** Reads the last `vae evaluate` of test images. Undefined if there is none, or its weights are of another epoch. */
export async function readEvaluation(model: LoadedModel): Promise<ReadEvaluation | undefined> {
  const kept = await model.folder.readEvaluation();
  if (!isRecord(kept) || !isRecord(kept.evaluation) || String(kept.epoch) !== model.metadata.epoch) return undefined;
  const { evaluation } = kept;
  const images = numberOf(evaluation.images);
  if (images === undefined) return undefined;
  const of = numberOf(evaluation.of) ?? images;
  const all = formatPlural(of, "test image");
  return {
    images: images === of ? all : `the first ${formatCount(images)} of ${all}`,
    measures: [...boundMeasures(model, evaluation), ...latentMeasures(evaluation)],
  };
}

type Json = Readonly<Record<string, unknown>>;

function boundMeasures({ config }: LoadedModel, evaluation: Json): Measure[] {
  const terms = termNames(config);
  const { likelihood, bitsPerDim: bits } = evaluation;
  const nats = (name: string, value: unknown, sign: 1 | -1, meaning: string, digits = 2): Measure[] => {
    const number = numberOf(value);
    return number === undefined ? [] : [[name, formatNats(sign * number, digits), meaning]];
  };
  return [
    ...(hasBound(config) ? nats("−ELBO", evaluation.elbo, -1, `an upper bound on −${terms.likelihood}`) : []),
    ...nats("Reconstruction", evaluation.reconstruction, 1, `the mean of ${terms.reconstruction}`),
    ...(hasBound(config) ? nats("KL", evaluation.kl, 1, terms.kl) : []),
    ...(isRecord(likelihood) ? nats(`−${terms.likelihood}`, likelihood.nll, 1, describeSamples(likelihood)) : []),
    ...(isRecord(bits) ? nats("Bits per dimension", bits.elbo, 1, "from −ELBO", 3) : []),
  ];
}

function describeSamples(likelihood: Json): string {
  const samples = formatPlural(numberOf(likelihood.importanceSamples) ?? 0, "importance sample");
  const error = numberOf(likelihood.standardError);
  return `estimated with ${samples} per image${error === undefined ? "" : `; ± ${error.toFixed(2)} over the images`}`;
}

function latentMeasures({ activeUnits, dimZ, klPerDimension, mutualInformation, probes }: Json): Measure[] {
  const active = numberOf(activeUnits);
  const kls = Array.isArray(klPerDimension) ? klPerDimension.flatMap((nats) => numberOf(nats) ?? []) : [];
  const [largest, ...others] = kls.toSorted((a, b) => b - a).map((nats) => formatNats(nats));
  const shown = others.length > LARGEST ? [...others.slice(0, LARGEST - 1), "…", others.at(-1)] : others;
  const information = isRecord(mutualInformation) ? numberOf(mutualInformation.nats) : undefined;
  return [
    ...(active === undefined ? [] : [["Active units", String(active), `of ${dimZ} latent dimensions`] as const]),
    ...(largest === undefined || others.length === 0
      ? []
      : [["Largest KL of a dimension", largest, `the others: ${shown.join(", ")}`] as const]),
    ...(information === undefined
      ? []
      : [["I(x; z)", formatNats(information), "nats of information about the image in z"] as const]),
    ...(isRecord(probes) ? probeMeasures(probes) : []),
  ];
}

function probeMeasures({ knn, linear }: Json): Measure[] {
  const measure = (name: string, probe: unknown): Measure[] => {
    const accuracy = isRecord(probe) ? numberOf(probe.accuracy) : undefined;
    return accuracy === undefined ? [] : [[name, `${(100 * accuracy).toFixed(2)}%`, "of labels predicted from z"]];
  };
  return [...measure("k nearest neighbours", knn), ...measure("Linear probe", linear)];
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Explains the terms that a report uses: a sentence each. */
export function explainTerms({ config }: LoadedModel, evaluation: ReadEvaluation | undefined): Row[] {
  const names = new Set(evaluation?.measures.map(([name]) => name));
  const explained: Row[] = [
    ["Nat", "The unit of information with natural logarithms: 1 nat is 1.44 bits."],
    [
      "Latents z",
      "The few numbers that the encoder compresses an image to. The decoder reconstructs the image from them.",
    ],
    ["Reconstruction", "log p(x|z): the log-probability that the decoder gives to the image. Higher is better."],
  ];
  if (hasBound(config)) {
    explained.push(
      ["KL", "The divergence of the posterior q(z|x) from the prior p(z), in nats."],
      ["ELBO", "Reconstruction − KL, the evidence lower bound on log p(x). A lower −ELBO is better."],
    );
  }
  if (names.has("Bits per dimension") || config.likelihood === "logistic") {
    explained.push(["Bits per dimension", "−ELBO for each number of an image, in bits: random bytes need 8."]);
  }
  if (names.has("Active units")) {
    explained.push(["Active units", "Latent dimensions whose value depends on the image; the others are unused."]);
  }
  if (names.has("I(x; z)")) {
    explained.push(["I(x; z)", "Mutual information of image and z, at most the log of the number of images."]);
  }
  if (names.has("Linear probe")) {
    explained.push(["Probes", "Simple classifiers that predict the label from z."]);
  }
  return explained;
}
