// An explorer in this process, for tests: its server over HTTP, with models in the same process.
import { fileURLToPath } from "node:url";
import { ExploredModel } from "../../src/explore/explored-model.js";
import { answerCall } from "../../src/explore/model-calls.js";
import type { Models } from "../../src/explore/models.js";
import type { ModelCalls, PackedArray } from "../../src/explore/protocol.js";
import { createRoutes } from "../../src/explore/routes.js";
import { ExploredRuns } from "../../src/explore/runs.js";
import { startServer } from "../../src/explore/server.js";

const PAGE = fileURLToPath(new URL("../../dist/page", import.meta.url));

/** Models without processes of their own. */
class LocalModels implements Models {
  readonly #opened = new Map<string, ExploredModel>();

  async call(run: string, body: string): Promise<string> {
    const model = this.#opened.get(run) ?? new ExploredModel(run, 1);
    this.#opened.set(run, model);
    return JSON.stringify(await answerCall(model, JSON.parse(body)));
  }

  close(): void {}
}

export interface ExplorerOptions {
  readonly runs?: ExploredRuns;
  readonly models?: Models;
  readonly port?: number;
}

/** Starts a server. `call` requests an answer of a model, as the page does. */
export async function openExplorer(given?: string, options: ExplorerOptions = {}) {
  const { runs = new ExploredRuns(given), models = new LocalModels(), port = 0 } = options;
  const { address, close } = await startServer(await createRoutes(runs, models, PAGE), port);
  const post = (body: string, type = "application/json") =>
    fetch(`${address}model`, { method: "POST", headers: { "Content-Type": type }, body });
  return {
    address,
    post,
    async call<Call extends keyof ModelCalls>(
      run: string,
      call: Call,
      given: Parameters<ModelCalls[Call]>[0],
    ): Promise<ReturnType<ModelCalls[Call]>> {
      const response = await post(JSON.stringify({ run, call, ...given }));
      const answer = await response.text();
      if (!response.ok) throw new Error(`${response.status}: ${JSON.parse(answer).error}`);
      return JSON.parse(answer);
    },
    close,
  };
}

export type Explorer = Awaited<ReturnType<typeof openExplorer>>;

export function packFloats(values: ArrayLike<number>, shape: readonly number[]): PackedArray {
  const bytes = Buffer.from(Float32Array.from(values).buffer);
  return { dtype: "float32", shape, base64: bytes.toString("base64") };
}

export function packBytes(bytes: Uint8Array, shape: readonly number[]): PackedArray {
  return { dtype: "uint8", shape, base64: Buffer.from(bytes).toString("base64") };
}

export function floatsOf({ dtype, base64 }: PackedArray): Float32Array {
  if (dtype !== "float32") throw new Error("not floats");
  return new Float32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer);
}

export function bytesOf({ dtype, base64 }: PackedArray): Uint8Array {
  if (dtype !== "uint8") throw new Error("not bytes");
  return new Uint8Array(Buffer.from(base64, "base64"));
}
