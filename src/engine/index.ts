// Opens engines by name.
import { availableParallelism } from "node:os";
import { UserError } from "../errors.js";
import type { Engine, EngineName } from "./engine.js";

/** An engine, and why it is not the fastest one if it was chosen for want of better. */
export interface OpenedEngine {
  readonly engine: Engine;
  readonly shortfall?: string;
}

const COMPILED_REMEDY =
  "onnxruntime-node runs on Linux and Windows (x64, arm64) and on macOS (arm64); reinstall with npm ci there";

/**
 * @param name an engine, or `auto` for the fastest that works here
 * @throws UserError if the engine that was asked for cannot be loaded, or there are fewer processors than threads
 */
export async function openEngine(name: "auto" | EngineName, threads: number): Promise<OpenedEngine> {
  if (threads > availableParallelism()) {
    throw new UserError(`--threads ${threads} is more than the ${availableParallelism()} processors here.`);
  }
  if (name === "wasm" || name === "cpu") {
    const { openEagerEngine } = await import("./eager.js");
    return { engine: await openEagerEngine(name) };
  }
  try {
    const { openCompiledEngine } = await import("./compiled/compiled.js");
    return { engine: await openCompiledEngine(threads) };
  } catch (error) {
    const reason = `onnxruntime-node does not run here (${firstLine(error)})`;
    if (name === "compiled") throw new UserError(`Engine compiled: ${reason}. ${COMPILED_REMEDY}.`);
    const { openEagerEngine } = await import("./eager.js");
    return { engine: await openEagerEngine("wasm"), shortfall: reason };
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0];
}
