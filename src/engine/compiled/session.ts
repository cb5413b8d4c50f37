// Runs ONNX models. In this process, the only file that uses onnxruntime-node; gpu.ts tries it in another one.
import { open, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { arch, env, platform } from "node:process";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { HostArray } from "./tree.js";

type Onnxruntime = typeof import("onnxruntime-node");

const require = createRequire(import.meta.url);

/** @throws Error if onnxruntime-node is not installed */
export function onnxruntimeVersion(): string {
  return require("onnxruntime-node/package.json").version;
}

let loading: Promise<Onnxruntime> | undefined;

/** The log level that hides warnings of operators on shapes, which run on the processor. */
const FATAL = 4;

/** The processor, or a GPU by WebGPU: Vulkan on Linux, Metal on macOS, D3D12 on Windows. */
export type Device = "cpu" | "gpu";

/** An array in the memory of the GPU. `dispose` frees it. */
export type DeviceArray = Pick<Tensor, "location" | "dispose">;

/** The number of a step, which operators read on the processor. */
export interface IndexArray {
  readonly data: BigInt64Array;
  readonly shape: readonly number[];
}

type Inputs = ReadonlyMap<string, HostArray | DeviceArray | IndexArray>;

/** The GPU failed: it has too little memory, its driver failed, or it was removed. */
export class GpuError extends Error {
  override readonly name = "GpuError";
  /** Marks a failure of the system, as Node.js does. */
  readonly syscall = "WebGPU";

  constructor(cause: unknown) {
    const text = cause instanceof Error ? cause.message : String(cause);
    super(explain(text), { cause });
  }
}

/**
 * onnxruntime reports the use of a buffer that could not be allocated, a size above a limit of the GPU, or that a node
 * found a size above 32 bits.
 */
const TOO_LARGE = new RegExp(
  [
    "invalid due to a previous error",
    "out.?of.?(device.|host.)?memory",
    "exceeds the max buffer size",
    "larger than the maximum storage buffer binding size",
    "Status Message: narrowing_error",
  ].join("|"),
  "i",
);

const LOST = /\blost\b/i;

/**
 * Other failures of the device or its driver. Errors name the file that threw them: those that reject operands are in
 * subfolders of the provider.
 */
const OF_PROVIDER = /WebGPU (validation|device|adapter|error)|providers[\\/]webgpu[\\/]\w+\./;

function explain(text: string): string {
  if (TOO_LARGE.test(text))
    return "The GPU has too little memory for this batch and model: give a smaller `batchSize`, or `device: cpu`";
  if (LOST.test(text)) return "The GPU was lost: it was reset or removed";
  return `The GPU failed: ${text
    .replace(/^.*Status Message: /s, "")
    .split("\n")[0]
    .replace(/^.* was false\. /, "") // the source file, the function and the condition
    .trim()}`;
}

/** A loaded model. */
export class Session {
  private constructor(
    private readonly onnxruntime: Onnxruntime,
    private readonly session: InferenceSession,
    private readonly device: Device,
  ) {}

  /**
   * The first call loads onnxruntime.
   *
   * @param onDevice names of outputs that stay in the memory of the GPU
   * @throws Error if onnxruntime cannot be loaded or rejects the model
   * @throws GpuError if the GPU fails
   */
  static async create(
    model: Uint8Array,
    threads: number,
    device: Device = "cpu",
    onDevice: readonly string[] = [],
  ): Promise<Session> {
    loading ??= load();
    const onnxruntime = await loading;
    const isGpu = device === "gpu";
    const creating = onnxruntime.InferenceSession.create(model, {
      executionProviders: [isGpu ? "webgpu" : "cpu"],
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      ...(isGpu && {
        logSeverityLevel: FATAL,
        preferredOutputLocation: Object.fromEntries(onDevice.map((name) => [name, "gpu-buffer"] as const)),
      }),
    });
    return new Session(onnxruntime, await (isGpu ? onGpu(creating) : creating), device);
  }

  /**
   * Computes float32 outputs, by name, from inputs, by name.
   *
   * @param outputs receive the results and are returned
   * @throws GpuError if the GPU fails
   */
  async run(inputs: Inputs, outputs?: ReadonlyMap<string, HostArray>): Promise<Map<string, HostArray<Float32Array>>> {
    if (outputs) {
      free(await this.#run(inputs, outputs));
      return new Map(outputs as ReadonlyMap<string, HostArray<Float32Array>>);
    }
    const results = Object.entries(await this.#run(inputs));
    return new Map(results.map(([name, { data, dims }]) => [name, { data: data as Float32Array, shape: dims }]));
  }

  /** Computes outputs that all stay in the memory of the GPU. @throws GpuError if the GPU fails */
  async runOnDevice(inputs: Inputs): Promise<Map<string, DeviceArray>> {
    return new Map(Object.entries(await this.#run(inputs)));
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  #run(inputs: Inputs, outputs?: Inputs): Promise<InferenceSession.OnnxValueMapType> {
    const feeds = this.#wrap(inputs);
    const running = outputs ? this.session.run(feeds, this.#wrap(outputs)) : this.session.run(feeds);
    return this.device === "gpu" ? onGpu(running) : running;
  }

  #wrap(arrays: Inputs): Record<string, Tensor> {
    const { Tensor } = this.onnxruntime;
    const wrapped = [...arrays].map(([name, array]): [string, Tensor] => {
      if (!("data" in array) || "location" in array) return [name, array as Tensor];
      const { data, shape } = array;
      if (data instanceof Float32Array) return [name, new Tensor("float32", data, shape)];
      if (data instanceof Uint8Array) return [name, new Tensor("uint8", data, shape)];
      return [name, new Tensor("int64", data, shape)];
    });
    return Object.fromEntries(wrapped);
  }
}

/** Throws a failure of the GPU as `GpuError`. Other errors, such as an invalid graph, are mistakes of the caller. */
async function onGpu<Result>(running: Promise<Result>): Promise<Result> {
  try {
    return await running;
  } catch (error) {
    const isOfGpu = [TOO_LARGE, LOST, OF_PROVIDER].some((pattern) => pattern.test(String(error)));
    throw isOfGpu ? new GpuError(error) : error;
  }
}

const { port1: bin, port2: end } = new MessageChannel();
end.close();

/**
 * Frees arrays at once, by transferring them to a closed message port. Even with preallocated outputs, onnxruntime-node
 * copies the results. Left to the garbage collector, these copies would take new memory at every call.
 */
function free(results: InferenceSession.OnnxValueMapType): void {
  bin.postMessage(
    null,
    Object.values(results).map(({ data }) => (data as Float32Array<ArrayBuffer>).buffer),
  );
}

/**
 * Loads onnxruntime with telemetry disabled. Otherwise version 1.30 writes an identifier and a database to the user's
 * home, prints a coloured warning if it cannot, and crashes if the command line exceeds 28 kB.
 */
async function load(): Promise<Onnxruntime> {
  env.ORT_DISABLE_TELEMETRY ??= "1";
  await checkLibraries();
  const onnxruntime = await import("onnxruntime-node");
  // Prints no errors, which are thrown too. Only the first session of a process, on any device, reads the level.
  onnxruntime.env.logLevel = "fatal";
  return onnxruntime;
}

/**
 * Guards against truncated libraries: Linux kills a process that loads one (SIGBUS).
 *
 * @throws Error if a library is shorter than its ELF header says
 */
async function checkLibraries(): Promise<void> {
  if (platform !== "linux") return;
  const folder = path.join(path.dirname(require.resolve("onnxruntime-node")), "../bin/napi-v6/linux", arch);
  const names = await readdir(folder).catch(() => []); // import() reports a missing folder
  for (const name of names.filter((name) => /\.(node|so)\b/.test(name))) {
    const file = await open(path.join(folder, name));
    try {
      const header = new DataView(new ArrayBuffer(64));
      await file.read(header, 0, 64);
      const isElf = header.getUint32(0) === 0x7f454c46; // import() reports other files
      // A 64-bit ELF file ends with its section headers: e_shnum of e_shentsize bytes each, at e_shoff.
      const end = Number(header.getBigUint64(0x28, true)) + header.getUint16(0x3a, true) * header.getUint16(0x3c, true);
      if (isElf && (await file.stat()).size < Math.max(end, 64)) throw new Error(`${name} is truncated`);
    } finally {
      await file.close();
    }
  }
}
