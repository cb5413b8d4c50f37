// The state of a training between two steps: a valid resume point.
import type { HostTree } from "../engine/engine.js";
import { mapTerms, type TermValues } from "../model/bounds.js";
import type { HostParams } from "../model/initialize.js";
import type { EpochReport } from "../run/reports.js";
import { type HostArray, leaves, mapTree } from "../tree.js";
import type { Carry } from "./step.js";

/** Weights, and Adam's moments. */
export type TrainingState = HostTree<Carry, Float32Array>;

/** The position of a training in its epoch. */
export interface Position {
  /** Counted from 1. */
  readonly epoch: number;
  /** Finished steps of the epoch. */
  readonly step: number;
  /** Of each finished step: the batch's means, in nats per image. */
  readonly terms: TermValues<readonly number[]>;
  /** Duration of the finished steps. */
  readonly milliseconds: number;
}

/** All state that a training resumes from. */
export interface Snapshot {
  readonly state: TrainingState;
  readonly position: Position;
  /** Of all finished epochs. */
  readonly reports: readonly EpochReport[];
  /** The weights of the best epoch. */
  readonly best?: HostParams | undefined;
  /** Duration of the training so far. */
  readonly seconds: number;
}

/** The snapshot before the first step, with zero moments. */
export function firstSnapshot(params: HostParams): Snapshot {
  const zeros = () =>
    mapTree(params, ({ data, shape }: HostArray<Float32Array>) => ({ data: new Float32Array(data.length), shape }));
  return { state: { params, adam: { m: zeros(), v: zeros() } }, position: startOf(1), reports: [], seconds: 0 };
}

/** The position before an epoch's first step. */
export function startOf(epoch: number): Position {
  return { epoch, step: 0, terms: mapTerms(() => []), milliseconds: 0 };
}

/** The loss, weights or gradients are NaN or infinite. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";
  constructor(
    readonly epoch: number,
    /** Undefined at the end of the epoch. */
    readonly step?: number,
  ) {
    super("The loss, the weights or their gradients are not finite");
  }
}

/** Whether all weights and Adam's moments are finite. */
export function isFiniteState(state: TrainingState): boolean {
  return leaves(state).every(([, { data }]) => data.every(Number.isFinite));
}

/**
 * Guards checkpoints against NaN and infinity.
 *
 * @throws DivergenceError if a weight or a moment is not finite
 */
export function checkFinite({ state, position: { epoch, step } }: Snapshot): void {
  if (isFiniteState(state)) return;
  throw step === 0 ? new DivergenceError(epoch - 1) : new DivergenceError(epoch, step);
}
