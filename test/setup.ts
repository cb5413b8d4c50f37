// Runs before all tests: finds and prints the engines and other programs under test, and trains a small model that
// tests copy. Tests read them with `inject` and helpers.ts. Tests and their child processes use a temporary cache.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { findGpu, nameOfGpu } from "../src/engine/compiled/gpu.js";
import type { EngineName } from "../src/engine/engine.js";
import { findEngines } from "../src/training/engines.js";
import { writeTinyMnist } from "./fixtures/idx.js";

declare module "vitest" {
  interface ProvidedContext {
    engines: EngineName[];
    /** Whether engine compiled runs on a GPU, or on SwiftShader instead. */
    gpu: boolean;
    /** The library of SwiftShader, if test/fixtures/failing-gpu.c can be compiled, and SwiftShader runs behind it. */
    failingGpu: string | undefined;
    /** The Python interpreter, and the versions of its packages; none if it does not run. */
    python: { readonly program: string; readonly packages: Readonly<Record<string, string>> };
    /** The browser's program. */
    browser: string | undefined;
    /** The browser's program, if it and onnxruntime-web are installed. */
    chromium: string | undefined;
    /** The installed implementations of MPI, and the command that starts processes with each. */
    mpis: Mpi[];
    /** A small data set, and the folder of a run trained on it. */
    tiny: { readonly data: string; readonly run: string };
  }
}

export interface Mpi {
  readonly name: "Open MPI" | "MPICH";
  readonly mpirun: readonly string[];
}

/** The Vulkan driver on the processor that comes with Debian's Chromium. */
const SWIFTSHADER = {
  manifest: "/usr/lib/chromium/vk_swiftshader_icd.json",
  library: "/usr/lib/chromium/libvk_swiftshader.so",
};

/** The Python packages that run exported models and the blocks of docs/python.md. */
export const EXPORT_PACKAGES = ["numpy", "onnx", "onnxruntime"];
export const DOCS_PACKAGES = ["numpy", "onnxruntime", "safetensors", "torch"];

export default async function setup(project: TestProject): Promise<() => void> {
  const home = mkdtempSync(path.join(tmpdir(), "vae-tests-"));
  process.env.VAE_CACHE = path.join(home, "cache");
  const reports = await findEngines(1);
  const lines = reports.map((report) =>
    report.runs ? `${report.name}: ${report.version}` : `NOT TESTED HERE: ${report.name}, as ${report.reason}`,
  );
  const gpu = await findDevice();
  lines.push(gpu.runs ? `\`device: gpu\`: ${gpu.name}` : `NOT TESTED HERE: \`device: gpu\`, as ${gpu.reason}`);
  project.provide("gpu", gpu.runs);
  const hasCompiler = spawnSync("cc", ["--version"]).status === 0;
  const isFailing = gpu.runs && existsSync(SWIFTSHADER.library) && hasCompiler;
  lines.push(
    isFailing
      ? "a GPU that fails: SwiftShader, behind test/fixtures/failing-gpu.c"
      : `NOT TESTED HERE: a GPU that fails, as there is no C compiler (cc), or no SwiftShader`,
  );
  project.provide("failingGpu", isFailing ? SWIFTSHADER.library : undefined);
  const python = findPython();
  const chromium = findChromium();
  const runtime = existsSync(fileURLToPath(new URL("../examples/web/node_modules/onnxruntime-web", import.meta.url)));
  const tested = (what: string, packages: string[]) => {
    const missing = packages.filter((name) => !(name in python.packages));
    const versions = packages.map((name) => `${name} ${python.packages[name]}`).join(", ");
    const remedy = `as ${python.program} has no ${missing.join(", ")} (PYTHON names another)`;
    lines.push(missing.length === 0 ? `${what}: ${versions}` : `NOT TESTED HERE: ${what}, ${remedy}`);
  };
  tested("graphs by the ONNX checker", ["onnx"]);
  tested(".npy and .npz files by NumPy itself", ["numpy"]);
  tested("exported models in Python", EXPORT_PACKAGES);
  tested("docs/python.md", DOCS_PACKAGES);
  tested("event files by TensorBoard itself", ["tensorboard"]);
  tested("docs/tracking.md", ["pandas"]);
  const browserless = chromium
    ? "onnxruntime-web is missing (npm ci --ignore-scripts in examples/web)"
    : "there is no Chromium (CHROMIUM names one)";
  lines.push(
    chromium && runtime
      ? `exported models in a browser: ${chromium.version}`
      : `NOT TESTED HERE: exported models in a browser, as ${browserless}`,
  );
  lines.push(
    chromium
      ? `vae explore and vae report in a browser: ${chromium.version}`
      : `NOT TESTED HERE: vae explore and vae report in a browser, as ${browserless}`,
  );
  const mpis = findMpis();
  for (const name of ["Open MPI", "MPICH"]) {
    const version = mpis.find((mpi) => mpi.name === name)?.version;
    lines.push(version ? `several processes: ${name} ${version}` : `NOT TESTED HERE: ${name}, which is not installed`);
  }
  project.provide("mpis", mpis);
  process.stdout.write(`Under test:\n${lines.map((line) => `  ${line}\n`).join("")}`);
  project.provide("python", python);
  project.provide("browser", chromium?.program);
  project.provide("chromium", runtime ? chromium?.program : undefined);
  // Only engine tensorflow is optional: see test/tensorflow/.
  const missing = reports.find((report) => !report.runs && report.name !== "tensorflow");
  if (missing) throw new Error(`Engine ${missing.name} must run for the tests`);
  project.provide(
    "engines",
    reports.filter((report) => report.runs).map((report) => report.name),
  );
  project.provide("tiny", await trainTiny(home));
  return () => rmSync(home, { recursive: true });
}

