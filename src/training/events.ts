// The events of a training.
import type { Config } from "../config/config.js";
import type { ImageShape } from "../data/pixels.js";
import type { Bounds } from "../model/bounds.js";
import type { EpochReport } from "../run/reports.js";
import type { Snapshot } from "./snapshot.js";

export interface TrainingStart {
  readonly type: "start";
  /** The run's folder. */
  readonly run: string;
  readonly config: Config;
  /** The preset that was chosen because it fits the data, if none was given. */
  readonly preset?: "photos" | undefined;
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  /** Unusable image files, which were left out. */
  readonly skipped: number;
  /** How the data were read, and what was ignored: one sentence each. */
  readonly notes: readonly string[];
  readonly parameters: number;
  readonly shape: ImageShape;
  /** Numbers of an image. */
  readonly pixels: number;
  /** K of a conditional model. */
  readonly classes?: number;
  /** Why the engine is not the fastest one, if a faster one does not run here. */
  readonly fallbackReason?: string | undefined;
  /** Those that train together, each with the threads of `config`. Absent if there is one. */
  readonly processes?: { readonly count: number; readonly hosts: number };
  /** Where a resumed training continues: the epoch, and its finished steps. `isFinished`: nothing is left to do. */
  readonly resumed?: { readonly epoch: number; readonly step: number; readonly isFinished: boolean } | undefined;
}

/** A chunk of steps is done: twice a second or so. */
export interface TrainingChunk {
  readonly type: "chunk";
  readonly epoch: number;
  /** Finished steps of this epoch, and all of them. */
  readonly step: number;
  readonly steps: number;
  /** Mean over the epoch's steps so far, with dropout and noise as in training. */
  readonly train: Bounds;
  readonly imagesPerSecond: number;
  /** Until the end of the run. */
  readonly secondsLeft: number;
}

export interface TrainingEpoch extends EpochReport {
  readonly type: "epoch";
}

export interface TrainingDone {
  readonly type: "done";
  readonly run: string;
  readonly binarize: Config["binarize"];
  /** Trained epochs: fewer than requested if patience ended the training. */
  readonly epochs: number;
  readonly bestEpoch: number;
  /** Of the best weights. */
  readonly validation: Bounds;
  readonly test: Bounds;
  readonly seconds: number;
}

export type TrainingEvent = TrainingStart | TrainingChunk | TrainingEpoch | TrainingDone;

/** Consumes events, each with the training's state after it. The training waits for it. */
export type Sink = (event: TrainingEvent, snapshot: Snapshot) => void | Promise<void>;
