// Runs ONNX models. The only file that uses onnxruntime-node.
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

/** A loaded model. */
export class Session {
  private constructor(
    private readonly onnxruntime: Onnxruntime,
    private readonly session: InferenceSession,
  ) {}

  /** The first call loads onnxruntime. @throws Error if that fails, or onnxruntime rejects the model */
  static async create(model: Uint8Array, threads: number): Promise<Session> {
    loading ??= load();
    const onnxruntime = await loading;
    const session = await onnxruntime.InferenceSession.create(model, {
      executionProviders: ["cpu"],
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
    });
    return new Session(onnxruntime, session);
  }

  /**
   * Computes float32 outputs, by name, from inputs, by name.
   *
   * @param outputs receive the results and are returned
   */
  async run(
    inputs: ReadonlyMap<string, HostArray>,
    outputs?: ReadonlyMap<string, HostArray>,
  ): Promise<Map<string, HostArray<Float32Array>>> {
    const { Tensor } = this.onnxruntime;
    const wrap = (arrays: ReadonlyMap<string, HostArray>) => {
      const tensors = [...arrays].map(([name, { data, shape }]): [string, Tensor] => [
        name,
        data instanceof Float32Array ? new Tensor("float32", data, shape) : new Tensor("uint8", data, shape),
      ]);
      return Object.fromEntries(tensors);
    };
    if (outputs) {
      free(await this.session.run(wrap(inputs), wrap(outputs)));
      return new Map(outputs as ReadonlyMap<string, HostArray<Float32Array>>);
    }
    const results = Object.entries(await this.session.run(wrap(inputs)));
    return new Map(results.map(([name, { data, dims }]) => [name, { data: data as Float32Array, shape: dims }]));
  }

  async close(): Promise<void> {
    await this.session.release();
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
  return import("onnxruntime-node");
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
