// A convolutional model's training step on the compiled engine: node conv.js SIDE CHANNELS SETTINGS
import { createConfig } from "../../dist/config/config.js";
import { pixelsOf } from "../../dist/data/pixels.js";
import { openEngine } from "../../dist/engine/index.js";
import { buildParts } from "../../dist/model/build.js";
import { initialParams } from "../../dist/model/initialize.js";
import { Model } from "../../dist/model/model.js";
import { drawBatches, epochOrder } from "../../dist/training/batches.js";
import { firstSnapshot } from "../../dist/training/snapshot.js";
import { createTrainingStep } from "../../dist/training/step.js";
import { serve } from "./protocol.js";

const [side, channels, settings] = process.argv.slice(2);
const config = createConfig(JSON.parse(settings));
const size = { height: Number(side), width: Number(side), channels: Number(channels) };
const { engine } = await openEngine("compiled", 2);
const model = new Model(buildParts(config, size));
const step = createTrainingStep(model, config);
// Synthetic images: the time of a step does not depend on their content.
const read = (numbers) => Uint8Array.from({ length: numbers.length * pixelsOf(size) }, (_, i) => (i * 7919) % 256);
const images = { count: 10_000, offset: 0, pixels: { read } };
const order = epochOrder(0, 1, images.count);
let { state } = firstSnapshot(initialParams(model.parts.specs, 0));

await serve(async (steps) => {
  const batches = drawBatches(images, size, order.subarray(0, steps * config.batchSize), 0, config, model);
  const started = performance.now();
  [state] = await engine.scan(step, state, batches);
  return (performance.now() - started) / 1000;
});
