// Loads the WebAssembly kernels: loops that are several times slower in JavaScript.
import { loadFallback } from "./fallback.js";
import { KERNELS_WASM } from "./kernels-wasm.js";

/** TypeScript declares these for browsers only. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

/** The functions of kernels.wat. Arrays are byte offsets into `memory`. */
export interface Kernels {
  readonly memory: ArrayBuffer;
  adam(
    weights: number,
    gradients: number,
    m: number,
    v: number,
    count: number,
    beta1: number,
    beta2: number,
    stepSize: number,
    epsilon: number,
    retention: number,
  ): void;
  add(sums: number, added: number, count: number): void;
  bernoulli(state: number, out: number, words: number, threshold: number): void;
}

const PAGE_BYTES = 65536;

let module: object | undefined;

/** Creates an instance with `bytes` of memory, in JavaScript if WebAssembly fails. */
export function loadKernels(bytes: number): Kernels {
  try {
    return loadWasm(bytes);
  } catch {
    return loadFallback(bytes);
  }
}

/** Creates a WebAssembly instance. @throws Error if the processor lacks SIMD, or the address space is too small */
export function loadWasm(bytes: number): Kernels {
  module ??= new WebAssembly.Module(Buffer.from(KERNELS_WASM, "base64"));
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
  const { exports } = new WebAssembly.Instance(module, { host: { memory } });
  return { ...(exports as Omit<Kernels, "memory">), memory: memory.buffer };
}
