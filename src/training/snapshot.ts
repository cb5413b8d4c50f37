// The state of a training between two steps, from which it can be resumed.
import type { HostTree } from "../engine/engine.js";
import { mapTerms, type TermValues } from "../model/bounds.js";
import type { HostParams } from "../model/initialize.js";
import type { EpochReport } from "../run/reports.js";
import { type HostArray, leaves, mapTree } from "../tree.js";
import type { Carry } from "./step.js";

/** Weights and moments. */
export type TrainingState = HostTree<Carry, Float32Array>;

/** Where a training stands within an epoch: the number of finished steps, the terms of each, and their duration. */
export interface Position {
  readonly epoch: number;
  readonly step: number;
  readonly terms: TermValues<readonly number[]>;
  readonly milliseconds: number;
}

export interface Snapshot {
  readonly state: TrainingState;
  readonly position: Position;
  /** The finished epochs. */
  readonly reports: readonly EpochReport[];
  /** The weights of the best epoch. */
  readonly best?: HostParams | undefined;
  /** The duration of the training so far. */
  readonly seconds: number;
}

export function firstSnapshot(params: HostParams): Snapshot {
  const zeros = () =>
    mapTree(params, ({ data, shape }: HostArray<Float32Array>) => ({ data: new Float32Array(data.length), shape }));
  return { state: { params, adam: { m: zeros(), v: zeros() } }, position: startOf(1), reports: [], seconds: 0 };
}

export function startOf(epoch: number): Position {
  return { epoch, step: 0, terms: mapTerms(() => []), milliseconds: 0 };
}

/** A loss, weights or gradients that are NaN or infinite. */
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

/** Whether all weights and moments are finite. */
export function isFiniteState(state: TrainingState): boolean {
  return leaves(state).every(([, { data }]) => data.every(Number.isFinite));
}

/**
 * Keeps NaN and infinity off the disk.
 *
 * @throws DivergenceError if a weight, or a moment of its gradients, is not finite
 */
export function checkFinite({ state, position: { epoch, step } }: Snapshot): void {
  if (isFiniteState(state)) return;
  throw step === 0 ? new DivergenceError(epoch - 1) : new DivergenceError(epoch, step);
}
