// Runs an ONNX model with onnxruntime-node. The only file that knows it.
import { env, InferenceSession, Tensor } from "onnxruntime-node";
import type { HostArray } from "./tree.js";

export const onnxruntimeVersion = env.versions.node;

/** A model that is ready to run. */
export class Session {
  private constructor(readonly session: InferenceSession) {}

  static async create(model: Uint8Array, threads: number): Promise<Session> {
    return new Session(
      await InferenceSession.create(model, {
        executionProviders: ["cpu"],
        executionMode: "sequential",
        graphOptimizationLevel: "all",
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
      }),
    );
  }

  /** Runs the model: arrays by the names of its inputs give arrays by the names of its outputs, which are float32. */
  async run(inputs: ReadonlyMap<string, HostArray>): Promise<Map<string, HostArray<Float32Array>>> {
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
