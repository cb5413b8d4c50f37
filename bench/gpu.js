// Times training steps on the GPU and on the processor: node bench/gpu.js [batch sizes] [rounds], after npm run build.
// Ends with the time per kernel in chains of small kernels.
import { createConfig } from "../dist/config/config.js";
import { CompiledEngine, tf } from "../dist/engine/compiled/index.js";
import { findGpu } from "../dist/engine/index.js";
import { buildParts } from "../dist/model/build.js";
import { initialParams } from "../dist/model/initialize.js";
import { Model } from "../dist/model/model.js";
import { drawBatches } from "../dist/training/batches.js";
import { firstSnapshot } from "../dist/training/snapshot.js";
import { createTrainingStep } from "../dist/training/step.js";
import { THREADS } from "./race.js";

const sizes = (process.argv[2] ?? "128,512,2048,8192").split(",").map(Number);
const rounds = Number(process.argv[3] ?? 5);
/** Of each round, but at least one step. */
const ROUND_MILLISECONDS = 500;
const MODELS = [
  { what: "16-16-16-2, dropout", side: 4, settings: { nHidden: [16, 16] }, batches: [8] },
  { what: "784-500-500-2, dropout", side: 28, settings: {}, batches: sizes },
  { what: "convolutions of 32 and 64 filters", side: 28, settings: { network: "conv", dimZ: 32 }, batches: sizes },
];

const gpu = await findGpu();
if (!gpu.runs) throw new Error(`${gpu.reason}: ${gpu.remedy}`);
console.log(`${gpu.name}, against ${THREADS} threads; milliseconds per step, medians of ${rounds} rounds (lowest)\n`);
console.log("| model | batch | processor | GPU | GPU: copying the state back |\n|---|---|---|---|---|");
for (const { what, side, settings, batches } of MODELS) {
  for (const batchSize of batches) await measure(what, side, createConfig({ ...settings, batchSize }));
}
console.log("\nMicroseconds per kernel in a chain of small ones, on the GPU:");
await measureKernel("product of 256 numbers by 256", tf.mul);
await measureKernel("matrix product of 16×16 by 16×16", tf.matMul);

async function measure(what, side, config) {
  const { batchSize } = config;
  const size = { height: side, width: side, channels: 1 };
  // Synthetic images: the time of a step does not depend on their content.
  const read = (numbers) => Uint8Array.from({ length: numbers.length * side * side }, (_, i) => (i * 7919) % 256);
  const images = { count: batchSize * 64, offset: 0, pixels: { read } };
  const model = new Model(buildParts(config, size));
  const step = createTrainingStep(model, config);
  const { state } = firstSnapshot(initialParams(model.parts.specs, 0));
  const contenders = ["cpu", "gpu"].map((device) => {
    const engine = new CompiledEngine(THREADS, device);
    return { engine, loop: engine.loop(step, state), steps: 1, times: [] };
  });
  const run = async ({ loop, steps }) => {
    const order = Uint32Array.from({ length: steps * batchSize }, (_, i) => i);
    const chunk = drawBatches(images, size, order, 0, config, model);
    const started = performance.now();
    await loop.run(chunk);
    return (performance.now() - started) / steps;
  };
  for (let round = -2; round < rounds; round++) {
    for (const contender of contenders) {
      const time = await run(contender); // the first round compiles, the second sets the number of steps
      if (round === -1) contender.steps = Math.max(1, Math.min(64, Math.round(ROUND_MILLISECONDS / time)));
      if (round >= 0) contender.times.push(time);
    }
  }
  const started = performance.now();
  await contenders[1].loop.carry();
  const cells = [...contenders.map(({ times }) => describe(times)), (performance.now() - started).toFixed(1)];
  console.log(`| ${[what, batchSize, ...cells].join(" | ")} |`);
  for (const { engine } of contenders) await engine.close();
}

/** Prints the difference between the lowest times of chains of 400 and of 200 kernels, divided by 200. */
async function measureKernel(what, kernel) {
  const engine = new CompiledEngine(THREADS, "gpu");
  const chainOf = (length) => {
    const chain = ({ x }) => ({ y: Array.from({ length }).reduce((y) => kernel(y, x), x) });
    return { chain, times: [] };
  };
  const [short, long] = [chainOf(200), chainOf(400)];
  const x = { data: new Float32Array(256), shape: [16, 16] };
  for (let round = -1; round < 10 * rounds; round++) {
    for (const { chain, times } of [short, long]) {
      const started = performance.now();
      await engine.call(chain, { x });
      if (round >= 0) times.push(performance.now() - started); // the first round compiles
    }
  }
  const difference = Math.min(...long.times) - Math.min(...short.times);
  console.log(`${what}: ${((1000 * difference) / 200).toFixed(1)}`);
  await engine.close();
}

function describe(times) {
  const sorted = times.toSorted((a, b) => a - b);
  return `${sorted[Math.floor(sorted.length / 2)].toFixed(1)} (${sorted[0].toFixed(1)})`;
}
