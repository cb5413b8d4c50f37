// Local SGD (Stich 2019): each process trains on its share of every batch, and all average weights and moments every
// `syncEvery` steps. Not equivalent to training in one process, but suited to slow networks.
import { setImmediate } from "node:timers/promises";
import type { Mpi } from "../distributed/mpi.js";
import type { Share } from "../distributed/processes.js";
import { type HostArray, leaves, mapTree } from "../tree.js";
import { drawBatches } from "./batches.js";
import type { SharedStop } from "./shared-stop.js";
import type { TrainingState } from "./snapshot.js";
import { createTrainingStep } from "./step.js";
import type { Chunk, Stepper, StepSource } from "./stepper.js";

/** Of a chunk. Constant, since all processes must cut the same chunks; small, for frequent progress and signals. */
const MAX_STEPS = 16;

/** Runs local SGD in one of several processes. */
export class LocalStepper implements Stepper {
  readonly #share: Share;
  readonly #step: ReturnType<typeof createTrainingStep>;

  /** @param state equal in all processes */
  constructor(
    private readonly source: StepSource,
    private state: TrainingState,
    private readonly stop: SharedStop,
  ) {
    const { model, config } = source;
    this.#share = stop.processes.shareOf(config.batchSize);
    this.#step = createTrainingStep(model, config);
  }

  /** Runs steps up to the next average or MAX_STEPS. A stop takes effect after an average. */
  async run(order: Uint32Array, firstStep: number): Promise<Chunk> {
    const { engine, model, config, images, size, classes } = this.source;
    const { batchSize, syncEvery } = config;
    const left = order.length / batchSize;
    const count = Math.min(syncEvery - (firstStep % syncEvery), left, MAX_STEPS);
    const isAverage = (firstStep + count) % syncEvery === 0 || count === left;
    const part = order.subarray(0, count * batchSize);
    const batches = drawBatches(images, size, part, firstStep, config, model, classes, this.#share);
    const [state, metrics] = await engine.scan(this.#step, this.state, batches);

    await setImmediate(); // runs timers and signal handlers, which an engine may block
    const { processes } = this.stop;
    const stops = { data: Float32Array.of(Number(this.stop.isAsked)), shape: [1] };
    const share = this.#share.count / batchSize;
    const shared = average({ metrics, stops }, share, processes.mpi);
    this.state = isAverage ? average(state, share, processes.mpi) : state;
    if (isAverage && shared.stops.data[0] > 0) this.stop.abort();
    return { metrics: shared.metrics, state: isAverage ? this.state : undefined };
  }
}

/** The weighted mean of the arrays of all processes. @param share this process' weight */
function average<Tree extends object>(tree: Tree, share: number, mpi: Mpi): Tree {
  const arrays = leaves<HostArray<Float32Array>>(tree).map(([, { data }]) => data);
  const flat = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let next = 0;
  for (const data of arrays) {
    flat.set(
      data.map((value) => value * share),
      next,
    );
    next += data.length;
  }
  const means = new Float32Array(flat.length);
  mpi.allReduce(flat, means);
  next = 0;
  return mapTree(tree, ({ shape, data: { length } }: HostArray<Float32Array>) => {
    const data = means.slice(next, next + length);
    next += length;
    return { data, shape };
  }) as Tree;
}
