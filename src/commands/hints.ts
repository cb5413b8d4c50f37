// One-line hints about causes of poor models.
import type { Config, LoadedModel, TrainingStart } from "../index.js";
import type { Io } from "./io.js";
import { plural } from "./output.js";
import { resumeCommand } from "./program.js";

/** With fewer weight updates, a model stays near its initial weights. */
const FEW_STEPS = 300;
/** The number of steps that hints advise. */
const ENOUGH_STEPS = 1000;

/** A hint if the training has too few steps. */
export function hintAtFewSteps({ config, images, resumed }: TrainingStart): string | undefined {
  const { batchSize, epochs } = config;
  const perEpoch = Math.floor(images.train / batchSize);
  if (resumed || perEpoch * epochs >= FEW_STEPS) return undefined;
  const total = plural(perEpoch * epochs, "step");
  const needed = Math.ceil(ENOUGH_STEPS / perEpoch);
  return `A training of ${total} is too short to learn much: try --epochs ${needed}.`;
}

/** A hint if the model's weights were trained for too few steps. */
export function hintAtEarlyWeights(io: Io, { folder, metadata }: LoadedModel): string | undefined {
  const { dir, config } = folder;
  const { batchSize, epochs } = config.settings;
  const perEpoch = Math.floor(config.data.train / batchSize);
  const steps = perEpoch * Number(metadata.epoch);
  if (!(steps < FEW_STEPS)) return undefined; // NaN if another program wrote the file without an epoch
  const needed = Math.max(epochs + 1, Math.ceil(ENOUGH_STEPS / perEpoch));
  const more = `${resumeCommand(io, dir)} --epochs ${needed}`;
  return `These weights have had only ${plural(steps, "step")} of training, so images are rough. Train longer: ${more}`;
}

/** The hint appears at this epoch if the objective has not improved on the first epoch. */
const PATIENCE = 3;

/** Returns a function that hints once if the objective does not improve. Resumed trainings get no hint. */
export function createHint({ learningRate }: Pick<Config, "learningRate">) {
  let first: number | undefined;
  let hasImproved = false;
  return (epoch: number, objective: number): string | undefined => {
    if (epoch === 1) first = objective;
    if (first === undefined || objective > first + 1e-3 * Math.abs(first)) hasImproved = true;
    if (hasImproved || epoch !== PATIENCE) return undefined;
    return `The objective has not improved since the first epoch: try another --learning-rate than ${learningRate}.`;
  };
}
