// The epochs of a run: joins the data, an engine, the training loop, the pictures and the files.
import type { Config } from "../config/config.js";
import type { Dataset } from "../data/dataset.js";
import { pixelsOf } from "../data/pixels.js";
import type { Engine } from "../engine/engine.js";
import { UserError } from "../errors.js";
import { evaluate } from "../inference/evaluation.js";
import type { Bounds } from "../model/elbo.js";
import type { HostParams } from "../model/parameters.js";
import { Vae } from "../model/vae.js";
import type { RunFolder } from "../run/folder.js";
import type { EpochReport } from "../run/reports.js";
import { bestOf, isDone } from "../run/reports.js";
import type { HostArray, Tree } from "../tree.js";
import { leaves } from "../tree.js";
import { stepsPerEpoch } from "./batches.js";
import type { Checkpoint } from "./checkpoint.js";
import { encodeCheckpoint } from "./checkpoint.js";
import type { Position, Progress, TrainingState } from "./loop.js";
import { DivergenceError, startOf, trainEpochs } from "./loop.js";
import { EpochPictures } from "./sinks/pictures.js";

/** What is known when training begins. */
export interface TrainingStart {
  /** The run's folder. */
  readonly run: string;
  readonly config: Config;
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  /** Image files that were left out, since they cannot be used. */
  readonly skipped: number;
  readonly parameters: number;
  /** Of an image. */
  readonly pixels: number;
  /** Why the engine is not the fastest one, if it was taken for want of better. */
  readonly shortfall?: string | undefined;
  /** Where it goes on, if it does not begin: the epoch, and the steps of it that were done; and whether nothing is left to do. */
  readonly resumed?: { readonly epoch: number; readonly step: number; readonly isFinished: boolean } | undefined;
}

export interface TrainingSummary {
  readonly run: string;
  readonly binarize: Config["binarize"];
  /** Epochs that were trained: fewer than asked if patience ended first. */
  readonly epochs: number;
  readonly bestEpoch: number;
  /** Of the best weights. */
  readonly validation: Bounds;
  /** Of the best weights, on the test images. */
  readonly test: Bounds;
  readonly seconds: number;
}

