// Opens engines by name.
import { availableParallelism } from "node:os";
import type { Tensor } from "@tensorflow/tfjs";
import { UserError } from "../errors.js";
import type { Engine, EngineName } from "./engine.js";
import { ENGINE_NAMES } from "./engine.js";
import { INSTALL_TFJS_NODE, TFJS_NODE } from "./tensorflow.js";

/** An engine, and why it is not the fastest one if it was chosen for want of better. */
export interface OpenedEngine {
  readonly engine: Engine;
  readonly shortfall?: string;
}

/** What an engine needs, and how to get it. */
const PACKAGES: Record<EngineName, { readonly name: string; readonly remedy: string }> = {
  compiled: {
    name: "onnxruntime-node",
    remedy: "it runs on Linux and Windows (x64, arm64) and on macOS (arm64); there, npm ci reinstalls it",
  },
  tensorflow: { name: TFJS_NODE, remedy: INSTALL_TFJS_NODE },
  wasm: { name: "@tensorflow/tfjs-backend-wasm", remedy: "npm ci" },
  cpu: { name: "@tensorflow/tfjs", remedy: "npm ci" },
};

/** An engine that does not run here. */
export class EngineError extends UserError {
  constructor(
    name: EngineName,
    /** What is missing or broken. */
    readonly reason: string,
    readonly remedy: string = PACKAGES[name].remedy,
  ) {
    super(`Engine ${name}: ${reason}. To get it: ${remedy}`);
  }
}

/**
 * @param name an engine, or `auto` for the fastest that works here
 * @throws EngineError if the engine that was asked for cannot be loaded
 * @throws UserError if there are fewer processors than threads
 */
export async function openEngine(name: "auto" | EngineName, threads: number): Promise<OpenedEngine> {
  if (threads > availableParallelism()) {
    throw new UserError(`--threads ${threads} is more than the ${availableParallelism()} processors here.`);
  }
  if (name !== "auto") return { engine: await open(name, threads) };
  const reasons: string[] = [];
  for (const candidate of ENGINE_NAMES) {
    try {
      const engine = await open(candidate, threads);
      return { engine, ...(reasons.length > 0 && { shortfall: reasons.join("; ") }) };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      reasons.push(error.reason);
    }
  }
  throw new UserError(`No engine runs here: ${reasons.join("; ")}. npm ci reinstalls what they need.`);
}

async function open(name: EngineName, threads: number): Promise<Engine> {
  try {
    const engine = await load(name, threads);
    await engine.call(identity, { x: { data: new Float32Array(1), shape: [1] } });
    return engine;
  } catch (error) {
    const needed = PACKAGES[name].name;
    const reason = isMissing(needed, error) ? "is not installed" : `does not run here (${firstLine(error)})`;
    throw new EngineError(name, `${needed} ${reason}`);
  }
}

async function load(name: EngineName, threads: number): Promise<Engine> {
  if (name === "compiled") {
    const { CompiledEngine } = await import("./compiled/index.js");
    return new CompiledEngine(threads);
  }
  const { openEagerEngine } = await import("./eager.js");
  return openEagerEngine(name, threads);
}

/** The smallest program there is, to find out whether any runs. */
function identity({ x }: { x: Tensor }): { x: Tensor } {
  return { x };
}

function isMissing(needed: string, error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return (code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND") && firstLine(error).includes(`'${needed}'`);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0].trim();
}
