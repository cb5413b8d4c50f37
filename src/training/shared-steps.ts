// Data parallelism: each process computes the gradients of its share of the batch, and updates its slice of the weights
// (the optimizer is partitioned as in ZeRO, Rajbhandari et al. 2020). Equivalent to training in one process, up to
// rounding.
import { setImmediate } from "node:timers/promises";
import type { Share } from "../distributed/processes.js";
import { mapTerms, TERMS, type TermValues } from "../model/bounds.js";
import type { HostParams } from "../model/initialize.js";
import type { Specs } from "../model/specs.js";
import { type HostArray, mapTree, sizeOf } from "../tree.js";
import { drawBatches } from "./batches.js";
import { type GradientExchange, openExchange } from "./gradient-exchange.js";
import { AdamInPlace, type Segment } from "./optimizer/adam-in-place.js";
import type { SharedStop } from "./shared-stop.js";
import { isFiniteState, type TrainingState } from "./snapshot.js";
import { createShareGradients } from "./step.js";
import type { Chunk, Stepper, StepSource } from "./stepper.js";

/** Numbers appended to the gradients and summed with them: the terms, and requests of a process to all. */
const TAIL = [...TERMS, "needsState", "stops"] as const;

/** Runs data-parallel steps in one of several processes. */
export class SharedStepper implements Stepper {
  readonly #layout: Layout;
  readonly #share: Share;
  readonly #gradientsOf: ReturnType<typeof createShareGradients>;
  readonly #adam: AdamInPlace;
  /** The tail follows the weights, with its sums, and the gradients, with this process' numbers. */
  readonly #exchange: GradientExchange;
  readonly #params: HostParams;
  /** Views of the exchange's gradients, for the engine's results. */
  readonly #results: { readonly gradients: HostParams; readonly metrics: TermValues<HostArray<Float32Array>> };

