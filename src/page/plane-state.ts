// The state of the Plane view, kept while other views are shown: the plane, the visible area, and the selected image.
import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Inference } from "../explore/protocol.js";
import { othersOfSameImages } from "./followed.js";
import type { OpenModel } from "./model.js";
import { unpackFloats, unpackNumbers } from "./packed.js";
import { type Area, componentNames, type Plane, planeOfDimensions, projectAll, withSignsOf } from "./plane.js";
import { ShownClasses } from "./shown-classes.js";
import type { Size, Viewport } from "./viewport.js";

/** Latent dimensions of the axes, or the plane of the first two principal components. */
export type Axes = "components" | readonly number[];

export interface PlaneState {
  readonly axes: Signal<Axes>;
  readonly plane: ReadonlySignal<Plane>;
  /** [N, Z]: posterior means of the test images. */
  readonly means: ReadonlySignal<Float32Array>;
  readonly points: ReadonlySignal<{ readonly u: Float32Array; readonly v: Float32Array }>;
  readonly labels: ReadonlySignal<ArrayLike<number> | undefined>;
  readonly viewport: Signal<Viewport | undefined>;
  readonly visible: Signal<{ readonly area: Area; readonly size: Size } | undefined>;
  readonly classes: ShownClasses;
  readonly showsManifold: Signal<boolean>;
  /** Whether the selected image is encoded with the noise of the training. */
  readonly isNoisy: Signal<boolean>;
  /** What the model infers from a test image: the selected one, or the last one until the next arrives. */
  readonly inferred: Signal<{ readonly index: number; readonly result: Inference } | undefined>;
  /** What the model infers from the selected image, if known. */
  readonly inference: ReadonlySignal<Inference | undefined>;
  /** Ends of the path: latent vectors [Z]. */
  readonly ends: Signal<readonly [from: Float32Array | undefined, to: Float32Array | undefined]>;
}

const states = new WeakMap<OpenModel, PlaneState>();

/** The state of a model, created at the first call. */
export function planeStateOf(model: OpenModel): PlaneState {
  const known = states.get(model) ?? createState(model);
  states.set(model, known);
  return known;
}

function createState(model: OpenModel): PlaneState {
  const { dimZ } = model.info;
  const { latents } = model;
  const axes = signal<Axes>(dimZ > 2 && latents.value.components ? "components" : firstAxes(model));
  const means = computed(() => unpackFloats(latents.value.means));
  const components = componentsOf(model);
  const plane = computed(() => (axes.value === "components" ? components.value : planeOfDimensions(dimZ, axes.value)));
  const inferred: PlaneState["inferred"] = signal(undefined);
  const state: PlaneState = {
    axes,
    plane,
    means,
    points: computed(() => projectAll(plane.value, means.value)),
    labels: computed(() => latents.value.labels && unpackNumbers(latents.value.labels)),
    viewport: signal(undefined),
    visible: signal(undefined),
    classes: new ShownClasses(),
    showsManifold: signal(false),
    isNoisy: signal(false),
    inferred,
    inference: computed(() => {
      const { index, result } = inferred.value ?? {};
      return index === model.selected.value ? result : undefined;
    }),
    ends: signal([undefined, undefined]),
  };
  effect(() => infer(model, state));
  return state;
}

/** The two most informative dimensions. */
function firstAxes({ order }: OpenModel): number[] {
  return order.value.slice(0, 2).sort((a, b) => a - b);
}

/** The plane of the principal components, with the signs that it had before new weights. */
function componentsOf({ info, latents }: OpenModel): ReadonlySignal<Plane> {
  let last: Plane | undefined;
  return computed(() => {
    const { components } = latents.value;
    if (!components) return planeOfDimensions(info.dimZ, [0, 1]);
    const both = unpackFloats(components.axes);
    const plane = {
      origin: unpackFloats(components.origin),
      axes: [both.subarray(0, info.dimZ), both.subarray(info.dimZ)],
      names: componentNames(components.explained),
    };
    last = last ? withSignsOf(plane, last) : plane;
    return last;
  });
}

/** Infers from the selected image, again if it, its noise or the weights change. */
function infer(model: OpenModel, { isNoisy, inferred, means }: PlaneState): void {
  const index = model.selected.value;
  model.epoch.value;
  const noise = isNoisy.value ? model.info.noise?.strength : undefined;
  if (index === undefined) return;
  const isStale = () => model.selected.peek() !== index || isNoisy.peek() !== (noise !== undefined);
  inferTest(model, index, noise).then(
    (result) => {
      if (isStale()) return;
      inferred.value = { index, result };
      const isPoint = index < means.peek().length / model.info.dimZ;
      if (!isPoint) model.z.value = unpackFloats(result.mean);
    },
    () => {
      if (!isStale()) inferred.value = undefined; // the shell shows the problem
    },
  );
}

async function inferTest(model: OpenModel, index: number, noise: number | undefined): Promise<Inference> {
  const clean = await model.call("inferTest", { index });
  if (noise === undefined) return clean;
  const { original: image, label } = clean;
  const given = { image, noise, ...(model.info.classes && label !== undefined && { class: label }) };
  const noisy = await model.call("infer", given);
  return { ...noisy, ...(label !== undefined && { label }) };
}

/** Selects a test image in a model, and in the model that it is compared with, if that has the same test images. */
export function selectInAll(model: OpenModel, index: number): void {
  for (const each of [model, ...othersOfSameImages(model)]) select(each, index);
}

/** Selects a test image: z becomes its posterior mean, and a conditional model decodes as its class. */
function select(model: OpenModel, index: number): void {
  const { means, labels } = planeStateOf(model);
  const { dimZ, classes } = model.info;
  model.selected.value = index;
  if ((index + 1) * dimZ > means.value.length) return;
  model.z.value = means.value.slice(index * dimZ, (index + 1) * dimZ);
  const name = model.latents.value.classes?.[labels.value?.[index] ?? -1];
  if (name !== undefined && classes?.includes(name)) model.chosenClass.value = name;
}