/** Without a GPU, uses SwiftShader. */
async function findDevice() {
  const gpu = await findGpu();
  if (!gpu.runs && existsSync(SWIFTSHADER.manifest)) process.env.VK_ICD_FILENAMES ??= SWIFTSHADER.manifest;
  const found = gpu.runs ? gpu : await findGpu();
  return found.runs ? { ...found, name: await nameOfGpu() } : found;
}

/** Trains through the command line. */
async function trainTiny(home: string) {
  const data = await writeTinyMnist(path.join(home, "tiny"), 600, 120);
  const run = path.join(home, "run");
  const launcher = fileURLToPath(new URL("../bin/vae.js", import.meta.url));
  const settings = "--n-hidden 16 --batch-size 50 --epochs 2 --quiet".split(" ");
  const args = [launcher, "train", "--dataset", data, "--run", run, ...settings];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`The tests need a small model, and training one failed: ${stderr}`);
  return { data, run };
}

function findPython() {
  const program = process.env.PYTHON ?? "python3";
  const versions = "{d.metadata['Name']: d.version for d in m.distributions()}";
  const script = `import importlib.metadata as m, json; print(json.dumps(${versions}))`;
  const { status, stdout } = spawnSync(program, ["-c", script], { encoding: "utf8" });
  return { program, packages: status === 0 ? (JSON.parse(stdout) as Record<string, string>) : {} };
}

/** Debian installs mpirun under the name of each implementation. */
function findMpis() {
  const found = new Map<Mpi["name"], Mpi & { version: string }>();
  for (const program of ["mpirun.openmpi", "mpirun.mpich", "mpirun"]) {
    const { status, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
    if (status !== 0) continue;
    const name = /Open MPI|OpenRTE/.test(stdout) ? "Open MPI" : "MPICH";
    const version = stdout.match(/(?:Open MPI\)|OpenRTE\)|Version:)\s*(\S+)/)?.[1] ?? "";
    const mpirun = [program, ...(name === "Open MPI" ? ["--oversubscribe"] : [])];
    if (!found.has(name)) found.set(name, { name, mpirun, version });
  }
  return [...found.values()];
}

function findChromium() {
  const names = ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome"];
  for (const program of process.env.CHROMIUM ? [process.env.CHROMIUM] : names) {
    const { status, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
    if (status === 0) return { program: pathOf(program), version: stdout.trim() };
  }
  return undefined;
}

/** The path of a program in PATH, as playwright needs it. */
function pathOf(program: string): string {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  return folders.map((folder) => path.resolve(folder, program)).find((file) => existsSync(file)) ?? program;
}
