// The events of a run for TensorBoard: numbers, pictures and latents by epoch, settings, and the test. The step of an
// event is its epoch.
import { type Config, encodeConfig, unmetNeed } from "../config/config.js";
import { describeSetting } from "../config/entries.js";
import { hasBound, objectiveTitle } from "../config/names.js";
import type { SettingName } from "../config/settings.js";
import {
  type EncodedImage,
  encodeRecord,
  encodeSessionEnd,
  encodeSessionStart,
  encodeValues,
  encodeVersion,
  parseRecords,
  summarizeEvent,
  type TaggedValue,
} from "../formats/tensorboard.js";
import type { Bounds } from "../model/bounds.js";
import { pngSize } from "../pictures/png.js";
import type { RunConfig } from "../run/config.js";
import type { EventFolder } from "../run/event-folder.js";
import type { RunFolder } from "../run/folder.js";
import { changedSettings } from "../run/list.js";
import { pictureEpoch } from "../run/pictures.js";
import type { EpochReport } from "../run/reports.js";

/** Settings that the table of hyperparameters always has. It has others if they differ from the defaults. */
const ESSENTIALS: readonly SettingName[] = [
  ...(["model", "network", "objective", "dimZ", "beta"] as const),
  ...(["epochs", "batchSize", "learningRate", "seed"] as const),
];
/** Not hyperparameters. `dataset` is a path; the table has the name of the data. */
const EXCLUDED: readonly SettingName[] = ["dataset", "inputDir", "checkpointSeconds", "tensorboard"];
/** Pictures of the inputs, which are the same in all epochs. */
const FIXED_PICTURES = ["inputs", "inputs-noisy", "targets"];
const EPOCH_PICTURES = ["reconstructions", "samples", "manifold"];
/** Maximum number of latent dimensions with a histogram of their own. */
const MAX_DIMENSIONS = 16;

/** Latents of an epoch's weights: count × Z. */
export interface EpochLatents {
  readonly epoch: number;
  readonly means: Float32Array;
  readonly dimZ: number;
}

/**
 * Yields the records of a new event file. Keeps the finished epochs' records of the earlier file, and encodes the
 * missing ones. Of these, only the epoch of `latents` gets histograms.
 *
 * @param reports of all finished epochs
 */
export async function* restoreEvents(
  run: RunFolder,
  before: EventFolder,
  reports: readonly EpochReport[],
  latents?: EpochLatents,
): AsyncGenerator<Uint8Array, void> {
  const { config } = run;
  const startTime = timeAfter(undefined, config);
  yield encodeVersion(startTime, writerOf(config));
  yield encodeSessionStart(startTime, hyperparameters(config));
  let last = 0;
  const restoreUntil = async function* (end: number) {
    for (const report of reports.slice(last, end)) yield encodeEpoch(run, report, timeAfter(report, config), latents);
  };
  for await (const { epoch, record } of readEpochs(before, config)) {
    if (epoch <= last || epoch > reports.length) continue;
    yield* restoreUntil(epoch - 1);
    yield record;
    last = epoch;
  }
  yield* restoreUntil(reports.length);
}

/** The time after an epoch, without interruptions, or the start. Some reports of older versions have no `seconds`. */
export function timeAfter(report: EpochReport | undefined, { created }: RunConfig): number {
  const seconds = Number.isFinite(report?.seconds) ? Number(report?.seconds) : 0;
  return Date.parse(created) / 1000 + seconds;
}

/** Yields the records of epochs in an earlier event file of the same run. */
async function* readEpochs(folder: EventFolder, config: RunConfig) {
  let isOwn = false;
  for await (const content of folder.read(parseRecords)) {
    const event = summarizeEvent(content);
    if (event?.writer !== undefined) isOwn = event.writer === writerOf(config);
    if (!event || !isOwn) return;
    const isEpoch = event.tags.some((tag) => tag.endsWith(TRAINING));
    if (isEpoch) yield { epoch: event.step, record: encodeRecord(content) };
  }
}

/** Names the run in its event file: equal ids mean equal numbers. */
function writerOf({ id = "" }: RunConfig): string {
  return `vae ${id}`.trimEnd();
}

const TRAINING = "/train";

