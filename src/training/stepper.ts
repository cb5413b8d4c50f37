// Runs the steps of a training. One process hands whole chunks to the engine; several share each batch, or train apart
// and average.
import type { Config } from "../config/config.js";
import type { ModelClass } from "../data/classes.js";
import type { ImageSet } from "../data/dataset.js";
import type { ImageShape } from "../data/pixels.js";
import type { Engine } from "../engine/engine.js";
import type { TermValues } from "../model/bounds.js";
import type { Model } from "../model/model.js";
import type { HostArray } from "../tree.js";
import { drawBatches } from "./batches.js";
import type { TrainingState } from "./snapshot.js";
import { createTrainingStep } from "./step.js";

/** What steps are made of. */
export interface StepSource {
  readonly engine: Engine;
  readonly model: Model;
  readonly config: Config;
  readonly images: ImageSet;
  readonly size: ImageShape;
  readonly classes?: readonly ModelClass[] | undefined;
}

export interface Chunk {
  /** Of each step that was run: one or more. */
  readonly metrics: TermValues<HostArray<Float32Array>>;
  /** After the last of these steps. Undefined if it is still divided between processes. */
  readonly state: TrainingState | undefined;
}

export interface Stepper {
  /**
   * Runs about `count` steps: as many as its way of training allows, at least one.
   *
   * @param order indices of images, batchSize for each step that is left in the epoch
   * @param firstStep the number of the first step, counted from 0 at the start of the run
   * @param needsState whether the chunk must end with a state, which costs something between processes
   */
  run(order: Uint32Array, firstStep: number, count: number, needsState: boolean): Promise<Chunk>;
}

/** Steps of one process. */
export function createStepper(
  { engine, model, config, images, size, classes }: StepSource,
  start: TrainingState,
): Stepper {
  const step = createTrainingStep(model, config);
  let state = start;
  return {
    run: async (order, firstStep, count) => {
      const part = order.subarray(0, count * config.batchSize);
      const batches = drawBatches(images, size, part, firstStep, config, model, classes);
      const [next, metrics] = await engine.scan(step, state, batches);
      state = next;
      return { metrics, state };
    },
  };
}
