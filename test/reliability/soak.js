// Trains a small model for many epochs, and checks its memory and open files:
// node test/reliability/soak.js [epochs] [engine], after npm run build. Linux only.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const epochs = process.argv[2] ?? "500";
const engine = process.argv[3] ?? "compiled";
const LAUNCHER = fileURLToPath(new URL("../../bin/vae.js", import.meta.url));
const home = mkdtempSync(path.join(tmpdir(), "vae-soak-"));
const settings = "--n-hidden 16 --batch-size 500 --dim-z 3 --run run --quiet";
const args = ["train", ...settings.split(" "), "--epochs", epochs, "--engine", engine];
const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd: home, stdio: "inherit" });

const looks = [];
const timer = setInterval(() => {
  try {
    const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
    const megabytes = Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) / 1000;
    looks.push({ megabytes, files: readdirSync(`/proc/${child.pid}/fd`).length });
  } catch {
    // Ended, or not started.
  }
}, 250);
const code = await new Promise((resolve) => child.on("close", resolve));
clearInterval(timer);
const lines = readFileSync(path.join(home, "run/metrics.jsonl"), "utf8").trim().split("\n").length;
rmSync(home, { recursive: true });
if (code !== 0 || lines !== Number(epochs)) throw new Error(`It ended with ${code} after ${lines} epochs`);

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const part = (from, to) => looks.slice(Math.floor(from * looks.length), Math.floor(to * looks.length));
const [early, late] = [part(0.2, 0.4), part(0.8, 1)].map((some) => ({
  megabytes: median(some.map(({ megabytes }) => megabytes)),
  files: median(some.map(({ files }) => files)),
}));
console.log(`${epochs} epochs on engine ${engine}, medians of the second and of the last fifth of the time:`);
const [before, after] = [early, late].map(({ megabytes }) => megabytes.toFixed(0));
console.log(`memory ${before} and ${after} MB, open files ${early.files} and ${late.files}`);
if (late.megabytes > 1.1 * early.megabytes || late.files > early.files) throw new Error("It grows");
