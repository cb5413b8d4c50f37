// Measures time and peak memory of whole commands, then of one epoch of training with larger latent spaces, layers,
// batches and data sets. Writes bench/commands.md. Linux only, because it reads memory from /proc. 9 minutes:
// node bench/commands.js, after npm run build
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { loadDataset } from "../dist/data/dataset.js";
import { range } from "../dist/data/pixels.js";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const home = mkdtempSync(path.join(tmpdir(), "vae-bench-"));

/** Commands, and how often to run each. The first two train the models that the others use. */
const COMMANDS = [
  ["vae train --epochs 20 --dim-z 2 --run tutorial", 1],
  ["vae train --epochs 1 --dim-z 2 --binarize dynamic --run binarized", 1],
  ["vae --help", 15],
  ["vae sample --run tutorial --n 100", 7],
  ["vae sample --run tutorial --n 10000", 3],
  ["vae reconstruct --run tutorial", 7],
  ["vae manifold --run tutorial", 7],
  ["vae evaluate --run binarized --importance-samples 1000", 1],
];

/** Flags that differ from the tutorial's model, one at a time. Each row trains one epoch. */
const GROWTH = [
  ...[2, 20, 200].map((size) => `--dim-z ${size}`),
  ...[100, 1000, 2000].map((units) => `--n-hidden ${units},${units}`),
  ...[32, 512, 2048].map((size) => `--batch-size ${size}`),
  ...[6_000, 60_000, 600_000].map((count) => `--dataset images-${count}`),
];

const rows = [];
for (const [command, times] of COMMANDS) {
  const outcomes = [];
  for (let i = 0; i < times; i++) outcomes.push(await run(command.split(" ").slice(1)));
  const seconds = outcomes.map((outcome) => outcome.seconds).toSorted((a, b) => a - b);
  const middle = seconds[Math.floor(times / 2)];
  const range = times > 1 ? ` (${seconds[0].toFixed(2)} to ${seconds[times - 1].toFixed(2)})` : "";
  const memory = Math.max(...outcomes.map(({ megabytes }) => megabytes));
  rows.push(
    `| \`${command}\` | ${middle < 10 ? middle.toFixed(2) : middle.toFixed(0)} s${range} | ${memory.toFixed(0)} MB |`,
  );
  console.log(rows.at(-1));
}
const mnist = await loadDataset("mnist");
for (const count of [6_000, 60_000, 600_000]) writeDataset(path.join(home, `images-${count}`), count);
const growth = [];
for (const flags of GROWTH) {
  const dir = flags.replaceAll(" ", "");
  const { seconds, megabytes } = await run(["train", "--epochs", "1", "--run", dir, ...flags.split(" ")]);
  const { imagesPerSecond } = JSON.parse(readFileSync(path.join(home, dir, "metrics.jsonl"), "utf8"));
  growth.push(
    `| \`${flags}\` | ${imagesPerSecond.toFixed(0)} | ${seconds.toFixed(1)} s | ${megabytes.toFixed(0)} MB |`,
  );
  console.log(growth.at(-1));
}
rmSync(home, { recursive: true });
const machine = `${cpus().length} processors, ${cpus()[0].model}, Node.js ${process.versions.node}`;
writeFileSync(
  here("commands.md"),
  `# Whole commands

Written by \`node bench/commands.js\` on ${machine}.

The time is from the start of the process to its end: the median (lowest to highest) of several runs, or a single run.
The memory is the peak resident memory.

| command | time | memory |
|---|---|---|
${rows.join("\n")}

## As the work grows

\`vae train --epochs 1\` with one flag changed, one run each. \`images-600000\` repeats MNIST ten times, as IDX files of
470 MB.

| flag | images per second in training | time | memory |
|---|---|---|---|
${growth.join("\n")}
`,
);

/** Writes MNIST's training images, repeated up to `count`, as a folder of IDX files. */
function writeDataset(folder, count) {
  mkdirSync(folder);
  for (const [name, images] of [
    ["train", count],
    ["t10k", mnist.test.count],
  ]) {
    const file = openSync(path.join(folder, `${name}-images-idx3-ubyte`), "w");
    const header = Buffer.from([0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, mnist.height, 0, 0, 0, mnist.width]);
    header.writeUInt32BE(images, 4);
    writeSync(file, header);
    for (let written = 0; written < images; written += mnist.test.count) {
      writeSync(file, mnist.train.pixels.read(range(0, Math.min(mnist.test.count, images - written))));
    }
    closeSync(file);
  }
}

/** Runs a command, and samples its memory 50 times a second. */
async function run(args) {
  const started = performance.now();
  const child = spawn(process.execPath, [here("../bin/vae.js"), ...args], { cwd: home, stdio: "ignore" });
  let megabytes = 0;
  const timer = setInterval(() => {
    try {
      const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"));
      if (peak) megabytes = Number(peak[1]) / 1000;
    } catch {
      // It ended between two samples.
    }
  }, 20);
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`vae ${args.join(" ")} failed with exit code ${code}`);
  return { seconds: (performance.now() - started) / 1000, megabytes };
}
