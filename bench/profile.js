// Shows where the time of a compiled training step goes, by onnxruntime's profiler: node bench/profile.js [keep-prob]
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { createConfig } from "../dist/config/config.js";
import { loadDataset } from "../dist/data/dataset.js";
import { scanProgram } from "../dist/engine/compiled/program.js";
import { buildParts } from "../dist/model/build.js";
import { initialParams } from "../dist/model/initialize.js";
import { Model } from "../dist/model/model.js";
import { drawBatches, epochOrder } from "../dist/training/batches.js";
import { firstSnapshot } from "../dist/training/snapshot.js";
import { createTrainingStep } from "../dist/training/step.js";
import { leaves } from "../dist/tree.js";

const STEPS = 32;
const CALLS = 5;
const config = createConfig({ keepProb: Number(process.argv[2] ?? 1) });
const mnist = await loadDataset("mnist");
const { train, height, width } = mnist;
const vae = new Model(buildParts(config, { height, width, channels: 1 }));
const step = createTrainingStep(vae, config);
const { state } = firstSnapshot(initialParams(vae.parts.specs, 0));
const order = epochOrder(0, 1, train.count).subarray(0, STEPS * config.batchSize);
const batches = drawBatches(train, mnist, order, 0, config, vae);
const { model } = await scanProgram(step, state, batches);

const folder = mkdtempSync(path.join(tmpdir(), "vae-profile-"));
const session = await InferenceSession.create(model, {
  intraOpNumThreads: 2,
  interOpNumThreads: 1,
  enableProfiling: true,
  profileFilePrefix: path.join(folder, "profile"),
});
const feeds = Object.fromEntries(
  leaves({ carry: state, x: batches }).map(([name, { data, shape }]) => [
    name,
    new Tensor(data instanceof Float32Array ? "float32" : "uint8", data, shape),
  ]),
);
const started = performance.now();
for (let call = 0; call < CALLS; call++) await session.run(feeds);
const total = (performance.now() - started) / CALLS / STEPS;
session.endProfiling();
const events = JSON.parse(readFileSync(path.join(folder, readdirSync(folder)[0]), "utf8"));
rmSync(folder, { recursive: true });

/** Microseconds and runs of each kernel, by operator and output shape. */
const kernels = new Map();
for (const { cat, name, dur, args } of events) {
  if (cat !== "Node" || !name.endsWith("_kernel_time") || args.op_name === "Scan") continue;
  const shape = Object.values(args.output_type_shape[0] ?? {})[0] ?? [];
  const key = `${args.op_name} → ${shape.join("×") || "scalar"}`;
  const { time = 0, runs = 0 } = kernels.get(key) ?? {};
  kernels.set(key, { time: time + dur / CALLS / STEPS, runs: runs + 1 / CALLS / STEPS });
}
const rows = [...kernels].toSorted(([, a], [, b]) => b.time - a.time);
const sum = (pattern) => rows.reduce((all, [key, { time }]) => (pattern.test(key) ? all + time : all), 0) / 1000;
const weights = new RegExp(`→ (${height * width}×500|500×${height * width}|500×500)$`);
const products = sum(/Gemm|MatMul/);
const adam =
  rows.reduce((all, [key, { time }]) => (weights.test(key) && !/Gemm/.test(key) ? all + time : all), 0) / 1000;
console.log(
  `keep-prob ${config.keepProb}: ${total.toFixed(1)} ms per step while profiled; ${sum(/./).toFixed(1)} ms in kernels`,
);
const others = sum(/./) - products - adam;
console.log(
  `matrix products ${products.toFixed(1)}, Adam on the large weights ${adam.toFixed(1)}, the rest ${others.toFixed(1)}`,
);
const nodes = rows.reduce((all, [, { runs }]) => all + runs, 0);
const drawing = Array.from({ length: 21 }, () => {
  const begun = performance.now();
  drawBatches(train, mnist, order, 0, config, vae);
  return (performance.now() - begun) / STEPS;
}).toSorted((a, b) => a - b)[10];
console.log(`${nodes.toFixed(0)} nodes; drawing a batch on the host takes ${drawing.toFixed(2)} ms`);
for (const [key, { time, runs }] of rows.slice(0, 30)) {
  const [count, each, all] = [runs, time / runs, time].map((number, i) => number.toFixed(0).padStart(i === 0 ? 3 : 5));
  console.log(`${key.padEnd(28)} ${count} × ${each} µs = ${all} µs`);
}
