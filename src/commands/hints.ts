// Hints at what makes a model poor, a line each.
import type { Config, LoadedModel, TrainingStart } from "../index.js";
import type { Io } from "./io.js";
import { plural } from "./output.js";
import { resumeCommand } from "./program.js";

/** Fewer weight updates than this leave a model near its first weights. */
const FEW_STEPS = 300;
/** What hints advise instead. */
const ENOUGH_STEPS = 1000;

/** A hint at a training that is too short to learn much, or that has too few images. */
export function hintAtFewSteps({ config, images, resumed }: TrainingStart): string | undefined {
  const { batchSize, epochs } = config;
  const perEpoch = Math.floor(images.train / batchSize);
  if (resumed || perEpoch * epochs >= FEW_STEPS) return undefined;
  const total = plural(perEpoch * epochs, "step");
  const needed = Math.ceil(ENOUGH_STEPS / perEpoch);
  return `${total} in all are few for a model to learn from: try --epochs ${needed}.`;
}

/** A hint at samples of weights that were hardly trained. */
export function hintAtEarlyWeights(io: Io, { folder, metadata }: LoadedModel): string | undefined {
  const { dir, config } = folder;
  const { batchSize, epochs } = config.settings;
  const perEpoch = Math.floor(config.data.train / batchSize);
  const steps = perEpoch * Number(metadata.epoch);
  if (!(steps < FEW_STEPS)) return undefined; // also if a file of another program says no epoch
  const needed = Math.max(epochs + 1, Math.ceil(ENOUGH_STEPS / perEpoch));
  const more = `${resumeCommand(io, dir)} --epochs ${needed}`;
  return `These weights have seen ${plural(steps, "step")} of training, so images are rough: train on by ${more}`;
}

/** An objective that has not grown since the first epoch by this epoch does not improve. */
const PATIENCE = 3;

/** Gives a hint, once, at a training objective that does not improve; none in a resumed training. */
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
