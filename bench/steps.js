// npm run bench: milliseconds for a training step of the tutorial's model (784-500-500-2, Adam, batches of 128 grey MNIST images)
// on every engine here and on the peers, two threads each, all in one run: node bench/steps.js [rounds]. Contenders are processes
// that wait while others run, and take turns. Writes bench/results.md and bench/steps.svg. Peers: bench/setup.sh first.
import { existsSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import * as vega from "vega";
import { compile } from "vega-lite";
import { findEngines } from "../dist/index.js";
import { digits, here, race, THREADS } from "./race.js";

const rounds = Number(process.argv[2] ?? 9);
const python = here(".venv/bin/python");
if (availableParallelism() < THREADS) throw new Error(`The benchmark needs ${THREADS} processors`);

/** Engines by name, how each is called, and steps in a round: about a second each where that can be. */
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
const table = `| | keep-prob 1: ms per step | compiled is × | keep-prob 0.9: ms per step | compiled is × |
|---|---|---|---|---|
${lines.join("\n")}`;
console.log(table);
writeFileSync(
  here("results.md"),
  `# A training step, side by side

Written by \`npm run bench\` on ${cpus().length} processors, ${cpus()[0].model}, Node.js ${process.versions.node}: medians of ${rounds} rounds (lowest to
highest), the contenders in turn, there and back, ${THREADS} threads each. The model is the tutorial's, 784-500-500-2 with Adam, in batches of 128 grey
MNIST images. Below 1, the compiled engine is faster. Dropout masks are drawn within a peer's step; here they are drawn on the
host, which the compiled engine's numbers leave out. The last row is what onnxruntime takes for the step's matrix products and nothing else.

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
