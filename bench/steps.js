// npm run bench: times a training step of the tutorial's model (784-500-500-2, Adam, batches of 128 grey MNIST images)
// on every engine here and in PyTorch, JAX and TensorFlow, with two threads each. Contenders are processes and take
// turns. node bench/steps.js [rounds], after bench/setup.sh for the peers. Writes bench/results.md and bench/steps.svg.
import { existsSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import * as vega from "vega";
import { compile } from "vega-lite";
import { findEngines } from "../dist/index.js";
import { digits, here, race, THREADS } from "./race.js";

const rounds = Number(process.argv[2] ?? 9);
const python = here(".venv/bin/python");
if (availableParallelism() < THREADS) throw new Error(`The benchmark needs ${THREADS} processors`);

/** Engines by name, and steps per round: about a second's worth if possible. */
const ENGINES = { compiled: 100, tensorflow: 16, wasm: 2, cpu: 1 };
const engines = (await findEngines(THREADS)).filter(({ runs }) => runs).map(({ name }) => name);
const node = (label, script, variant, steps) => ({
  label,
  command: [process.execPath, here(`contenders/${script}`), variant],
  steps,
});
const peer = (label, script, variant) => ({
  label,
  command: [python, here(`contenders/${script}`), variant],
  steps: 100,
});
const contenders = [
  ...engines.map((name) => node(`vae, engine ${name}`, "vae.js", name, ENGINES[name])),
  ...(engines.includes("tensorflow") ? [node("tfjs-node", "tfjs.js", "tensorflow", 16)] : []),
  node("tfjs, wasm", "tfjs.js", "wasm", 2),
  ...(existsSync(python)
    ? [
        peer("PyTorch, eager", "torch_step.py", "eager"),
        peer("PyTorch, fused Adam", "torch_step.py", "fused"),
        peer("PyTorch, compiled, fused Adam", "torch_step.py", "compile"),
        peer("JAX, jit", "jax_step.py", "jit"),
        peer("JAX, scan of 100 steps", "jax_step.py", "scan"),
        peer("TensorFlow, tf.function", "tensorflow_step.py", "function"),
        peer("TensorFlow, XLA", "tensorflow_step.py", "xla"),
      ]
    : []),
  node("matrix products alone", "products.js", "", 100),
];
if (!existsSync(python)) console.log("No bench/.venv, so no Python peers: run bench/setup.sh.");

const results = [];
for (const keepProb of [1, 0.9]) {
  const times = await race(contenders, rounds, [String(keepProb)], `keep-prob ${keepProb}`);
  results.push(...times.map((one) => ({ ...one, keepProb })));
}

const timesOf = (label, keepProb) => results.find((result) => result.label === label && result.keepProb === keepProb);
const lines = contenders.map(({ label }) => {
  const cells = [1, 0.9].flatMap((keepProb) => {
    const { low, median, high } = timesOf(label, keepProb);
    const ratio = timesOf("vae, engine compiled", keepProb).median / median;
    return [`${digits(median)} (${digits(low)} to ${digits(high)})`, ratio.toFixed(ratio < 0.1 ? 3 : 2)];
  });
  return `| ${[label, ...cells].join(" | ")} |`;
});
const table = `| contender | keep-prob 1: ms per step | ratio | keep-prob 0.9: ms per step | ratio |
|---|---|---|---|---|
${lines.join("\n")}`;
console.log(table);
writeFileSync(
  here("results.md"),
  `# A training step, side by side

Written by \`npm run bench\` on ${cpus().length} processors, ${cpus()[0].model}, Node.js ${process.versions.node}.

Times are medians of ${rounds} rounds (lowest to highest).
The contenders take turns, in alternating order, with ${THREADS} threads each.
The model is the tutorial's, 784-500-500-2 with Adam, trained on batches of 128 grey MNIST images.
The ratio is the time of vae's compiled engine divided by that of the row: below 1, the compiled engine is faster.
The other libraries draw dropout masks within the step. vae draws them on the host, outside of the measured time.
The last row is onnxruntime's time for the matrix products of the step alone.

${table}

![The same as a chart](steps.svg)
`,
);
await writeChart();

async function writeChart() {
  const y = { field: "label", type: "nominal", sort: null, title: null, axis: { labelLimit: 240, grid: true } };
  const scale = { type: "log", domainMin: 5 };
  const spec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    data: { values: results.map((result) => ({ ...result, keepProb: `keep-prob ${result.keepProb}` })) },
    facet: { field: "keepProb", type: "nominal", title: null, sort: "descending" },
    spec: {
      width: 260,
      layer: [
        {
          mark: { type: "rule" },
          encoding: { y, x: { field: "low", type: "quantitative", scale }, x2: { field: "high" } },
        },
        {
          mark: { type: "point", filled: true, size: 60, opacity: 1 },
          encoding: {
            y,
            x: { field: "median", type: "quantitative", scale, title: "ms per training step (median, range)" },
            color: {
              condition: { test: "indexof(datum.label, 'vae') === 0", value: "#d62728" },
              value: "#1f77b4",
            },
          },
        },
      ],
    },
    config: { background: "white" },
  };
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none" });
  writeFileSync(here("steps.svg"), await view.toSVG());
}
