// Facts about the model, its data and its training, as rows of a name and a text.
import { encodeConfig } from "../config/config.js";
import { objectiveName } from "../config/names.js";
import { SETTINGS, type SettingName } from "../config/settings.js";
import { describeShape } from "../data/pixels.js";
import type { LoadedModel } from "../inference/loaded-model.js";
import { LIKELIHOODS, NETWORKS, POSTERIORS, PRIORS } from "../model/registry.js";
import { formatNoise } from "../noise.js";
import type { ReadRun } from "../run/list.js";
import { sizeOf } from "../tree.js";
import { formatCount, formatPlural } from "../wording.js";

export type Row = readonly [name: string, text: string];

/** "Conditional variational autoencoder with 2 latent dimensions" */
export function describeModel({ config, model }: LoadedModel): string {
  const { conditional, noise, inputDir } = config;
  const kind = config.model === "ae" ? "plain autoencoder" : "variational autoencoder";
  const words = [conditional && "conditional", (noise || inputDir !== null) && "denoising", kind].filter(Boolean);
  const text = words.join(" ");
  const dimensions = formatPlural(model.parts.dimZ, "latent dimension");
  const layers = typeof config.dimZ === "number" ? "" : " in two layers";
  return `${text[0].toUpperCase()}${text.slice(1)} with ${dimensions}${layers}`;
}

/** The data, the model's parts, and the training. */
export function describeTraining(model: LoadedModel, { report, runConfig }: ReadRun): Row[] {
  const { engine, threads } = model.config;
  const { created, version, id, data } = runConfig;
  const program = `vae ${version}, engine ${engine}, ${formatPlural(threads, "thread")}`;
  return [
    ...describeData(model, runConfig.data),
    ...(runConfig.parts === "own" ? [["Model", "parts written by the user"] as const] : describeParts(model)),
    ["Weights", `${formatCount(countWeights(model))} numbers, of epoch ${model.metadata.epoch ?? "–"}`],
    ["Training", `${describeProgress(report)}; started ${formatDate(created)}`],
    ["Program", program],
    ...(id === undefined ? [] : [["Run id", id] as const]),
    ["SHA-256 of the images", data.sha256],
  ];
}

function describeData({ config, size }: LoadedModel, data: ReadRun["runConfig"]["data"]): Row[] {
  const { noise, inputDir, classes } = config;
  const counts = `${formatCount(data.train)} training, ${formatCount(data.validation)} validation and `;
  const grey = size.channels === 1 ? " in grey" : "";
  const images = `${counts}${formatPlural(data.test, "test image")} of ${describeShape(size)}${grey}`;
  const chosen = classes.includes("all") ? [] : [["Classes", classes.join(", ")] as const];
  const corrupted = noise ? [["Noise on the encoder's input", formatNoise(noise)] as const] : [];
  const pairs = inputDir === null ? [] : [["Encoder's input", `corrupted images from ${inputDir}`] as const];
  return [["Data", config.dataset], ["Images", images], ...chosen, ...corrupted, ...pairs];
}

function describeParts({ config }: LoadedModel): Row[] {
  const { network, likelihood, prior, posterior, objective } = config;
  const { help, width } = NETWORKS[network];
  const units = `${width} ${encodeConfig(config)[width as SettingName]}`;
  const parts: Row[] = [
    ["Networks", `${help} (${units})`],
    ["Pixels p(x|z)", describePart(likelihood, LIKELIHOODS[likelihood])],
  ];
  if (config.model === "ae") return parts;
  const name = objectiveName(config);
  const stochastic: Row[] =
    typeof config.dimZ === "number"
      ? [
          ["Posterior q(z|x)", describePart(posterior, POSTERIORS[posterior])],
          ["Prior p(z)", describePart(prior, PRIORS[prior])],
        ]
      : [];
  return [...parts, ...stochastic, ["Objective", name === objective.toUpperCase() ? name : `${name} (${objective})`]];
}

/** "bernoulli: black or white with a probability", or only the help if it has the name. */
function describePart(name: string, { help }: { readonly help: string }): string {
  return help.toLowerCase().includes(name) ? help : `${name}: ${help}`;
}

function countWeights({ params }: LoadedModel): number {
  return Object.values(params).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

function describeProgress({ epochs, state, config }: ReadRun["report"]): string {
  const of =
    epochs === config.epochs ? formatPlural(epochs, "epoch") : `${epochs} of ${formatPlural(config.epochs, "epoch")}`;
  if (state === "finished") return epochs < config.epochs ? `${of}, stopped early: no improvement` : of;
  return `${of}, ${state === "in use" ? "still running" : "stopped"}`;
}

/** "2026-11-27 13:50 UTC", the same for all readers. */
export function formatDate(created: string): string {
  const date = new Date(created);
  return Number.isNaN(date.getTime()) ? created : `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** A setting: its name, value, default and help. */
export type SettingRow = readonly [name: string, value: string, defaultValue: string, help: string];

/** All settings, and those that differ from the defaults. */
export function tabulateSettings({ report }: ReadRun): { readonly all: SettingRow[]; readonly changed: SettingRow[] } {
  const all = Object.entries(encodeConfig(report.config)).map(([name, value]): SettingRow => {
    const setting = SETTINGS[name as SettingName] as {
      encode(value: unknown): unknown;
      default: unknown;
      help: string;
    };
    return [name, formatValue(value), formatValue(setting.encode(setting.default)), setting.help];
  });
  const changed = all.filter(([name]) => Object.hasOwn(report.settings, name));
  return { all, changed };
}

function formatValue(value: unknown): string {
  return Array.isArray(value) ? value.join(", ") : String(value);
}