  /**
   * @param start equal in all processes
   * @param stop signals a stop request of one process to all
   */
  constructor(
    private readonly source: StepSource,
    start: TrainingState,
    private readonly stop: SharedStop,
  ) {
    const { model, config } = source;
    const { rank, size } = stop.processes;
    const layout = createLayout(model.parts.specs.params, size);
    const { slice } = layout;
    this.#layout = layout;
    this.#share = stop.processes.shareOf(config.batchSize);
    this.#gradientsOf = createShareGradients(model, this.#share.count / config.batchSize);
    this.#exchange = openExchange(stop.processes, slice);
    const { weights, gradients } = this.#exchange;
    this.#params = viewsOf(layout, weights);
    const tail = this.#tailOf(gradients);
    this.#results = {
      gradients: viewsOf(layout, gradients),
      metrics: mapTerms((term) => ({ data: tail.subarray(TAIL.indexOf(term)).subarray(0, 1), shape: [] })),
    };
    const ownSlice = (values: Float32Array) => values.subarray(rank * slice, (rank + 1) * slice);
    this.#adam = new AdamInPlace(slice, segmentsOf(layout, rank), config);
    this.#adam.weights.set(ownSlice(flatten(layout, start.params)));
    this.#exchange.publish(this.#adam.weights);
    this.#adam.m.set(ownSlice(flatten(layout, start.adam.m)));
    this.#adam.v.set(ownSlice(flatten(layout, start.adam.v)));
  }

  async run(order: Uint32Array, firstStep: number, count: number, needsState: () => boolean): Promise<Chunk> {
    const { batchSize } = this.source.config;
    const metrics = mapTerms((): number[] => []);
    let state: TrainingState | undefined;
    let isOver = false;
    for (let i = 0; i < count && !isOver; i++) {
      const batch = order.subarray(i * batchSize, (i + 1) * batchSize);
      const sums = await this.#step(batch, firstStep + i, i === count - 1 && needsState());
      await setImmediate(); // runs timers and signal handlers
      for (const term of TERMS) metrics[term].push(sums[term]);
      // The sums are equal in all processes, so all end the chunk here, even if they planned different chunks.
      state = sums.needsState + sums.stops > 0 ? this.#collectState() : undefined;
      isOver = sums.stops > 0 || !Number.isFinite(sums.objective) || (state !== undefined && !isFiniteState(state));
      if (sums.stops > 0) this.stop.abort();
    }
    const vector = (values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });
    return { metrics: mapTerms((term) => vector(metrics[term])), state };
  }

  /** Runs one step. @returns the summed tail */
  async #step(order: Uint32Array, step: number, needsState: boolean): Promise<Record<(typeof TAIL)[number], number>> {
    const { engine, model, config, images, size, classes } = this.source;
    const batches = drawBatches(images, size, order, step, config, model, classes, this.#share);
    const input = mapTree(batches, ({ data, shape }: HostArray) => ({ data, shape: shape.slice(1) })) as typeof batches;
    await engine.call(this.#gradientsOf, { params: this.#params, input }, this.#results);
    const tail = this.#tailOf(this.#exchange.gradients);
    tail[TAIL.indexOf("needsState")] = Number(needsState);
    tail[TAIL.indexOf("stops")] = Number(this.stop.isAsked);

    this.#exchange.reduce(this.#adam);
    this.#adam.update(input.stepSize.data[0], input.decay?.data[0]);
    this.#passTail();
    this.#exchange.publish(this.#adam.weights);

    const sums = this.#tailOf(this.#exchange.weights);
    return Object.fromEntries(TAIL.map((name, i) => [name, sums[i]])) as Record<(typeof TAIL)[number], number>;
  }

  #tailOf(values: Float32Array): Float32Array {
    const { numbers } = this.#layout;
    return values.subarray(numbers, numbers + TAIL.length);
  }

  /** Copies the summed tail from the gradients to the weights, if it lies in this process' slice. */
  #passTail(): void {
    const { numbers, slice } = this.#layout;
    const first = Math.max(0, numbers - this.stop.processes.rank * slice);
    this.#adam.weights.set(this.#adam.gradients.subarray(first), Math.min(first, slice));
  }

  #collectState(): TrainingState {
    const collect = (slice: Float32Array) => {
      const all = new Float32Array(this.#layout.length);
      this.stop.processes.mpi.allGather(slice, all);
      return viewsOf(this.#layout, all);
    };
    return {
      params: viewsOf(this.#layout, this.#exchange.weights.slice()),
      adam: { m: collect(this.#adam.m), v: collect(this.#adam.v) },
    };
  }
}

/** All weights, concatenated, then the tail and padding: slices of equal length, one for each process. */
interface Layout {
  readonly specs: Specs["params"];
  /** The number of weights, counted as scalars. */
  readonly numbers: number;
  /** The length of a slice. */
  readonly slice: number;
  /** The length of all slices. */
  readonly length: number;
}

function createLayout(specs: Specs["params"], processes: number): Layout {
  const numbers = Object.values(specs).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const slice = Math.ceil((numbers + TAIL.length) / processes);
  return { specs, numbers, slice, length: slice * processes };
}

/** Views of the weights, by name, in an array of all slices. */
function viewsOf({ specs }: Layout, flat: Float32Array): HostParams {
  let first = 0;
  const entries = Object.entries(specs).map(([name, { shape }]) => {
    const data = flat.subarray(first, first + sizeOf(shape));
    first += data.length;
    return [name, { data, shape }];
  });
  return Object.fromEntries(entries);
}

function flatten(layout: Layout, params: HostParams): Float32Array {
  const flat = new Float32Array(layout.length);
  for (const [name, { data }] of Object.entries(viewsOf(layout, flat))) data.set(params[name].data);
  return flat;
}

/** The parts of a process' slice, each within a single weight. */
function segmentsOf({ specs, slice }: Layout, rank: number): Segment[] {
  const [begin, end] = [rank * slice, (rank + 1) * slice];
  let next = 0;
  return Object.values(specs).flatMap(({ shape, decays = false }) => {
    const [first, last] = [Math.max(begin, next), Math.min(end, next + sizeOf(shape))];
    next += sizeOf(shape);
    return first < last ? [{ first: first - begin, count: last - first, decays }] : [];
  });
}
