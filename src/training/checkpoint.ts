// Encodes and decodes checkpoints: snapshots of a training as tensor files.
import { type Config, createConfig, encodeConfig } from "../config/config.js";
import { UserError } from "../errors.js";
import type { TensorFile } from "../formats/safetensors.js";
import { mapTerms } from "../model/bounds.js";
import { type HostArray, leaves, mapTree } from "../tree.js";
import { printable } from "../wording.js";
import { BLOCK_IMAGES } from "./batches.js";
import type { PictureRow } from "./sinks/pictures.js";
import type { Position, Snapshot, TrainingState } from "./snapshot.js";

/** Raise it if the content of checkpoints changes, or the result of a step with the same settings. */
const FORMAT = 2;
/** In format 1, larger batches had other random numbers. */
const MAX_BATCH_OF_FORMAT_1 = BLOCK_IMAGES;

/** A snapshot of the training and of its pictures. */
export interface Checkpoint extends Snapshot {
  /** Rows of progress.png. */
  readonly rows: readonly PictureRow[];
}

/** Encodes a checkpoint as tensors, and metadata with its format and settings. */
export function encodeCheckpoint(checkpoint: Checkpoint, settings: Config): TensorFile {
  const { state, position, reports, best, rows, seconds } = checkpoint;
  const { epoch, step, milliseconds } = position;
  const vector = (numbers: ArrayLike<number>) => ({ data: Float32Array.from(numbers), shape: [numbers.length] });
  const tree = {
    ...state,
    best,
    terms: mapTerms((term) => vector(position.terms[term])),
    milestones: Object.fromEntries(rows.map(({ epoch, outputs }) => [`epoch-${epoch}`, vector(outputs)])),
  };
  const training = { epoch, step, milliseconds, reports, milestones: rows.map(({ epoch }) => epoch), seconds };
  const [encoded, progress] = [JSON.stringify(encodeConfig(settings)), JSON.stringify(training)];
  return {
    tensors: new Map(leaves<HostArray<Float32Array>>(tree)),
    metadata: { format: String(FORMAT), settings: encoded, training: progress },
  };
}

/**
 * Decodes a checkpoint, and checks that it belongs to this model and these settings.
 *
 * @param start the state of step 0, for names and shapes
 * @param file the path, for errors
 * @throws UserError if it has another format, other settings, or tensors that do not fit
 */
export function decodeCheckpoint(
  { tensors, metadata }: TensorFile,
  start: TrainingState,
  settings: Config,
  file: string,
): Checkpoint {
  const isReadable = metadata.format === "1" && settings.batchSize <= MAX_BATCH_OF_FORMAT_1;
  if (metadata.format !== String(FORMAT) && !isReadable) {
    const format = printable(String(JSON.stringify(metadata.format)));
    throw new UserError(
      `${file} has format ${format}, but this version of vae resumes from format ${FORMAT}. ` +
        "Use the version named in config.json.",
    );
  }
  const before = parse(metadata.settings);
  const changed = before && differingSetting(before, settings);
  if (changed) {
    throw new UserError(
      `The setting ${changed} in config.json differs from the one that ${file} was trained with. Restore it to resume.`,
    );
  }
  const training = parse(metadata.training);
  if (!before || !isTraining(training)) throw new UserError(`${file} is not a checkpoint of a training.`);
  const { epoch, step, milliseconds, reports, milestones, seconds } = training;
  const tensor = (name: string, shape?: readonly number[]): HostArray<Float32Array> => {
    const found = tensors.get(name);
    const isFit = found && (!shape || String(found.shape) === String(shape));
    if (!isFit) throw new UserError(`${file} does not belong to this run: ${name} is missing or has another shape.`);
    return found;
  };
  const numbers = (name: string) => [...tensor(name).data];
  return {
    state: mapTree(start, ({ shape }: HostArray<Float32Array>, name) => tensor(name, shape)),
    position: { epoch, step, milliseconds, terms: mapTerms((term) => numbers(`terms/${term}`)) },
    reports,
    ...(reports.length > 0 && {
      best: mapTree(start.params, ({ shape }: HostArray<Float32Array>, name) => tensor(`best/${name}`, shape)),
    }),
    rows: milestones.map((epoch) => ({ epoch, outputs: tensor(`milestones/epoch-${epoch}`).data })),
    seconds,
  };
}

type Json = Readonly<Record<string, unknown>>;
type Training = Omit<Position, "terms"> & Pick<Checkpoint, "reports" | "seconds"> & { milestones: readonly number[] };

function isTraining(value: Json | undefined): value is Json & Training {
  const { epoch, step, milliseconds, reports, milestones, seconds } = value ?? {};
  const isNumber = (number: unknown) => typeof number === "number";
  return (
    [epoch, step].every(Number.isSafeInteger) &&
    [milliseconds, seconds].every(isNumber) &&
    Array.isArray(milestones) &&
    milestones.every(Number.isSafeInteger) &&
    Array.isArray(reports) &&
    reports.every((report, i) => report?.epoch === i + 1 && isNumber(report.validation?.objective)) &&
    (reports.length === 0 || reports.some(({ isBest }) => isBest === true))
  );
}

/** Parses a JSON object. Undefined if it is none. */
function parse(json: string | undefined): Json | undefined {
  try {
    const value = JSON.parse(json ?? "");
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The settings that determine the weights after a number of steps, as JSON. Paths of the data are not among them,
 * because a digest identifies the data. Neither are threads and device, which change only the last bits.
 */
export function decisiveSettings(config: Config): Partial<Record<keyof Config, unknown>> {
  const { checkpointSeconds, tensorboard, threads, device, dataset, inputDir, epochs, ...decisive } =
    encodeConfig(config);
  return config.learningRateSchedule === "cosine" ? { ...decisive, epochs } : decisive;
}

/** Finds a decisive setting that differs. Settings missing from `before`, which is JSON, have their defaults. */
export function differingSetting(
  before: Readonly<Partial<Record<keyof Config, unknown>>>,
  now: Config,
): keyof Config | undefined {
  const then = { ...encodeConfig(createConfig({})), ...before };
  const decisive = decisiveSettings(now);
  const names = Object.keys(decisive) as (keyof Config)[];
  return names.find((name) => JSON.stringify(then[name]) !== JSON.stringify(decisive[name]));
}
