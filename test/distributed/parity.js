// Run by mpirun: compares the weights of joint training with those of process 0 training alone, over 50 steps; then
// those of local steps with their simulation in process 0. Prints the largest difference after each step, as JSON.
// mpirun -n 3 node parity.js messages: passes messages, as between hosts, instead of sharing memory.
import { createConfig } from "../../dist/config/config.js";
import { pixelsInMemory } from "../../dist/data/pixels.js";
import { joinProcesses } from "../../dist/distributed/processes.js";
import { openEngine } from "../../dist/engine/index.js";
import { buildModel } from "../../dist/model/build.js";
import { initialParams } from "../../dist/model/initialize.js";
import { randomStream } from "../../dist/random.js";
import { drawBatches, epochOrder, stepsPerEpoch } from "../../dist/training/batches.js";
import { LocalStepper } from "../../dist/training/local-steps.js";
import { SharedStepper } from "../../dist/training/shared-steps.js";
import { SharedStop } from "../../dist/training/shared-stop.js";
import { firstSnapshot } from "../../dist/training/snapshot.js";
import { createTrainingStep } from "../../dist/training/step.js";
import { createStepper } from "../../dist/training/stepper.js";
import { mapTree } from "../../dist/tree.js";

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
if (process.argv[2] === "messages") Object.defineProperty(processes, "hosts", { value: 2 });
const images = drawImages(3000);
const results = {};
for (const [name, settings] of Object.entries(MODELS)) results[name] = await compare(settings);
results["local steps"] = await compareLocal({ ...dense, noise: "gaussian", syncEvery: 7 });
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

async function prepare(settings) {
  const config = createConfig({ learningRate: 1e-3, ...settings });
  const classes = config.conditional ? CLASSES : undefined;
  const model = buildModel(config, { ...SIZE, ...(classes && { classes: classes.length }) });
  const { engine } = await openEngine("auto", 1);
  const start = firstSnapshot(initialParams(model.parts.specs, config.seed)).state;
  return { start, source: { engine, model, config, images, size: SIZE, classes } };
}

async function compare(settings) {
  const { start, source } = await prepare(settings);
  const { config, engine } = source;
  const shared = new SharedStepper(source, start, new SharedStop(processes));
  const alone = createStepper(source, start);
  const steps = stepsPerEpoch(images, config.batchSize);
  const differences = [];
  for (let step = 0; step < STEPS; step++) {
    const order = epochOrder(config.seed, 1 + Math.floor(step / steps), images.count);
    const first = (step % steps) * config.batchSize;
    const batch = order.subarray(first, first + config.batchSize);
    const { state, metrics } = await shared.run(batch, step, 1, () => true);
    if (processes.rank > 0) continue;
    const expected = await alone.run(batch, step, 1, () => true);
    differences.push({
      weights: largest(state.params, expected.state.params),
      metrics: largest(metrics, expected.metrics),
    });
  }
  await engine.close();
  return differences;
}

/** Averages of independent trainings, each on its share of every batch. */
async function compareLocal(settings) {
  const { start, source } = await prepare(settings);
  const { engine, model, config } = source;
  const { batchSize, syncEvery } = config;
  const local = new LocalStepper(source, start, new SharedStop(processes));
  const step = createTrainingStep(model, config);
  const order = epochOrder(config.seed, 1, images.count);
  const shares = sharesOf(batchSize);
  let expected = start;
  const differences = [];
  for (let done = 0; done < STEPS; done += syncEvery) {
    const left = order.subarray(done * batchSize);
    const { state, metrics } = await local.run(left, done);
    const part = left.subarray(0, syncEvery * batchSize);
    const ends = [];
    for (const share of shares) {
      const batches = drawBatches(images, SIZE, part, done, config, model, undefined, share);
      ends.push(await engine.scan(step, expected, batches));
    }
    const mean = (tree, ...path) =>
      mapTree(tree, ({ data, shape }, name) => ({
        shape,
        data: data.map((_, i) => {
          const values = ends.map((end) => leafOf(end, [...path, ...name.split("/")]).data[i]);
          return values.reduce((sum, value, r) => sum + (value * shares[r].count) / batchSize, 0);
        }),
      }));
    const averaged = mean(ends[0][1], 1);
    expected = mean(ends[0][0], 0);
    for (const _ of metrics.objective.data) {
      differences.push({
        weights: Math.max(largest(state.params, expected.params), largest(state.adam.m, expected.adam.m)),
        metrics: largest(metrics, averaged),
      });
    }
  }
  await engine.close();
  return differences;
}

/** The share of each process, written out. */
function sharesOf(batchSize) {
  const counts = Array.from({ length: processes.size }, (_, r) => Math.ceil((batchSize - r) / processes.size));
  return counts.map((count, r) => ({ first: counts.slice(0, r).reduce((a, b) => a + b, 0), count }));
}

function leafOf(tree, path) {
  return path.reduce((node, name) => node[name], tree);
}

function largest(tree, other) {
  const differences = Object.keys(tree).map((name) =>
    tree[name].data.reduce((most, value, i) => Math.max(most, Math.abs(value - other[name].data[i])), 0),
  );
  return Math.max(...differences);
}
