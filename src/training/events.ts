// The events that a training yields.
import type { Config } from "../config/config.js";
import type { ImageShape } from "../data/pixels.js";
import type { Bounds } from "../model/bounds.js";
import type { EpochReport } from "../run/reports.js";
import type { Snapshot } from "./snapshot.js";

/** Yielded first. */
export interface TrainingStart {
  readonly type: "start";
  /** The run's folder. */
  readonly run: string;
  readonly config: Config;
  /** The preset chosen by the data, if none was given. */
  readonly preset?: "photos" | undefined;
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  /** The number of unusable image files, which are skipped. */
  readonly skipped: number;
  /** Sentences on how the data were read, and on what was ignored. */
  readonly notes: readonly string[];
  /** The number of weights, counted as scalars. */
  readonly parameters: number;
  readonly shape: ImageShape;
  /** Height · width · channels. */
  readonly pixels: number;
  /** K of a conditional model. */
  readonly classes?: number;
  /** Why `engine: auto` did not choose a faster engine. */
  readonly fallbackReason?: string | undefined;
  /** The processes that train together, each with the threads of `config`. Absent if there is only one. */
  readonly processes?: { readonly count: number; readonly hosts: number };
  /** Position of a resumed training: the epoch and its finished steps. `isFinished`: no epoch is left. */
  readonly resumed?: { readonly epoch: number; readonly step: number; readonly isFinished: boolean } | undefined;
}

/** Yielded after a chunk of steps, about twice a second. */
export interface TrainingChunk {
  readonly type: "chunk";
  readonly epoch: number;
  /** Finished steps of this epoch. */
  readonly step: number;
  /** Steps of an epoch. */
  readonly steps: number;
  /** The mean over the epoch's steps so far, with dropout and noise. */
  readonly train: Bounds;
  readonly imagesPerSecond: number;
  /** Estimate until the end of the run. */
  readonly secondsLeft: number;
}

/** Yielded after each epoch. */
export interface TrainingEpoch extends EpochReport {
  readonly type: "epoch";
}

/** Yielded last. Bounds are in nats per image. */
export interface TrainingDone {
  readonly type: "done";
  readonly run: string;
  readonly binarize: Config["binarize"];
  /** Trained epochs: fewer than requested if the training stopped early (`patience`). */
  readonly epochs: number;
  readonly bestEpoch: number;
  /** With the best weights. */
  readonly validation: Bounds;
  readonly test: Bounds;
  readonly seconds: number;
}

export type TrainingEvent = TrainingStart | TrainingChunk | TrainingEpoch | TrainingDone;

/** Consumes events, each with the training's snapshot after it. The training awaits the result. */
export type Sink = (event: TrainingEvent, snapshot: Snapshot) => void | Promise<void>;
