// Compares runs: different settings, the spread over seeds, and validation curves in one plot.
import path from "node:path";
import { listOf } from "../arguments.js";
import { type Config, createConfig, encodeConfig, unmetNeed } from "../config/config.js";
import { describeSetting } from "../config/entries.js";
import { curveTitles, describePixels, hasBound, objectiveName } from "../config/names.js";
import type { SettingName } from "../config/settings.js";
import { UserError } from "../errors.js";
import { isFolder, statIfThere } from "../files/read.js";
import type { Bounds } from "../model/bounds.js";
import { comparisonCurves } from "../pictures/plots.js";
import { checkValue } from "../values/checker.js";
import { TEXT } from "../values/domains.js";
import { printable } from "../wording.js";
import { CONFIG } from "./config.js";
import { findRuns } from "./find.js";
import { isGroup, readPlan } from "./group.js";
import { type ReadRun, type RunReport, readRun, type UnreadableRun } from "./list.js";

export interface Comparison {
  /** The lowest folder that contains all runs. */
  readonly folder: string;
  /** In the given order. The runs in a given folder are sorted by age, the oldest first. */
  readonly runs: readonly ComparedRun[];
  /** The names of the settings that differ. */
  readonly differing: readonly SettingName[];
  /** The spread of finished runs that differ only in the seed. Empty if no two runs do. */
  readonly repeats: readonly Repeats[];
  /** Numbers that cannot be compared, and missing runs: one sentence each. */
  readonly notes: readonly string[];
  readonly unreadable: readonly UnreadableRun[];
  /** The validation curves of all runs. Undefined if no run has finished an epoch. */
  readonly svg?: string;
}

export interface ComparedRun extends RunReport {
  /** The run's folder, relative to `folder`. */
  readonly name: string;
  /** The settings that differ between runs, as JSON. Excludes settings without effect in this run. */
  readonly values: Values;
}

export interface Repeats {
  /** The folders of the runs: one for each seed. */
  readonly runs: readonly string[];
  /** The settings that differ from other runs, as JSON. */
  readonly values: Values;
  /** The spread of the validation terms of the best epochs. */
  readonly validation: Spread;
}

/** Terms in nats per image. Absent if a value is not finite. */
export type Spread = { readonly [term in keyof Bounds]?: MeanAndDeviation };

export interface MeanAndDeviation {
  readonly mean: number;
  /** The sample standard deviation, with n − 1. Undefined for one value. */
  readonly deviation?: number;
}

type Values = { readonly [name in SettingName]?: unknown };

/**
 * Compares runs by their settings and the validation of their best epochs.
 *
 * @param runs folders of runs, or folders that contain runs, such as a group
 * @throws UserError if a folder contains no run, or a given run cannot be read
 */
export async function compareRuns(runs: readonly string[]): Promise<Comparison> {
  const { found, unreadable, notes } = await collect(checkValue("The runs", listOf(TEXT, 1), runs));
  const folder = commonFolder(found.map(({ report }) => report.run));
  const effective = found.map(({ report }) => effectiveSettings(report.config));
  const differing = differingSettings(effective);
  const compared = found.map((run, i) => ({
    ...run,
    name: path.relative(folder, path.resolve(run.report.run)),
    values: pick(effective[i], differing),
    repeatKey: repeatKey(run, effective[i]),
  }));
  const svg = await drawCurves(compared);
  return {
    folder,
    runs: compared.map(({ report, name, values }) => ({ ...report, name, values })),
    differing,
    repeats: findRepeats(compared),
    notes: [...notes, ...describeIncomparable(found)],
    unreadable,
    ...(svg !== undefined && { svg }),
  };
}

/** The mean and deviation of each term. */
export function spread(bounds: readonly Bounds[]): Spread {
  const terms = ["objective", "elbo", "reconstruction", "kl"] as const;
  const entries = terms.flatMap((term) => {
    const values = bounds.map((of) => of[term]);
    return values.every(Number.isFinite) ? [[term, meanAndDeviation(values)]] : [];
  });
  return Object.fromEntries(entries);
}

