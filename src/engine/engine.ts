// The interface of engines, which run pure tensor functions. Implemented in eager.ts and compiled/.
import type { CompiledEngine } from "./compiled/index.js";

export type { Device, GpuReport, HostTree, Loop, Step } from "./compiled/index.js";

/** Fastest first. */
export const ENGINE_NAMES = ["compiled", "tensorflow", "wasm", "cpu"] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];

/** Where engine compiled computes. The others use the processor. */
export const DEVICES = ["cpu", "gpu"] as const;

/** Runs pure functions of tensors on host arrays. `CompiledEngine` documents the methods. */
export interface Engine
  extends Pick<CompiledEngine, "version" | "threads" | "device" | "scan" | "loop" | "call" | "close"> {
  readonly name: EngineName;
}
