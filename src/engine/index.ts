// Opens engines by name.
import { availableParallelism } from "node:os";
import type { Tensor } from "@tensorflow/tfjs-core";
import { UserError } from "../errors.js";
import { type Device, ENGINE_NAMES, type Engine, type EngineName, type GpuReport } from "./engine.js";

/** An engine that runs here. `close` it after use. */
export interface OpenedEngine {
  readonly engine: Engine;
  /** Why `auto` did not choose a faster engine. */
  readonly fallbackReason?: string | undefined;
}

/** The package of each engine. Remedies: `install` if it is missing, `repair` if it does not load; by default npm ci. */
const PACKAGES: Record<EngineName, { readonly name: string; readonly install?: string; readonly repair?: string }> = {
  // npm leaves it out where its install script cannot download CUDA libraries, which nothing here uses.
  compiled: {
    name: "onnxruntime-node",
    install: "where vae is installed, npm install --ignore-scripts",
    repair: "run npm ci --ignore-scripts on Linux or Windows (x64, arm64) or on macOS (arm64)",
  },
  // Its install script downloads TensorFlow: the command overrides an .npmrc that disables scripts.
  tensorflow: {
    name: "@tensorflow/tfjs-node",
    install:
      "where vae is installed, npm install --no-save --save-prod --ignore-scripts=false @tensorflow/tfjs-node@4.22.0",
    repair: "where vae is installed, npm rebuild --ignore-scripts=false @tensorflow/tfjs-node",
  },
  wasm: { name: "@tensorflow/tfjs-backend-wasm" },
  cpu: { name: "@tensorflow/tfjs-backend-cpu" },
};

/** The requested engine does not run here. */
export class EngineError extends UserError {
  constructor(
    name: EngineName,
    readonly reason: string,
    readonly remedy: string,
  ) {
    super(`Engine ${name}: ${reason}. To get it: ${remedy}`);
  }
}

/**
 * Opens an engine and runs a small program on it.
 *
 * @param name an engine, or `auto` for the fastest that runs here
 * @param device where it computes; a GPU needs engine compiled
 * @throws EngineError if the requested engine does not run
 * @throws UserError if `threads` exceeds the number of processors, no engine runs, or there is no GPU
 * @throws GpuError if the GPU fails
 */
export async function openEngine(
  name: "auto" | EngineName,
  threads: number,
  device: Device = "cpu",
): Promise<OpenedEngine> {
  const processors = availableParallelism();
  if (threads > processors) {
    throw new UserError(
      `\`threads: ${threads}\` exceeds the ${processors} processors here. Give ${processors} or less.`,
    );
  }
  if (device === "gpu") return { engine: await openOnGpu(name, threads) };
  if (name !== "auto") return { engine: await open(name, threads) };
  const reasons: string[] = [];
  for (const candidate of ENGINE_NAMES) {
    try {
      const engine = await open(candidate, threads);
      return { engine, fallbackReason: reasons.join("; ") || undefined };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      reasons.push(error.reason);
    }
  }
  throw new UserError(`No engine runs here: ${reasons.join("; ")}. Reinstall their packages: npm ci.`);
}

async function openOnGpu(name: "auto" | EngineName, threads: number): Promise<Engine> {
  if (name !== "auto" && name !== "compiled") {
    throw new UserError(`\`engine: ${name}\` uses no GPU. Leave out \`engine\`, or \`device: gpu\`.`);
  }
  return open("compiled", threads, "gpu");
}

/** Finds the GPU that `device: gpu` uses, and its name. Tries it in a child process, until one try succeeds. */
export async function findGpu(): Promise<GpuReport> {
  const { findGpu, nameOfGpu } = await import("./compiled/index.js");
  try {
    const gpu = await findGpu();
    return gpu.runs ? { ...gpu, name: await nameOfGpu() } : gpu;
  } catch {
    const { name, install = "npm ci" } = PACKAGES.compiled;
    return { runs: false, reason: `${name} is not installed`, remedy: install };
  }
}

/** @throws UserError if there is no GPU */
async function checkGpu(): Promise<void> {
  const gpu = await (await import("./compiled/index.js")).findGpu();
  if (gpu.runs) return;
  throw new UserError(
    `\`device: gpu\` finds no GPU: ${gpu.reason}. To get one: ${gpu.remedy}. Or give \`device: cpu\`.`,
  );
}

async function open(name: EngineName, threads: number, device: Device = "cpu"): Promise<Engine> {
  try {
    if (device === "gpu") await checkGpu();
    const engine =
      name === "compiled"
        ? new (await import("./compiled/index.js")).CompiledEngine(threads, device)
        : await (await import("./eager.js")).openEagerEngine(name, threads);
    await check(engine);
    return engine;
  } catch (error) {
    if (error instanceof UserError || (error instanceof Error && error.name === "GpuError")) throw error;
    const { name: needed, install = "npm ci", repair = "npm ci" } = PACKAGES[name];
    const { code } = error as NodeJS.ErrnoException;
    const message = (error instanceof Error ? error.message : String(error)).split("\n")[0].trim();
    if (String(code).endsWith("MODULE_NOT_FOUND") && message.includes(`'${needed}'`)) {
      throw new EngineError(name, `${needed} is not installed`, install);
    }
    throw new EngineError(name, `${needed} does not run here (${message})`, repair);
  }
}

/** Runs a small program: some packages load, but fail at the first call. Closes the engine if it fails. */
async function check(engine: Engine): Promise<void> {
  try {
    await engine.call(({ x }: { x: Tensor }) => ({ x }), { x: { data: new Float32Array(1), shape: [1] } });
  } catch (error) {
    await engine.close().catch(() => {}); // on a lost GPU, closing fails too
    throw error;
  }
}
