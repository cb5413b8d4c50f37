// npm run bench:conv: times training steps of convolutional models here and in PyTorch, taking turns in one run.
// node bench/convolutions.js [rounds], after bench/setup.sh. Writes bench/convolutions.md.
import { existsSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { digits, here, race, THREADS } from "./race.js";

const rounds = Number(process.argv[2] ?? 9);
const python = here(".venv/bin/python");
if (!existsSync(python)) throw new Error("There is no bench/.venv: run bench/setup.sh.");

const small = { network: "conv", filters: [32, 64], kernelSize: 3, denseUnits: [16], dimZ: 2 };
const usual = { network: "conv", filters: [32, 64], kernelSize: 4, denseUnits: [256], dimZ: 32 };
const MODELS = [
  { what: "28×28 grey, 3×3, dense 16", side: 28, channels: 1, settings: small, steps: 10 },
  { what: "28×28 grey, 4×4, dense 256", side: 28, channels: 1, settings: usual, steps: 10 },
  { what: "32×32 colour, 4×4, dense 256", side: 32, channels: 3, settings: usual, steps: 8 },
  { what: "64×64 colour, 4×4, dense 256", side: 64, channels: 3, settings: usual, steps: 2 },
];

const rows = [];
for (const { what, side, channels, settings, steps } of MODELS) {
  const args = [String(side), String(channels), JSON.stringify(settings)];
  const peer = (label, variant) => ({
    label,
    command: [python, here("contenders/torch_conv.py"), ...args, variant],
    steps,
  });
  const results = await race(
    [
      { label: "vae, engine compiled", command: [process.execPath, here("contenders/conv.js"), ...args], steps },
      peer("PyTorch, eager", "eager"),
      peer("PyTorch, compiled", "compiled"),
      peer("PyTorch, compiled, channels last", "compiled channels-last"),
    ],
    rounds,
    [],
    what,
  );
  const cells = results.map(({ low, median }) => `${digits(median)} (${digits(low)})`);
  const best = Math.min(...results.slice(2).map(({ median }) => median));
  rows.push(`| ${[what, ...cells, (results[0].median / best).toFixed(2)].join(" | ")} |`);
}
const columns = ["model", "vae, engine compiled", "PyTorch, eager", "PyTorch, compiled"];
columns.push("PyTorch, compiled, channels last", "vae ÷ best compiled PyTorch");
const table = `| ${columns.join(" | ")} |
|---|---|---|---|---|---|
${rows.join("\n")}`;
console.log(table);
writeFileSync(
  here("convolutions.md"),
  `# A training step of convolutional models

Written by \`npm run bench:conv\` on ${cpus().length} processors, ${cpus()[0].model}, Node.js ${process.versions.node}.

Numbers are milliseconds per step, medians of ${rounds} rounds (lowest in parentheses). The contenders take turns, in
alternating order, with ${THREADS} threads each. All models have two convolutions of 32 and 64 filters with stride 2,
mirrored in the decoder, a Bernoulli likelihood, fused Adam and batches of 128.

${table}
`,
);
