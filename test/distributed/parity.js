// Run by mpirun: trains models for 50 steps in all processes together and, step by step, in process 0 alone. Process 0
// prints the largest difference of a weight after each step, as JSON.
import { createConfig } from "../../dist/config/config.js";
import { pixelsInMemory } from "../../dist/data/pixels.js";
import { joinProcesses } from "../../dist/distributed/processes.js";
import { openEngine } from "../../dist/engine/index.js";
import { buildModel } from "../../dist/model/build.js";
import { initialParams } from "../../dist/model/initialize.js";
import { randomStream } from "../../dist/random.js";
import { epochOrder, stepsPerEpoch } from "../../dist/training/batches.js";
import { SharedStepper } from "../../dist/training/shared-steps.js";
import { SharedStop } from "../../dist/training/shared-stop.js";
import { firstSnapshot } from "../../dist/training/snapshot.js";
import { createStepper } from "../../dist/training/stepper.js";

const STEPS = 50;
const SIZE = { height: 8, width: 8, channels: 1 };
const CLASSES = ["a", "b", "c"].map((name) => ({ name, images: 1000 }));
const dense = { nHidden: [32, 16], dimZ: 3, batchSize: 33 };

const MODELS = {
  "dropout and noise": { ...dense, noise: "salt-pepper" },
  "several blocks of draws, weight decay, a schedule": {
    ...dense,
    batchSize: 300,
    weightDecay: 0.1,
    klWarmUp: 2,
    learningRateSchedule: "cosine",
  },
  "dynamic binarization, IWAE": { ...dense, binarize: "dynamic", objective: "iwae", importanceSamples: 5 },
  conditional: { ...dense, conditional: true },
  convolutional: { network: "conv", filters: [4, 8], denseUnits: [16], dimZ: 3, batchSize: 10, keepProb: 0.9 },
  "a flow, a mixture": { ...dense, posterior: "iaf", prior: "mixture" },
};

const processes = await joinProcesses();
const images = drawImages(3000);
const results = {};
for (const [name, settings] of Object.entries(MODELS)) results[name] = await compare(settings);
if (processes.rank === 0) process.stdout.write(`${JSON.stringify(results)}\n`);
processes.close();

/** Blobs of grey pixels. */
function drawImages(count) {
  const values = randomStream(1, "prior").fillUniform(new Float32Array(3 * count), 1);
  const pixels = new Uint8Array(count * 64);
  for (let i = 0; i < pixels.length; i++) {
    const [image, row, column] = [Math.floor(i / 64), Math.floor(i / 8) % 8, i % 8];
    const [x, y, width] = values.subarray(3 * image, 3 * image + 3);
    const distance = (column - 3.5 - 3 * x) ** 2 + (row - 3.5 - 3 * y) ** 2;
    pixels[i] = 255 * Math.exp(-distance / (2 + width));
  }
  const labels = Uint16Array.from({ length: count }, (_, i) => i % 3);
  return { count, offset: 0, pixels: pixelsInMemory(pixels, 64), labels, classes: CLASSES.map(({ name }) => name) };
}

async function compare(settings) {
  const config = createConfig({ learningRate: 1e-3, ...settings, threads: 1 });
  const classes = config.conditional ? CLASSES : undefined;
  const model = buildModel(config, { ...SIZE, ...(classes && { classes: classes.length }) });
  const { engine } = await openEngine("auto", 1);
  const start = firstSnapshot(initialParams(model.parts.specs, config.seed)).state;
  const source = { engine, model, config, images, size: SIZE, classes };
  const shared = new SharedStepper(source, start, new SharedStop(processes));
  const alone = createStepper(source, start);
  const steps = stepsPerEpoch(images, config.batchSize);
  const differences = [];
  for (let step = 0; step < STEPS; step++) {
    const order = epochOrder(config.seed, 1 + Math.floor(step / steps), images.count);
    const first = (step % steps) * config.batchSize;
    const batch = order.subarray(first, first + config.batchSize);
    const { state, metrics } = await shared.run(batch, step, 1, true);
    if (processes.rank > 0) continue;
    const expected = await alone.run(batch, step, 1, true);
    differences.push({
      weights: largest(state.params, expected.state.params),
      metrics: largest(metrics, expected.metrics),
    });
  }
  await engine.close();
  return differences;
}

function largest(tree, other) {
  const differences = Object.keys(tree).map((name) =>
    tree[name].data.reduce((most, value, i) => Math.max(most, Math.abs(value - other[name].data[i])), 0),
  );
  return Math.max(...differences);
}
