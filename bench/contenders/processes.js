// Trains or evaluates on MNIST with one thread, alone or under mpirun, and prints milliseconds per step or per image:
// node processes.js train BATCH_SIZE STEPS, or node processes.js evaluate SAMPLES IMAGES
import { createConfig } from "../../dist/config/config.js";
import { loadDataset } from "../../dist/data/dataset.js";
import { openEngine } from "../../dist/engine/index.js";
import { joinProcesses } from "../../dist/index.js";
import { estimateLogLikelihoods } from "../../dist/inference/evaluation.js";
import { TrainedModel } from "../../dist/inference/trained-model.js";
import { buildModel } from "../../dist/model/build.js";
import { initialParams } from "../../dist/model/initialize.js";
import { epochOrder } from "../../dist/training/batches.js";
import { SharedStepper } from "../../dist/training/shared-steps.js";
import { SharedStop } from "../../dist/training/shared-stop.js";
import { firstSnapshot } from "../../dist/training/snapshot.js";
import { createStepper } from "../../dist/training/stepper.js";

const [what, size, count] = process.argv.slice(2);
const processes = await joinProcesses();
const { train, test } = await loadDataset("mnist");
const shape = { height: 28, width: 28, channels: 1 };
const config = createConfig(what === "train" ? { batchSize: Number(size) } : { binarize: "dynamic" });
const { engine } = await openEngine("compiled", 1);
const model = buildModel(config, shape);
const { state } = firstSnapshot(initialParams(model.parts.specs, config.seed));
const run = what === "train" ? trainer() : evaluator();
await run(Math.ceil(count / 4)); // compiles and allocates memory
const started = performance.now();
await run(Number(count));
if (!processes?.rank) process.stdout.write(`${(performance.now() - started) / Number(count)}\n`);
processes?.close();

function trainer() {
  const source = { engine, model, config, images: train, size: shape };
  const stepper = processes
    ? new SharedStepper(source, state, new SharedStop(processes))
    : createStepper(source, state);
  const order = epochOrder(0, 1, train.count);
  const perEpoch = Math.floor(train.count / config.batchSize);
  return async (steps) => {
    for (let done = 0; done < steps; ) {
      const part = Math.min(steps - done, perEpoch, 16);
      await stepper.run(order, done, part, () => false);
      done += part;
    }
  };
}

function evaluator() {
  const trained = new TrainedModel({ engine, model, params: state.params, size: shape, config });
  return (images) =>
    estimateLogLikelihoods(trained, { ...test, count: images }, Number(size), config, undefined, processes);
}
