// What a training reports while it runs.
import type { Config } from "../config/config.js";
import type { Bounds } from "../model/bounds.js";
import type { EpochReport } from "../run/reports.js";
import type { Snapshot } from "./snapshot.js";

/** The training is about to begin. */
export interface TrainingStart {
  readonly type: "start";
  /** The run's folder. */
  readonly run: string;
  readonly config: Config;
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  /** Image files that were left out, since they cannot be used. */
  readonly skipped: number;
  readonly parameters: number;
  /** Numbers of an image. */
  readonly pixels: number;
  /** Why the engine is not the fastest one, if a faster one does not run here. */
  readonly fallbackReason?: string | undefined;
  /** Where a resumed training continues: the epoch, the steps of it that are done, and whether nothing is left to do. */
  readonly resumed?: { readonly epoch: number; readonly step: number; readonly isFinished: boolean } | undefined;
}

/** A chunk of steps is done: twice a second or so. */
export interface TrainingChunk {
  readonly type: "chunk";
  readonly epoch: number;
  /** Steps done in this epoch, and all that it has. */
  readonly step: number;
  readonly steps: number;
  /** Mean over the epoch's steps so far, with dropout and noise as in training. */
  readonly train: Bounds;
  readonly imagesPerSecond: number;
  /** Until the end of the run. */
  readonly secondsLeft: number;
}

/** An epoch is done. */
export interface TrainingEpoch extends EpochReport {
  readonly type: "epoch";
}

/** The training is done. */
export interface TrainingDone {
  readonly type: "done";
  readonly run: string;
  readonly binarize: Config["binarize"];
  /** Epochs that were trained: fewer than asked for if patience ended the training. */
  readonly epochs: number;
  readonly bestEpoch: number;
  /** Of the best weights. */
  readonly validation: Bounds;
  /** Of the best weights, on the test images. */
  readonly test: Bounds;
  readonly seconds: number;
}

export type TrainingEvent = TrainingStart | TrainingChunk | TrainingEpoch | TrainingDone;

/** Consumes the events of a training, each with the training's state after it. The training waits for it. */
export type Sink = (event: TrainingEvent, snapshot: Snapshot) => void | Promise<void>;