export interface TrainingHooks {
  readonly onStart?: (start: TrainingStart) => void;
  /** Called after every chunk of steps, twice a second or so. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called as the data's image files are decoded, which happens once. */
  readonly onDecoding?: ((done: number, count: number) => void) | undefined;
  /** Once aborted, the chunk of steps is finished, a checkpoint written, and the signal's reason thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** A training: an epoch's report after every epoch, and in the end a summary. */
export type Training = AsyncGenerator<EpochReport, TrainingSummary>;

/** A run that is open, at a checkpoint. */
export interface OpenRun {
  readonly folder: RunFolder;
  readonly config: Config;
  readonly data: Dataset;
  readonly engine: Engine;
  readonly shortfall?: string | undefined;
  readonly checkpoint: Checkpoint;
  /** When the command began, by `performance.now()`. */
  readonly started: number;
}

/** Trains a run from its checkpoint on, epoch by epoch. What stands in its folder is brought back to the checkpoint first. */
export async function* trainFrom(run: OpenRun, { onStart, onProgress, signal }: TrainingHooks): Training {
  const { folder, config, data, engine, shortfall, checkpoint, started } = run;
  const { height, width, channels } = data;
  const size = { height, width, channels };
  const vae = new Vae({ pixels: pixelsOf(size), ...config });
  const fitted = (params: HostParams) => ({ engine, vae, params, size });
  const reports = [...checkpoint.reports];
  let { best, state, position } = checkpoint;
  const pictures = new EpochPictures(folder, data, config, checkpoint.milestones);
  const seconds = () => checkpoint.seconds + (performance.now() - started) / 1000;
  const bestReport = () => bestOf(reports) as EpochReport;
  const perEpoch = stepsPerEpoch(data.train, config.batchSize);

  let saved = performance.now();
  const save = async () => {
    const step = (position.epoch - 1) * perEpoch + position.step;
    checkFinite(state, position);
    const { milestones } = pictures;
    const content = encodeCheckpoint({ state, position, reports, best, milestones, seconds: seconds() }, config);
    await folder.writeCheckpoint(step, content);
    saved = performance.now();
  };
  const saveIfDue = async () => {
    if (signal?.aborted || performance.now() - saved >= 1000 * config.checkpointSeconds) await save();
    signal?.throwIfAborted();
  };
  const keepBest = async () => {
    const { epoch, validation } = bestReport();
    await folder.writeModel(best as HostParams, {
      epoch: String(epoch),
      validation_objective: String(validation.objective),
    });
  };

  await folder.writeMetrics(reports);
  if (best) await keepBest();
  else await folder.deleteModel();
  const { params } = state;
  onStart?.({
    run: folder.dir,
    config,
    images: countImages(data),
    skipped: data.bad.length,
    parameters: countParameters(params as HostParams),
    pixels: pixelsOf(size),
    shortfall,
    resumed:
      position.epoch + position.step > 1
        ? { epoch: position.epoch, step: position.step, isFinished: isDone(reports, config) }
        : undefined,
  });

  try {
    const epochs = trainEpochs({
      engine,
      vae,
      config,
      images: data.train,
      size,
      state,
      position,
      validate: (params) => evaluate(fitted(params), data.validation, config),
      onProgress,
      onChunk: (...reached) => {
        [state, position] = reached;
        return saveIfDue();
      },
    });
    for await (const result of isDone(reports, config) ? [] : epochs) {
      const { state: reached, ...numbers } = result;
      [state, position] = [reached, startOf(result.epoch + 1)];
      checkFinite(state, position);
      const params = state.params as HostParams;
      const isBest = !best || result.validation.objective > bestReport().validation.objective;
      const report = { ...numbers, isBest, seconds: seconds() };
      reports.push(report);
      if (isBest) {
        best = params;
        await keepBest();
      }
      await folder.writeMetrics(reports);
      const isLast = isDone(reports, config);
      await pictures.write(fitted(params), reports, isLast);
      if (isLast) await save();
      else await saveIfDue();
      yield report;
      if (isLast) break;
    }
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    const kept = best
      ? `The weights of epoch ${bestReport().epoch} are kept in ${folder.dir}.`
      : `No epoch was finished: ${folder.dir} holds a checkpoint, but no model.`;
    throw explainDivergence(error, config, kept);
  }
  if (!best) throw new Error("Training ended without an epoch");
  signal?.throwIfAborted();
  const { epoch, validation } = bestReport();
  return {
    run: folder.dir,
    binarize: config.binarize,
    epochs: reports.length,
    bestEpoch: epoch,
    validation,
    test: await evaluate(fitted(best), data.test, config),
    seconds: position === checkpoint.position ? checkpoint.seconds : seconds(),
  };
}

/** @throws DivergenceError if a weight, or a moment of its gradients, is NaN or infinite: such numbers never reach the disk */
function checkFinite(state: TrainingState, { epoch, step }: Position): void {
  if (leaves(state as Tree<HostArray>).every(([, { data }]) => data.every(Number.isFinite))) return;
  throw step === 0 ? new DivergenceError(epoch - 1) : new DivergenceError(epoch, step);
}

function explainDivergence({ epoch, step }: DivergenceError, { learningRate }: Config, kept: string): UserError {
  const where = step === undefined ? "at the end of" : `in step ${step} of`;
  return new UserError(
    `The loss, the weights or their gradients became infinite or NaN ${where} epoch ${epoch}, so training stopped. ${kept} ` +
      `Try a smaller learningRate than ${learningRate}.`,
  );
}

function countParameters(params: HostParams): number {
  return Object.values(params).reduce((count, { data }) => count + data.length, 0);
}

export function countImages({ train, validation, test }: Dataset): TrainingStart["images"] {
  return { train: train.count, validation: validation.count, test: test.count };
}
