// Runs an ONNX model with onnxruntime-node. The only file that knows it.
import { open, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { arch, platform } from "node:process";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { HostArray } from "./tree.js";

type Onnxruntime = typeof import("onnxruntime-node");

const require = createRequire(import.meta.url);

/** The version of onnxruntime-node. @throws Error if it is not installed */
export function onnxruntimeVersion(): string {
  return require("onnxruntime-node/package.json").version;
}

/** A model that is ready to run. */
export class Session {
  private constructor(
    private readonly onnxruntime: Onnxruntime,
    private readonly session: InferenceSession,
  ) {}

  /**
   * Loads onnxruntime at the first call, so that a caller can catch the error of a missing or damaged native library.
   *
   * @throws Error if onnxruntime cannot be loaded, or refuses the model
   */
  static async create(model: Uint8Array, threads: number): Promise<Session> {
    const onnxruntime = await load();
    const session = await onnxruntime.InferenceSession.create(model, {
      executionProviders: ["cpu"],
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
    });
    return new Session(onnxruntime, session);
  }

  /** Runs the model: arrays by the names of its inputs give arrays by the names of its outputs, which are float32. */
  async run(inputs: ReadonlyMap<string, HostArray>): Promise<Map<string, HostArray<Float32Array>>> {
    const { Tensor } = this.onnxruntime;
    const feeds: Record<string, Tensor> = {};
    for (const [name, { data, shape }] of inputs) {
      feeds[name] =
        data instanceof Float32Array ? new Tensor("float32", data, shape) : new Tensor("uint8", data, shape);
    }
    const results = await this.session.run(feeds);
    return new Map(
      Object.entries(results).map(([name, { data, dims }]) => [name, { data: data as Float32Array, shape: dims }]),
    );
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

let loading: Promise<Onnxruntime> | undefined;

function load(): Promise<Onnxruntime> {
  loading ??= checkLibraries().then(() => import("onnxruntime-node"));
  return loading;
}

/**
 * Linux kills a process that loads a truncated library (SIGBUS), so the files are checked first.
 *
 * @throws Error if onnxruntime-node is not installed, or one of its native libraries is shorter than its header says
 */
async function checkLibraries(): Promise<void> {
  if (platform !== "linux") return;
  const folder = path.join(path.dirname(require.resolve("onnxruntime-node")), "../bin/napi-v6/linux", arch);
  const names = await readdir(folder).catch(() => []); // a missing folder is an error of the import that follows
  for (const name of names.filter((name) => /\.(node|so)\b/.test(name))) {
    const file = await open(path.join(folder, name));
    try {
      const header = new DataView(new ArrayBuffer(64));
      await file.read(header, 0, 64);
      const isElf = header.getUint32(0) === 0x7f454c46; // else the system refuses it with an error
      // A 64-bit ELF file ends with its section headers: e_shnum of e_shentsize bytes each, at e_shoff.
      const end = Number(header.getBigUint64(0x28, true)) + header.getUint16(0x3a, true) * header.getUint16(0x3c, true);
      if (isElf && (await file.stat()).size < Math.max(end, 64)) throw new Error(`${name} is truncated`);
    } finally {
      await file.close();
    }
  }
}
