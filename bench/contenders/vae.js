// This project's training step on one of its engines: node vae.js ENGINE KEEP_PROB
import { createConfig } from "../../dist/config/config.js";
import { loadDataset } from "../../dist/data/dataset.js";
import { openEngine } from "../../dist/engine/index.js";
import { buildParts } from "../../dist/model/build.js";
import { initialParams } from "../../dist/model/initialize.js";
import { Model } from "../../dist/model/model.js";
import { drawBatches, epochOrder } from "../../dist/training/batches.js";
import { firstSnapshot } from "../../dist/training/snapshot.js";
import { createTrainingStep } from "../../dist/training/step.js";
import { serve } from "./protocol.js";

const [name, keepProb] = process.argv.slice(2);
const config = createConfig({ keepProb: Number(keepProb) });
const { engine } = await openEngine(name, 2);
const { train } = await loadDataset("mnist");
const size = { height: 28, width: 28, channels: 1 };
const model = new Model(buildParts(config, { height: 28, width: 28, channels: 1 }));
const step = createTrainingStep(model, config);
const order = epochOrder(0, 1, train.count);
let { state } = firstSnapshot(initialParams(model.parts.specs, 0));

// Times the steps as one scan, without drawing their batches.
await serve(async (steps) => {
  const batches = drawBatches(train, size, order.subarray(0, steps * config.batchSize), 0, config, model);
  const started = performance.now();
  [state] = await engine.scan(step, state, batches);
  return (performance.now() - started) / 1000;
});