function meanAndDeviation(values: readonly number[]): MeanAndDeviation {
  const { length: n } = values;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (n - 1)) };
}

/** Formats settings for a table: beta=0.5. Quotes items of lists that need it. */
export function describeValues(values: Values): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${describeSetting(value)}`)
    .join(" ");
}

interface Compared extends ReadRun {
  readonly name: string;
  readonly values: Values;
  /** Equal for runs that differ only in the seed. */
  readonly repeatKey: string;
}

/** Reads the given runs and the runs in given folders, each once. */
async function collect(places: readonly string[]) {
  const found = new Map<string, ReadRun>();
  const unreadable: UnreadableRun[] = [];
  const notes: string[] = [];
  const add = (run: ReadRun) => found.set(path.resolve(run.report.run), found.get(path.resolve(run.report.run)) ?? run);
  for (const place of places) {
    if (!isFolder(place) || statIfThere(path.join(place, CONFIG))) {
      add(await readRun(place));
      continue;
    }
    const inside = await findRuns(readRun, place);
    for (const run of inside.runs.sort(byAge)) add(run);
    unreadable.push(...inside.unreadable.map(({ run, error }) => ({ run, problem: error.message })));
    if (inside.runs.length === 0) throw inside.unreadable[0]?.error ?? new UserError(`There is no run in ${place}.`);
    if (isGroup(place)) {
      const plan = await readPlan(place);
      const missing = plan.filter(({ name }) => !statIfThere(path.join(place, name, CONFIG))).length;
      if (missing > 0) notes.push(`${missing} of the ${plan.length} runs of ${place} have not begun.`);
    }
  }
  return { found: [...found.values()], unreadable, notes };
}

function byAge({ report: a }: ReadRun, { report: b }: ReadRun): number {
  return Number(a.created > b.created) - Number(a.created < b.created);
}

/** The lowest folder that contains all runs. */
function commonFolder(runs: readonly string[]): string {
  const parents = runs.map((run) => path.dirname(path.resolve(run)));
  let common = parents[0];
  while (
    !parents.every((parent) =>
      `${parent}${path.sep}`.startsWith(common.endsWith(path.sep) ? common : common + path.sep),
    )
  ) {
    if (common === path.dirname(common)) break;
    common = path.dirname(common);
  }
  return common;
}

/** The settings with an effect on the numbers of a run. */
function effectiveSettings(config: Config): Values {
  const { tensorboard, ...settings } = encodeConfig(config);
  const entries = Object.entries(settings);
  return Object.fromEntries(entries.filter(([name]) => !unmetNeed(name as SettingName, config)));
}

/** Finds settings with several values. Where a setting has no effect, its default counts. */
function differingSettings(effective: readonly Values[]): SettingName[] {
  const defaults = encodeConfig(createConfig({}));
  const names = Object.keys(defaults) as SettingName[];
  return names.filter((name) => {
    const values = effective.map((of) => JSON.stringify(name in of ? of[name] : defaults[name]));
    return new Set(values).size > 1;
  });
}

function pick(values: Values, names: readonly SettingName[]): Values {
  return Object.fromEntries(names.filter((name) => name in values).map((name) => [name, values[name]]));
}

/** Everything but the seed that affects a run's numbers. Threads and device affect only the last bits. */
function repeatKey({ runConfig }: ReadRun, effective: Values): string {
  const { seed, threads, device, checkpointSeconds, dataset, inputDir, ...decisive } = effective;
  return JSON.stringify([decisive, runConfig.data.sha256, runConfig.parts ?? ""]);
}

function findRepeats(compared: readonly Compared[]): Repeats[] {
  const groups = new Map<string, Map<number, Compared>>();
  for (const run of compared) {
    const { state, best, config } = run.report;
    if (state !== "finished" || !best) continue;
    const group = groups.get(run.repeatKey) ?? new Map();
    // A second run of the same seed has the same numbers.
    groups.set(run.repeatKey, group.set(config.seed, group.get(config.seed) ?? run));
  }
  const repeats = [...groups.values()].map((group) => [...group.values()]);
  if (repeats.every(({ length }) => length === 1)) return [];
  return repeats.map((runs) => ({
    runs: runs.map(({ report }) => report.run),
    values: withoutSeed(runs[0].values),
    validation: spread(runs.flatMap(({ report }) => report.best?.validation ?? [])),
  }));
}

function withoutSeed({ seed, ...values }: Values): Values {
  return values;
}

/** Describes which numbers of the runs cannot be compared, and why: one sentence each. */
function describeIncomparable(found: readonly ReadRun[]): string[] {
  const distinct = (of: (run: ReadRun) => string) => [...new Set(found.map(of))];
  const pixels = distinct(({ report }) => describePixels(report.config));
  const digests = distinct(({ runConfig }) => runConfig.data.sha256);
  const objectives = distinct(({ report }) => objectiveName(report.config));
  const areBounds = distinct(({ report }) => String(hasBound(report.config)));
  const notes: string[] = [];
  if (pixels.length > 1) notes.push(`Numbers of different pixels cannot be compared: ${pixels.join("; ")}.`);
  else if (digests.length > 1) notes.push("The runs have different images, so their numbers cannot be compared.");
  if (areBounds.length > 1) notes.push("An autoencoder has no ELBO, so only its reconstruction can be compared.");
  else if (objectives.length > 1) {
    notes.push(`Different objectives cannot be compared (${objectives.join("; ")}), but the ELBO can.`);
  }
  const own = found.filter(({ runConfig }) => runConfig.parts === "own").map(({ report }) => report.run);
  if (own.length > 0) notes.push(`Some runs have the user's own parts, which no setting describes: ${own.join(", ")}.`);
  return notes;
}

