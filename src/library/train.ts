// Trains a model into a run folder: joins the data, an engine, the training loop, the pictures and the files.
import path from "node:path";
import type { Config, GivenSettings } from "../config.js";
import { createConfig } from "../config.js";
import { meanImage } from "../data/binarize.js";
import { loadDataset } from "../data/dataset.js";
import { openEngine } from "../engine/index.js";
import { UserError } from "../errors.js";
import { evaluate } from "../evaluation.js";
import type { Bounds } from "../model/elbo.js";
import type { HostParams } from "../model/parameters.js";
import { initialParameters } from "../model/parameters.js";
import { Vae } from "../model/vae.js";
import { RunFolder } from "../run/folder.js";
import { stepsPerEpoch } from "../training/batches.js";
import type { Progress, TrainingState } from "../training/loop.js";
import { DivergenceError, initialState, trainEpochs } from "../training/loop.js";
import type { HostArray, Tree } from "../tree.js";
import { leaves } from "../tree.js";
import { VERSION } from "../version.js";
import { EpochPictures } from "./epoch-pictures.js";

/** What is known when training begins. */
export interface TrainingStart {
  /** The run's folder. */
  readonly run: string;
  readonly config: Config;
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  readonly parameters: number;
  /** Why the engine is not the fastest one, if it was taken for want of better. */
  readonly shortfall?: string | undefined;
}

/** A finished epoch. */
export interface EpochReport {
  readonly epoch: number;
  /** Mean over the epoch's batches, with dropout and noise as in training. */
  readonly train: Bounds;
  readonly validation: Bounds;
  /** Whether the weights are the best so far by the validation objective. Only then are they kept as the model. */
  readonly isBest: boolean;
  readonly imagesPerSecond: number;
  /** Since the training began. */
  readonly seconds: number;
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

export interface TrainOptions {
  /** The folder to make for the run. */
  readonly run?: string | undefined;
  readonly onStart?: (start: TrainingStart) => void;
  /** Called after every chunk of steps, several times a second. */
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Trains a model into a new run folder, epoch by epoch.
 *
 * @param settings those that differ from the defaults
 * @throws UserError if a setting or the data is not what it should be, the folder exists, or the loss diverges
 */
export async function* train(
  settings: GivenSettings,
  { run, onStart, onProgress }: TrainOptions = {},
): AsyncGenerator<EpochReport, TrainingSummary> {
  const started = performance.now();
  const requested = createConfig(settings);
  const data = await loadDataset(requested.dataset);
  if (stepsPerEpoch(data.train, requested.batchSize) === 0) {
    throw new UserError(
      `A batch of ${requested.batchSize} is more than the ${data.train.count} training images. Give a smaller --batch-size.`,
    );
  }
  const { engine, shortfall } = await openEngine(requested.engine, requested.threads);
  try {
    const config: Config = {
      ...requested,
      dataset: requested.dataset === "mnist" ? "mnist" : path.resolve(requested.dataset),
      engine: engine.name,
      threads: engine.threads,
    };
    const size = { height: data.height, width: data.width };
    const architecture = { pixels: size.height * size.width, ...config };
    const mean = config.outputBias === "mean" ? meanImage(data.train, architecture.pixels, config.binarize) : undefined;
    const vae = new Vae(architecture);
    const state = initialState(initialParameters(architecture, config.seed, mean));
    const images = { train: data.train.count, validation: data.validation.count, test: data.test.count };
    const folder = await RunFolder.create(
      {
        version: VERSION,
        created: new Date().toISOString(),
        settings: config,
        data: { name: data.name, ...size, ...images },
      },
      run,
    );
    await writeCheckpoint(folder, state, 0);
    onStart?.({ run: folder.dir, config, images, parameters: countParameters(state.params as HostParams), shortfall });

    const fitted = (params: HostParams) => ({ engine, vae, params, size });
    const pictures = new EpochPictures(folder, data, config);
    let best: { epoch: number; validation: Bounds; params: HostParams } | undefined;
    let lastEpoch = 0;
    try {
      const epochs = trainEpochs({
        engine,
        vae,
        config,
        images: data.train,
        size,
        state,
        validate: (params) => evaluate(fitted(params), data.validation, config),
        onProgress,
      });
      for await (const { state, ...result } of epochs) {
        const params = state.params as HostParams;
        const isBest = !best || result.validation.objective > best.validation.objective;
        if (isBest) {
          best = { epoch: result.epoch, validation: result.validation, params };
          await folder.writeModel(params, {
            epoch: String(result.epoch),
            validation_objective: String(result.validation.objective),
          });
        }
        const report = { ...result, isBest, seconds: secondsSince(started) };
        await folder.addMetrics(report);
        lastEpoch = result.epoch;
        const isOutOfPatience = config.patience > 0 && best !== undefined && lastEpoch - best.epoch >= config.patience;
        await pictures.write(fitted(params), report, isOutOfPatience || lastEpoch === config.epochs);
        await writeCheckpoint(folder, state, lastEpoch);
        yield report;
        if (isOutOfPatience) break;
      }
    } catch (error) {
      if (!(error instanceof DivergenceError)) throw error;
      const kept = best
        ? `The weights of epoch ${best.epoch} are kept in ${folder.dir}.`
        : `No epoch was finished: ${folder.dir} holds the first weights as a checkpoint, but no model.`;
      throw explainDivergence(error, config, kept);
    }
    if (!best) throw new Error("Training ended without an epoch");
    return {
      run: folder.dir,
      binarize: config.binarize,
      epochs: lastEpoch,
      bestEpoch: best.epoch,
      validation: best.validation,
      test: await evaluate(fitted(best.params), data.test, config),
      seconds: secondsSince(started),
    };
  } finally {
    await engine.close();
  }
}

/** All that the training needs to go on. */
async function writeCheckpoint(folder: RunFolder, state: TrainingState, epoch: number): Promise<void> {
  const tensors = new Map(leaves(state as Tree<HostArray<Float32Array>>));
  await folder.writeCheckpoint({ tensors, metadata: { epoch: String(epoch) } });
}

function explainDivergence({ epoch, step }: DivergenceError, { learningRate }: Config, kept: string): UserError {
  return new UserError(
    `The loss became infinite or NaN in step ${step} of epoch ${epoch}, so training stopped. ${kept} ` +
      `Try a smaller --learning-rate than ${learningRate}.`,
  );
}

function countParameters(params: HostParams): number {
  return Object.values(params).reduce((count, { data }) => count + data.length, 0);
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
