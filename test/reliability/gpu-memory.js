// Checks that the memory of a training on the GPU stays flat: node test/reliability/gpu-memory.js [steps], by default
// 10,000, after npm run build. SwiftShader takes five minutes, with VK_ICD_FILENAMES as in test/setup.ts.
import { createConfig } from "../../dist/config/config.js";
import { CompiledEngine } from "../../dist/engine/compiled/index.js";
import { buildParts } from "../../dist/model/build.js";
import { initialParams } from "../../dist/model/initialize.js";
import { Model } from "../../dist/model/model.js";
import { drawBatches } from "../../dist/training/batches.js";
import { firstSnapshot } from "../../dist/training/snapshot.js";
import { createTrainingStep } from "../../dist/training/step.js";

const steps = Number(process.argv[2] ?? 10_000);
const CHUNK = 64;
const MAX_GROWTH_MB = 30;
const size = { height: 4, width: 4, channels: 1 };
const config = createConfig({ nHidden: [16], batchSize: 8 });
const model = new Model(buildParts(config, size));
const read = (numbers) => Uint8Array.from({ length: numbers.length * 16 }, (_, i) => (i * 7919) % 256);
const images = { count: CHUNK * config.batchSize, offset: 0, pixels: { read } };
const order = Uint32Array.from({ length: images.count }, (_, i) => i);
const engine = new CompiledEngine(1, "gpu");
const loop = engine.loop(createTrainingStep(model, config), firstSnapshot(initialParams(model.parts.specs, 0)).state);

const memory = [];
for (let done = 0; done < steps; done += CHUNK) {
  await loop.run(drawBatches(images, size, order, done, config, model));
  if ((done / CHUNK) % 10 === 0) await loop.carry(); // as for a checkpoint
  memory.push(process.memoryUsage.rss() / 2 ** 20);
}
const tenth = Math.ceil(memory.length / 10);
const highest = (part) => Math.max(...part).toFixed(0);
const [early, late] = [highest(memory.slice(tenth, 2 * tenth)), highest(memory.slice(-tenth))];
console.log(`${steps} steps: at most ${early} MB in the second tenth, ${late} MB in the last`);
await engine.close();
if (late - early > MAX_GROWTH_MB) process.exitCode = 1;
