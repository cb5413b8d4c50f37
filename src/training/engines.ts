// Finds and times the engines.
import { listOf } from "../arguments.js";
import { createConfig } from "../config/config.js";
import { SETTINGS } from "../config/settings.js";
import { loadDataset } from "../data/dataset.js";
import { shapeOf } from "../data/pixels.js";
import { ENGINE_NAMES, type Engine, type EngineName } from "../engine/engine.js";
import { EngineError, openEngine } from "../engine/index.js";
import { buildModel } from "../model/build.js";
import { initialParams } from "../model/initialize.js";
import { checkValue } from "../values/checker.js";
import { oneOf } from "../values/domains.js";
import { drawBatches, epochOrder } from "./batches.js";
import { firstSnapshot } from "./snapshot.js";

/** An engine that runs here, or the reason and remedy if it does not. */
export type EngineReport =
  | { readonly name: EngineName; readonly runs: true; readonly version: string; readonly threads: number }
  | { readonly name: EngineName; readonly runs: false; readonly reason: string; readonly remedy: string };

const ROUNDS = 3;
const ROUND_MILLISECONDS = 500;

/** Opens each engine to find out which run here. @throws UserError if `threads` exceeds the number of processors */
export async function findEngines(threads = SETTINGS.threads.default): Promise<EngineReport[]> {
  checkValue("The number of threads", SETTINGS.threads, threads);
  const reports: EngineReport[] = [];
  for (const name of ENGINE_NAMES) {
    try {
      const { engine } = await openEngine(name, threads);
      reports.push({ name, runs: true, version: engine.version, threads: engine.threads });
      await engine.close();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      reports.push({ name, runs: false, reason: error.reason, remedy: error.remedy });
    }
  }
  return reports;
}

type Contender = EngineName | "gpu";

/**
 * Times the training step of the tutorial's model, 784-500-500-2 with dropout, on MNIST in batches of 128. Excludes the
 * preparation of batches. The name "gpu" stands for engine compiled on the GPU. Engines alternate, for three rounds
 * after two warm-up rounds.
 *
 * @returns the median milliseconds per step, by engine
 * @throws UserError if an engine does not run here, there is no GPU, or `threads` exceeds the number of processors
 */
export async function timeTrainingStep(
  names: readonly Contender[],
  threads = SETTINGS.threads.default,
): Promise<Map<Contender, number>> {
  checkValue("The argument names", listOf(oneOf([...ENGINE_NAMES, "gpu"])), names);
  checkValue("The number of threads", SETTINGS.threads, threads);
  const config = createConfig({});
  const mnist = await loadDataset("mnist");
  const { train } = mnist;
  const model = buildModel(config, shapeOf(mnist));
  const { createTrainingStep } = await import("./step.js");
  const step = createTrainingStep(model, config);
  const order = epochOrder(config.seed, 1, train.count);
  type Run = (batches: ReturnType<typeof drawBatches>) => Promise<unknown>;
  const contenders: { name: Contender; engine: Engine; run: Run; steps: number; times: number[] }[] = [];
  try {
    for (const name of names) {
      const isGpu = name === "gpu";
      const { engine } = await openEngine(isGpu ? "compiled" : name, threads, isGpu ? "gpu" : "cpu");
      const { state } = firstSnapshot(initialParams(model.parts.specs, config.seed));
      const loop = engine.loop(step, state);
      contenders.push({ name, engine, run: (batches) => loop.run(batches), steps: 1, times: [] });
    }
    for (let round = -2; round < ROUNDS; round++) {
      for (const contender of contenders) {
        const { run, steps } = contender;
        const batches = drawBatches(train, mnist, order.subarray(0, steps * config.batchSize), 0, config, model);
        const started = performance.now();
        await run(batches);
        const time = (performance.now() - started) / steps;
        // The first warm-up round compiles, the second sets the number of steps.
        if (round === -1) contender.steps = Math.max(1, Math.min(64, Math.round(ROUND_MILLISECONDS / time)));
        if (round >= 0) contender.times.push(time);
      }
    }
  } finally {
    for (const { engine } of contenders) await engine.close();
  }
  return new Map(contenders.map(({ name, times }) => [name, median(times)]));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
