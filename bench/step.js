// Milliseconds for a training step of the tutorial's model (784-500-500-2, batches of 128 MNIST images) on each engine, in
// one run, interleaved: node bench/step.js [rounds]. Build first, or npm run bench.
import { availableParallelism, cpus } from "node:os";
import { createConfig } from "../dist/config.js";
import { loadDataset } from "../dist/data/dataset.js";
import { openEngine } from "../dist/engine/index.js";
import { findEngines } from "../dist/library/engines.js";
import { initialParameters } from "../dist/model/parameters.js";
import { Vae } from "../dist/model/vae.js";
import { drawBatches, epochOrder } from "../dist/training/batches.js";
import { initialState } from "../dist/training/loop.js";
import { createTrainingStep } from "../dist/training/step.js";

const rounds = Number(process.argv[2] ?? 7);
const threads = Math.min(8, availableParallelism());
/** Steps in a round: about as long a round for each engine. */
const STEPS = { compiled: 32, tensorflow: 16, wasm: 2, cpu: 1 };
const here = (await findEngines(threads)).filter(({ runs }) => runs);
const size = { height: 28, width: 28 };
const { train } = await loadDataset("mnist");

const contenders = [];
for (const keepProb of [1, 0.9]) {
  for (const { name } of here) {
    const config = createConfig({ keepProb });
    const architecture = { pixels: 784, ...config };
    contenders.push({
      name,
      config,
      engine: (await openEngine(name, threads)).engine,
      step: createTrainingStep(new Vae(architecture), config),
      state: initialState(initialParameters(architecture, 0)),
      drawing: [],
      running: [],
    });
  }
}

// The first round compiles and takes memory: it is not counted.
for (let round = 0; round <= rounds; round++) {
  const order = epochOrder(0, round, train.count);
  for (const contender of contenders) {
    const { name, config, engine, step, drawing, running } = contender;
    const steps = STEPS[name];
    const started = performance.now();
    const batches = drawBatches(train, size, order.subarray(0, steps * config.batchSize), round * steps, config);
    const drawn = performance.now();
    [contender.state] = await engine.scan(step, contender.state, batches);
    if (round === 0) continue;
    drawing.push((drawn - started) / steps);
    running.push((performance.now() - drawn) / steps);
  }
}

console.log(
  `${cpus()[0].model}, ${threads} threads, Node ${process.versions.node}, median of ${rounds} rounds (range)`,
);
console.log("engine    keep-prob  step, ms                 drawing its batch, ms");
for (const { name, config, drawing, running } of contenders) {
  const [low, middle, high] = spread(running);
  const range = `${middle.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`;
  console.log(
    `${name.padEnd(9)} ${String(config.keepProb).padEnd(10)} ${range.padEnd(24)} ${spread(drawing)[1].toFixed(2)}`,
  );
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted[sorted.length - 1]];
}
