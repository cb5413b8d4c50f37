// npm run bench:mpi: times training and evaluation in several single-threaded processes against one, on this machine.
// node bench/processes.js [mpirun] [numbers of processes, separated by commas] [rounds]. Writes bench/processes.md.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { digits, here, spread } from "./race.js";

const [mpirun = "mpirun", list = "2", rounds = "5"] = process.argv.slice(2);
const counts = [1, ...list.split(",").map(Number)];
const CASES = [
  { what: "training, batches of 128", args: ["train", "128", "200"] },
  { what: "training, batches of 512", args: ["train", "512", "80"] },
  { what: "training, batches of 2,048", args: ["train", "2048", "20"] },
  { what: "importance sampling, 5,000 draws per image", args: ["evaluate", "5000", "24"] },
];
const asRoot = process.getuid?.() === 0 ? { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" } : {};

/** Returns milliseconds per step, or per image. */
function time(processes, args) {
  const command = [process.execPath, here("contenders/processes.js"), ...args];
  const [program, ...words] = processes === 1 ? command : [mpirun, "-n", String(processes), ...command];
  const printed = execFileSync(program, words, {
    env: { ...process.env, ...asRoot },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const milliseconds = Number(printed);
  if (!Number.isFinite(milliseconds)) throw new Error(`${program} ${words.join(" ")} printed ${printed}`);
  return milliseconds;
}

const rows = [];
for (const { what, args } of CASES) {
  const times = counts.map(() => []);
  for (let round = 0; round < Number(rounds); round++) {
    const order = round % 2 ? counts : counts.toReversed();
    for (const count of order) times[counts.indexOf(count)].push(time(count, args));
    process.stderr.write(`${what}: round ${round + 1} of ${rounds}\n`);
  }
  const [alone, ...together] = times.map(spread);
  const cell = ({ low, median }) => `${digits(median)} (${digits(low)})`;
  const cells = together.flatMap((one) => [cell(one), (alone.median / one.median).toFixed(2)]);
  rows.push(`| ${[what, cell(alone), ...cells].join(" | ")} |`);
}
const version = execFileSync(mpirun, ["--version"]).toString().split("\n")[0];
const head = counts.slice(1).flatMap((count) => [`${count} processes`, "speed-up"]);
const table = `| task | 1 process | ${head.join(" | ")} |
|---|${"---|".repeat(head.length + 1)}
${rows.join("\n")}`;
console.log(table);
writeFileSync(
  here("processes.md"),
  `# Several processes

Written by \`npm run bench:mpi\` on ${cpus().length} processors, ${cpus()[0].model}, Node.js ${process.versions.node},
${version}.

Numbers are milliseconds per training step or per evaluated image, medians of ${rounds} rounds (lowest in parentheses).
One process and several take turns, in alternating order. Every process has one thread. The model is the tutorial's,
784-500-500-2 with dropout and Adam.

${table}
`,
);
