// What a training needs to go on, as a file of tensors.
import type { Config } from "../config/config.js";
import { createConfig, encodeConfig } from "../config/config.js";
import { UserError } from "../errors.js";
import type { TensorFile } from "../formats/safetensors.js";
import { TERMS } from "../model/elbo.js";
import type { HostParams } from "../model/parameters.js";
import type { EpochReport } from "../run/reports.js";
import type { HostArray, Tree } from "../tree.js";
import { leaves, mapTree } from "../tree.js";
import type { Position, TrainingState } from "./loop.js";
import type { Milestone } from "./sinks/pictures.js";

/** To be raised when what a checkpoint holds changes, or what a step of the same settings computes. */
const FORMAT = 1;

/** A training between two steps. */
export interface Checkpoint {
  readonly state: TrainingState;
  readonly position: Position;
  /** The finished epochs. */
  readonly reports: readonly EpochReport[];
  /** The weights of the best of them. */
  readonly best?: HostParams | undefined;
  readonly milestones: readonly Milestone[];
  /** That the training took so far. */
  readonly seconds: number;
}

export function encodeCheckpoint(checkpoint: Checkpoint, settings: Config): TensorFile {
  const { state, position, reports, best, milestones, seconds } = checkpoint;
  const { epoch, step, milliseconds } = position;
  const vector = (numbers: ArrayLike<number>) => ({ data: Float32Array.from(numbers), shape: [numbers.length] });
  const tree: Tree<HostArray<Float32Array>> = {
    ...(state as Tree<HostArray<Float32Array>>),
    best,
    terms: Object.fromEntries(TERMS.map((name) => [name, vector(position.terms[name])])),
    milestones: Object.fromEntries(milestones.map(({ epoch, outputs }) => [`epoch-${epoch}`, vector(outputs)])),
  };
  const training = { epoch, step, milliseconds, reports, milestones: milestones.map(({ epoch }) => epoch), seconds };
  return {
    tensors: new Map(leaves(tree)),
    metadata: {
      format: String(FORMAT),
      settings: JSON.stringify(encodeConfig(settings)),
      training: JSON.stringify(training),
    },
  };
}

/**
 * @param start the state of step 0: names and shapes
 * @param settings those of the run's config.json
 * @param file what to call the checkpoint in errors
 * @throws UserError if another version of vae wrote it, or it is not of these settings
 */
export function decodeCheckpoint(
  { tensors, metadata }: TensorFile,
  start: TrainingState,
  settings: Config,
  file: string,
): Checkpoint {
  if (metadata.format !== String(FORMAT)) {
    throw new UserError(
      `${file} is of format ${metadata.format}, and this vae goes on from format ${FORMAT}: use the version that config.json names.`,
    );
  }
  const before = parse(metadata.settings);
  const changed = before && differingSetting(before, settings);
  if (changed) {
    throw new UserError(
      `The settings in config.json are not those that ${file} was trained with: ${changed} differs. Set it back to go on.`,
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
  const state = mapTree(start as Tree<HostArray<Float32Array>>, ({ shape }, name) =>
    tensor(name, shape),
  ) as unknown as TrainingState;
  const numbers = (name: string) => [...tensor(name).data];
  const terms = {
    objective: numbers("terms/objective"),
    reconstruction: numbers("terms/reconstruction"),
    kl: numbers("terms/kl"),
  };
  return {
    state,
    position: { epoch, step, milliseconds, terms },
    reports,
    best:
      reports.length > 0
        ? (mapTree(start.params as Tree<HostArray>, ({ shape }, name) => tensor(`best/${name}`, shape)) as HostParams)
        : undefined,
    milestones: milestones.map((epoch) => ({ epoch, outputs: tensor(`milestones/epoch-${epoch}`).data })),
    seconds,
  };
}

interface Training extends Omit<Position, "terms">, Pick<Checkpoint, "reports" | "seconds"> {
  /** Their epochs. */
  readonly milestones: readonly number[];
}

function isTraining(
  value: Readonly<Record<string, unknown>> | undefined,
): value is Readonly<Record<string, unknown>> & Training {
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

/** @returns undefined for what is not the JSON of an object */
function parse(json: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(json ?? "");
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The name of a setting that is not the same in both, but for those that change nothing of what a step computes: where the data are (what
 * they are is known by their digest), the number of threads (which moves no more than the last bits), …
 *
 * @param before as JSON; what is missing there has its default
 */
export function differingSetting(
  before: Readonly<Partial<Record<keyof Config, unknown>>>,
  now: Config,
): keyof Config | undefined {
  const mayDiffer: (keyof Config)[] = ["checkpointSeconds", "threads", "dataset", "inputDir"];
  if (now.learningRateSchedule !== "cosine") mayDiffer.push("epochs");
  const then = { ...encodeConfig(createConfig({})), ...before };
  const wanted = encodeConfig(now);
  const names = Object.keys(wanted) as (keyof Config)[];
  return names.find((name) => !mayDiffer.includes(name) && JSON.stringify(then[name]) !== JSON.stringify(wanted[name]));
}
