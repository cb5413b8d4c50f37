// Kills trainings at random moments, resumes them, and compares the results with an undisturbed training:
// node test/reliability/crash.js [kills] [engine] [seed] [mpirun …], after npm run build. With mpirun, kills one of its
// processes, which must end the others.
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PNG } from "pngjs";
import { loadDataset } from "../../dist/data/dataset.js";
import { range } from "../../dist/data/pixels.js";
import { decodeSafetensors } from "../../dist/formats/safetensors.js";
import { loadModel } from "../../dist/index.js";

const kills = Number(process.argv[2] ?? 100);
const engine = process.argv[3] ?? "compiled";
let seed = Number(process.argv[4] ?? Date.now() % 1e6);
const mpirun = process.argv.slice(5);
console.log(`${kills} kills, engine ${engine}, seed ${seed} ${mpirun.join(" ")}`);

const LAUNCHER = fileURLToPath(new URL("../../bin/vae.js", import.meta.url));
const home = realpathSync(mkdtempSync(path.join(tmpdir(), "vae-crash-")));
const SETTINGS =
  `--dataset images --epochs ${mpirun.length > 0 ? 4 : 8} --dim-z 3 --n-hidden 48,32 --batch-size 20 --noise ` +
  "--threads 1 --set checkpointSeconds=0";

/** The first images of MNIST. */
const { train, height, width } = await loadDataset("mnist");
mkdirSync(path.join(home, "images"));
for (const [name, count] of [
  ["train", 3000],
  ["t10k", 100],
]) {
  const header = Buffer.from([0, 0, 8, 3, 0, 0, count >> 8, count & 255, 0, 0, 0, height, 0, 0, 0, width]);
  const pixels = train.pixels.read(range(0, count));
  writeFileSync(path.join(home, "images", `${name}-images-idx3-ubyte`), Buffer.concat([header, pixels]));
}

/** Lehmer's generator: 0 to 1. */
function random() {
  seed = (seed * 48271) % 2147483647 || 1;
  return seed / 2147483647;
}

/** The processes of a training under mpirun. */
function processesOf() {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return false;
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === home && readlinkSync(`/proc/${pid}/exe`) === process.execPath;
    } catch {
      return false; // not a process, or ended
    }
  });
}

/** The processes of the last killed training. */
let pids = [];

function kill(child) {
  if (mpirun.length === 0) return child.kill("SIGKILL");
  pids = processesOf();
  try {
    return pids.length > 0 && process.kill(Number(pids[Math.floor(random() * pids.length)]), "SIGKILL");
  } catch {
    return false; // just ended
  }
}

/** mpirun may end before the last of its processes. */
async function waitForProcesses() {
  const ended = performance.now();
  const areLeft = () => pids.some((pid) => existsSync(`/proc/${pid}`)) || processesOf().length > 0;
  while (areLeft()) {
    if (performance.now() - ended > MAX_MILLISECONDS) throw new Error(`mpirun left one of ${pids} behind`);
    await setTimeout(10);
  }
}

/** Guards against hanging. */
const MAX_MILLISECONDS = 120_000;

async function vae(args, milliseconds = Infinity) {
  const [program, ...words] = [...mpirun, process.execPath, LAUNCHER, "train", ...args];
  const child = spawn(program, words, {
    cwd: home,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const ended = new Promise((resolve) => child.on("close", (code) => resolve(code)));
  let isHit = false;
  if (milliseconds < Infinity) {
    await Promise.race([ended, setTimeout(milliseconds)]);
    if (child.exitCode === null) isHit = kill(child);
  }
  const code = await Promise.race([ended, setTimeout(MAX_MILLISECONDS, "nothing", { ref: false })]);
  if (code === "nothing") throw new Error(`vae train ${args.join(" ")} hangs: ${stderr}`);
  if (mpirun.length > 0) await waitForProcesses();
  const isKilled = mpirun.length > 0 ? isHit && code !== 0 : code === null;
  if (code !== 0 && !isKilled) throw new Error(`vae train ${args.join(" ")} ended with ${code}: ${stderr}`);
  return code === 0;
}

/** Reads all files of a run except temporary ones, and throws if one is incomplete. */
async function check(run) {
  const dir = path.join(home, run);
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir, { recursive: true })) {
    const file = path.join(dir, name);
    if (/\.\d+-[\da-f]{12}\.tmp$/.test(name) || !/\.\w+$/.test(name)) continue;
    const bytes = readFileSync(file);
    if (name.endsWith(".safetensors") && !decodeSafetensors(bytes, file).metadata.sha256) throw new Error(file);
    if (name.endsWith(".json")) JSON.parse(bytes);
    if (name.endsWith(".jsonl")) for (const line of bytes.toString().split("\n")) if (line !== "") JSON.parse(line);
    if (name.endsWith(".png")) PNG.sync.read(bytes);
    if (name.endsWith(".svg") && !bytes.toString().trimEnd().endsWith("</svg>")) throw new Error(`${file} is cut off`);
  }
  process.chdir(home);
  if (existsSync(path.join(dir, "model.safetensors"))) await (await loadModel(run)).close();
}

/** The weights, moments and metrics of a finished run, without times. */
function outcomeOf(run) {
  const checkpoint = readdirSync(path.join(home, run, "checkpoint"))
    .sort()
    .at(-1);
  const { tensors } = decodeSafetensors(readFileSync(path.join(home, run, "checkpoint", checkpoint)), checkpoint);
  const lines = readFileSync(path.join(home, run, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  return JSON.stringify([
    checkpoint,
    [...tensors].map(([name, { data }]) => [name, Buffer.from(data.buffer).toString("base64")]),
    readFileSync(path.join(home, run, "model.safetensors")).toString("base64"),
    lines.map((line) => ({ ...JSON.parse(line), seconds: 0, imagesPerSecond: 0 })),
    readdirSync(path.join(home, run, "pictures"), { recursive: true }).sort(),
  ]);
}

const begin = (run) => [...SETTINGS.split(" "), "--engine", engine, "--run", run];
const started = performance.now();
await vae(begin("whole"));
const whole = performance.now() - started;
const expected = outcomeOf("whole");

let killed = 0;
let runs = 0;
while (killed < kills) {
  const run = `run-${runs++}`;
  let finished = false;
  while (!finished) {
    const args = existsSync(path.join(home, run)) ? ["--resume", run] : begin(run);
    finished = await vae(args, killed < kills ? random() * 0.7 * whole : undefined);
    if (!finished) killed++;
    await check(run);
  }
  if (outcomeOf(run) !== expected) throw new Error(`${run} in ${home} differs from the undisturbed run`);
  rmSync(path.join(home, run), { recursive: true });
}
rmSync(home, { recursive: true });
console.log(
  `${killed} kills in ${runs} runs of ${(whole / 1000).toFixed(1)} s: all files complete after each, final bytes equal`,
);
