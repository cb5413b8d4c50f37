// The interface behind which pure tensor functions run. Implementations: eager.ts and compiled/.
import type { CompiledEngine } from "./compiled/index.js";

export type { HostTree, Step } from "./compiled/index.js";

/** Engines, fastest first. */
export const ENGINE_NAMES = ["compiled", "tensorflow", "wasm", "cpu"] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];

/** Runs pure functions of tensors on arrays of the host, as CompiledEngine does. */
export interface Engine extends Pick<CompiledEngine, "version" | "threads" | "scan" | "call" | "close"> {
  readonly name: EngineName;
}
