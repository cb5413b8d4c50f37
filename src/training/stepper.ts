// The interface that runs training steps, and its implementation for one process: whole chunks in one engine call. For
// several processes: shared-steps.ts and local-steps.ts.
import { setImmediate } from "node:timers/promises";
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

/** The inputs of a stepper. */
export interface StepSource {
  readonly engine: Engine;
  readonly model: Model;
  readonly config: Config;
  readonly images: ImageSet;
  readonly size: ImageShape;
  readonly classes?: readonly ModelClass[] | undefined;
}

/** The result of a chunk of steps. */
export interface Chunk {
  /** Terms of each step that ran, at least one. */
  readonly metrics: TermValues<HostArray<Float32Array>>;
  /** After the last of these steps. Undefined if it is not needed, or distributed over processes. */
  readonly state: TrainingState | undefined;
}

/** Runs training steps and keeps their state. */
export interface Stepper {
  /**
   * Runs about `count` steps, at least one.
   *
   * @param order indices of images, batchSize for each step left in the epoch
   * @param firstStep the number of the first step, counted from 0 at the start of the run
   * @param needsState whether the chunk must end with a state, which has to be collected from processes or a GPU
   */
  run(order: Uint32Array, firstStep: number, count: number, needsState: () => boolean): Promise<Chunk>;
}

/** Creates the stepper of a single process. */
export function createStepper(
  { engine, model, config, images, size, classes }: StepSource,
  start: TrainingState,
): Stepper {
  const step = createTrainingStep(model, config);
  const loop = engine.loop(step, start);
  return {
    run: async (order, firstStep, count, needsState) => {
      const part = order.subarray(0, count * config.batchSize);
      const batches = drawBatches(images, size, part, firstStep, config, model, classes);
      const metrics = await loop.run(batches);
      await setImmediate(); // runs timers and signal handlers, which an engine may block
      return { metrics, state: needsState() ? await loop.carry() : undefined };
    },
  };
}