const MAX_LABEL_LENGTH = 40;

async function drawCurves(compared: readonly Compared[]): Promise<string | undefined> {
  const drawn = compared.filter(({ epochs }) => epochs.length > 0);
  if (drawn.length === 0) return undefined;
  const configs = drawn.map(({ report }) => report.config);
  const pixels = new Set(configs.map(describePixels));
  const of = pixels.size === 1 ? `of ${[...pixels]}` : "of different pixels, which cannot be compared";
  const labels = labelsOf(drawn);
  const curves = drawn.map(({ epochs, report }, i) => ({
    label: labels[i],
    epochs: epochs.map(({ epoch, validation }) => ({
      epoch,
      terms: hasBound(report.config) ? validation : { ...validation, elbo: Number.NaN, kl: Number.NaN },
    })),
  }));
  return comparisonCurves(curves, panelsOf(configs), `Validation, nats per image ${of}`);
}

/** The panels of all runs, the objective first. */
function panelsOf(configs: readonly Config[]): ReturnType<typeof curveTitles> {
  const panels = new Map(configs.flatMap((config) => curveTitles(config)));
  const names = new Set(configs.map(objectiveName));
  if (panels.has("objective") && names.size > 1) panels.set("objective", "objective");
  const order = ["objective", "elbo", "reconstruction", "kl"];
  return [...panels].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
}

/**
 * Labels curves by the settings that differ or, if these are long, by the run's name. Repeats share a label, unless
 * there are only repeats.
 */
function labelsOf(drawn: readonly Compared[]): string[] {
  const kinds = new Set(drawn.map((run) => run.repeatKey)).size;
  const labels = new Map<string, string>();
  const used = new Set<string>();
  return drawn.map((run, i) => {
    const key = kinds > 1 ? run.repeatKey : String(i);
    const known = labels.get(key);
    if (known !== undefined) return known;
    const values = describeValues(kinds > 1 ? withoutSeed(run.values) : run.values);
    const short = values !== "" && values.length <= MAX_LABEL_LENGTH ? values : run.name;
    const label = used.has(short) ? `${short} (${i + 1})` : printable(short);
    labels.set(key, label);
    used.add(label);
    return label;
  });
}
