// Opens engines by name.
import { availableParallelism } from "node:os";
import type { Tensor } from "@tensorflow/tfjs-core";
import { UserError } from "../errors.js";
import { ENGINE_NAMES, type Engine, type EngineName } from "./engine.js";

/** An engine, and why it is not the fastest one if it was chosen for want of better. */
export interface OpenedEngine {
  readonly engine: Engine;
  readonly fallbackReason?: string;
}

/** The package that an engine needs, and how to get it: where it is missing, and where it does not load. */
const PACKAGES: Record<EngineName, { readonly name: string; readonly install: string; readonly repair: string }> = {
  compiled: {
    name: "onnxruntime-node",
    install: "npm ci",
    repair: "it runs on Linux and Windows (x64, arm64) and on macOS (arm64); there, npm ci reinstalls it",
  },
  // Its script downloads TensorFlow: the flag lets it, whatever an .npmrc says.
  tensorflow: {
    name: "@tensorflow/tfjs-node",
    install:
      "where vae is installed, npm install --no-save --save-prod --ignore-scripts=false @tensorflow/tfjs-node@4.22.0",
    repair: "where vae is installed, npm rebuild --ignore-scripts=false @tensorflow/tfjs-node",
  },
  wasm: { name: "@tensorflow/tfjs-backend-wasm", install: "npm ci", repair: "npm ci" },
  cpu: { name: "@tensorflow/tfjs-backend-cpu", install: "npm ci", repair: "npm ci" },
};

/** An engine that does not run here. */
export class EngineError extends UserError {
  constructor(
    name: EngineName,
    /** What is missing or broken. */
    readonly reason: string,
    readonly remedy: string,
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
    const processors = availableParallelism();
    throw new UserError(`There are fewer than ${threads} processors here. Set threads to ${processors} or less.`);
  }
  if (name !== "auto") return { engine: await open(name, threads) };
  const reasons: string[] = [];
  for (const candidate of ENGINE_NAMES) {
    try {
      const engine = await open(candidate, threads);
      return { engine, ...(reasons.length > 0 && { fallbackReason: reasons.join("; ") }) };
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
    const { name: needed, install, repair } = PACKAGES[name];
    if (isMissing(needed, error)) throw new EngineError(name, `${needed} is not installed`, install);
    throw new EngineError(name, `${needed} does not run here (${firstLine(error)})`, repair);
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