/** The record of an epoch. Its pictures must have been written. */
export async function encodeEpoch(
  run: RunFolder,
  { epoch, train, validation, imagesPerSecond }: EpochReport,
  wallTime: number,
  latents?: EpochLatents,
): Promise<Uint8Array> {
  const { settings } = run.config;
  return encodeValues(wallTime, epoch, [
    ...losses(train, settings, TRAINING),
    ...losses(validation, settings, "/validation"),
    ...finite([{ tag: "speed/images per second", scalar: imagesPerSecond }]),
    ...(await readPictures(run, epoch)),
    ...(latents?.epoch === epoch ? histograms(latents) : []),
  ]);
}

/** The records after the last epoch: the test of the best epoch's weights, and the end. */
export function encodeTest(epoch: number, test: Bounds, { settings }: RunConfig, wallTime: number): Uint8Array[] {
  return [encodeValues(wallTime, epoch, losses(test, settings, "/test")), encodeSessionEnd(wallTime)];
}

/** The terms with the names and signs of the terminal's, in ASCII. */
function losses(bounds: Partial<Bounds> | undefined, config: Config, ending: string): TaggedValue[] {
  const { objective, elbo, reconstruction, kl } = { ...bounds };
  const title = objectiveTitle(config).replace("−", "-");
  const ofBound = { "-ELBO": negative(elbo), reconstruction, KL: kl };
  const terms = { [title]: negative(objective), ...(hasBound(config) && ofBound) };
  return finite(Object.entries(terms).map(([name, scalar]) => ({ tag: `loss/${name}${ending}`, scalar })));
}

function negative(value: number | undefined): number | undefined {
  return typeof value === "number" ? -value : undefined;
}

/** Keeps the values that are finite as float32, the type of events. */
function finite(values: readonly { readonly tag: string; readonly scalar: number | undefined }[]): TaggedValue[] {
  const isFloat32 = (value: unknown): value is number =>
    typeof value === "number" && Number.isFinite(Math.fround(value));
  return values.flatMap(({ tag, scalar }) => (isFloat32(scalar) ? { tag, scalar } : []));
}

async function readPictures(run: RunFolder, epoch: number): Promise<TaggedValue[]> {
  const files = await Promise.all([
    ...(epoch === 1 ? FIXED_PICTURES : []).map(async (kind) => ({ kind, png: await run.readPicture(`${kind}.png`) })),
    ...EPOCH_PICTURES.map(async (kind) => ({ kind, png: await readEpochPicture(run, kind, epoch) })),
  ]);
  return files.flatMap(({ kind, png }) => {
    const image = png && withSize(png);
    return image ? { tag: `pictures/${kind}`, image } : [];
  });
}

async function readEpochPicture(run: RunFolder, kind: string, epoch: number): Promise<Uint8Array | undefined> {
  const name = (await run.listPictures(kind)).find((name) => pictureEpoch(name) === epoch);
  return name === undefined ? undefined : run.readPicture(name);
}

function withSize(png: Uint8Array): EncodedImage | undefined {
  const size = pngSize(png);
  return size && { ...size, png };
}

/** Histograms of posterior means: of all dimensions together, and of each of the first ones. */
function histograms({ means, dimZ }: EpochLatents): TaggedValue[] {
  const dimensions = Array.from({ length: dimZ > 1 ? Math.min(dimZ, MAX_DIMENSIONS) : 0 }, (_, j) => j);
  return [
    { tag: "latents/means", histogram: means },
    ...dimensions.map((j) => ({ tag: `latents/z${j + 1}`, histogram: means.filter((_, i) => i % dimZ === j) })),
  ];
}

/** Settings with an effect, by name: the essential and the changed ones. */
function hyperparameters({ settings, data }: RunConfig): Record<string, number | string | boolean> {
  const encoded = encodeConfig(settings);
  const changed = Object.keys(changedSettings(settings)) as SettingName[];
  const names = [...new Set([...ESSENTIALS, ...changed])].filter(
    (name) => !EXCLUDED.includes(name) && !unmetNeed(name, settings),
  );
  const entries = names.map((name) => {
    const value = encoded[name];
    return [name, typeof value === "number" || typeof value === "boolean" ? value : describeSetting(value)];
  });
  return { dataset: data.name, ...Object.fromEntries(entries) };
}
