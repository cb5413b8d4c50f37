// A snapshot of a training as a file of tensors.
import { type Config, createConfig, encodeConfig } from "../config/config.js";
import { UserError } from "../errors.js";
import type { TensorFile } from "../formats/safetensors.js";
import { mapTerms } from "../model/bounds.js";
import { type HostArray, leaves, mapTree } from "../tree.js";
import { printable } from "../wording.js";
import { BLOCK_IMAGES } from "./batches.js";
import type { PictureRow } from "./sinks/pictures.js";
import type { Position, Snapshot, TrainingState } from "./snapshot.js";

/** Raise it when the contents of checkpoints change, or the result of a step of the same settings. */
const FORMAT = 2;
/** Format 1 had other random numbers in larger batches. */
const MAX_BATCH_OF_FORMAT_1 = BLOCK_IMAGES;

/** A snapshot, and the state of the pictures. */
export interface Checkpoint extends Snapshot {
  /** Rows of progress.png. */
  readonly rows: readonly PictureRow[];
}

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
 * @param start the state of step 0: names and shapes
 * @param file names the checkpoint in errors
 * @throws UserError if another version of vae wrote it, or its settings differ
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
      `${file} is of format ${format}, and this vae resumes from format ${FORMAT}. Use the version that config.json names.`,
    );
  }
  const before = parse(metadata.settings);
  const changed = before && differingSetting(before, settings);
  if (changed) {
    throw new UserError(
      `The settings in config.json are not those that ${file} was trained with: ${changed} differs. ` +
        "Set it back to resume.",
    );
  }
  const training = parse(metadata.training);
  if (!before || !isTraining(training)) throw new UserError(`${file} is not a checkpoint of a training.`);
  const { epoch, step, milliseconds, reports, milestones, seconds } = training;
  const tensor = (name: string, shape?: readonly number[]): HostArray<Float32Array> => {
    const found = tensors.get(name);
    const isFit = found && (!shape || String(found.shape) === String(shape));
    if (!isFit) throw new UserError(`${file} has no ${name} that fits, so it is not of this run.`);
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

/** Undefined unless it is the JSON of an object. */
function parse(json: string | undefined): Json | undefined {
  try {
    const value = JSON.parse(json ?? "");
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The settings that decide the weights after a number of steps, as JSON. The places of the data do not, since a digest
 * checks their content; the number of threads changes the last bits only.
 */
export function decisiveSettings(config: Config): Partial<Record<keyof Config, unknown>> {
  const { checkpointSeconds, threads, dataset, inputDir, epochs, ...decisive } = encodeConfig(config);
  return config.learningRateSchedule === "cosine" ? { ...decisive, epochs } : decisive;
}

/** Finds a decisive setting that differs. Settings missing in `before`, which is JSON, have their defaults. */
export function differingSetting(
  before: Readonly<Partial<Record<keyof Config, unknown>>>,
  now: Config,
): keyof Config | undefined {
  const then = { ...encodeConfig(createConfig({})), ...before };
  const wanted = decisiveSettings(now);
  const names = Object.keys(wanted) as (keyof Config)[];
  return names.find((name) => JSON.stringify(then[name]) !== JSON.stringify(wanted[name]));
}
