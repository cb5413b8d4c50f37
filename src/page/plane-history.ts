// The latent plane as it was after each epoch, of a run that trains while the page is open.
import { effect, type Signal, signal } from "@preact/signals";
import type { Latents } from "../explore/protocol.js";
import type { OpenModel } from "./model.js";
import { unpackFloats, unpackNumbers } from "./packed.js";
import { componentNames, type Plane, planeOfDimensions, projectAll } from "./plane.js";

/** Epochs kept, and points of each. */
const MAX_EPOCHS = 200;
const MAX_HISTORY_POINTS = 2000;

/** [N] each. */
export interface EpochPlane {
  readonly u: Float32Array;
  readonly v: Float32Array;
  readonly labels: ArrayLike<number> | undefined;
  /** Names of the axes. */
  readonly names: readonly string[];
}

/** By epoch, in ascending order. */
export type PlaneHistory = ReadonlyMap<number, EpochPlane>;

const histories = new WeakMap<OpenModel, Signal<PlaneHistory>>();

/** The planes of a model's weights, from those that it has at the first call on. */
export function planeHistoryOf(model: OpenModel): Signal<PlaneHistory> {
  const known = histories.get(model);
  if (known) return known;
  const history = signal<PlaneHistory>(new Map());
  histories.set(model, history);
  effect(() => {
    const latents = model.latents.value;
    const { epoch } = latents;
    const before = [...history.peek()].filter(([known]) => known < epoch);
    const plane = planeOf(latents, model.info.dimZ, before.at(-1)?.[1]);
    history.value = new Map([...before, [epoch, plane] as const].slice(-MAX_EPOCHS));
  });
  return history;
}

function planeOf({ means, labels, components }: Latents, dimZ: number, before: EpochPlane | undefined): EpochPlane {
  const values = unpackFloats(means).subarray(0, MAX_HISTORY_POINTS * dimZ);
  const axes = components && unpackFloats(components.axes);
  const plane: Plane =
    components && axes
      ? {
          origin: unpackFloats(components.origin),
          axes: [axes.subarray(0, dimZ), axes.subarray(dimZ)],
          names: componentNames(components.explained),
        }
      : planeOfDimensions(dimZ, dimZ === 1 ? [0] : [0, 1]);
  const { u, v } = projectAll(plane, values);
  const aligned = components !== undefined && before !== undefined;
  return {
    u: aligned ? align(u, before.u) : u,
    v: aligned ? align(v, before.v) : v,
    labels: labels && unpackNumbers(labels).slice(0, MAX_HISTORY_POINTS),
    names: plane.names,
  };
}

/** Mirrors a principal component, whose sign is arbitrary, if that brings the points nearer to those before. */
function align(values: Float32Array, before: Float32Array): Float32Array {
  const agreement = values.reduce((sum, value, i) => sum + value * (before[i] ?? 0), 0);
  return agreement < 0 ? values.map((value) => -value) : values;
}
