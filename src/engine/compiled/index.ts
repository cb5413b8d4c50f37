// The compiled engine: `jax.jit` and `lax.scan` for TensorFlow.js. Traces a function once for each set of shapes,
// lowers it to ONNX and caches the program. A whole chunk of training steps is one call into onnxruntime.
import {
  callProgram,
  checkArrays,
  checkInto,
  type Program,
  type Step,
  scanProgram,
  stepsOf,
  typeOf,
  withoutLeadingAxis,
} from "./program.js";
import { onnxruntimeVersion, Session } from "./session.js";
import type { Spec } from "./trace.js";
import { type HostArray, type HostTree, leaves, mapTree } from "./tree.js";

export type { Step } from "./program.js";
export { checkArrays, checkCarry, checkInto, stepsOf } from "./program.js";
export { tf } from "./tf.js";
export type { HostArray, HostTree, MapTree, Tree } from "./tree.js";
export { leaves, mapTree, sizeOf } from "./tree.js";
export { startBackend, tidy, withBackend } from "./with-backend.js";

type Loaded = { readonly session: Session; readonly outputs: unknown };

/** Runs pure functions of tensors on host arrays. Byte inputs become float32, unscaled; results are float32. */
export class CompiledEngine {
  readonly name = "compiled";
  /** Cache: by function, then by the names, types and shapes of its inputs. */
  readonly #programs = new Map<unknown, Map<string, Promise<Loaded>>>();

  constructor(readonly threads = 1) {}

  /** Name and version of the runtime: `onnxruntime 1.30.0`. @throws Error if it is not installed */
  get version(): string {
    return `onnxruntime ${onnxruntimeVersion()}`;
  }

  /**
   * Runs `step` over the leading axis of `xs`, as `lax.scan` does: [N, …] arrays give N steps.
   *
   * @returns the last carry, and the outputs of all steps, stacked to [N, …] arrays
   * @throws Error if a kernel, which it names, cannot be compiled
   */
  async scan<Carry, X, Y>(
    step: Step<Carry, X, Y>,
    init: HostTree<Carry>,
    xs: HostTree<X>,
  ): Promise<[carry: HostTree<Carry, Float32Array>, ys: HostTree<Y, Float32Array>]> {
    const inputs = { carry: init, x: xs };
    checkArrays(inputs);
    stepsOf(xs);
    const perStep = { carry: init, x: mapTree(xs, withoutLeadingAxis) };
    const outputs = await this.#run(step, perStep, () => scanProgram(step, init, xs), inputs);
    return [outputs.final, outputs.y];
  }

  /**
   * Runs a function once, as `jax.jit` does.
   *
   * @param into receives the results and is returned, which saves allocations
   * @throws Error if a kernel, which it names, cannot be compiled, or the names or shapes of `into` do not match
   */
  async call<Inputs, Outputs>(
    fn: (inputs: Inputs) => Outputs,
    inputs: HostTree<Inputs>,
    into?: HostTree<Outputs, Float32Array>,
  ): Promise<HostTree<Outputs, Float32Array>> {
    checkArrays(inputs);
    return this.#run(fn, inputs, () => callProgram(fn, inputs), inputs, into);
  }

  /** Frees all programs. */
  async close(): Promise<void> {
    const programs = [...this.#programs.values()].flatMap((byShape) => [...byShape.values()]);
    this.#programs.clear();
    const loaded = await Promise.allSettled(programs);
    for (const program of loaded) if (program.status === "fulfilled") await program.value.session.close();
  }

  /** @param shapes arrays whose names, types and shapes are the cache key */
  async #run<Outputs>(
    fn: unknown,
    shapes: unknown,
    compile: () => Promise<Program<Outputs>>,
    inputs: unknown,
    into?: HostTree<Outputs, Float32Array>,
  ): Promise<HostTree<Outputs, Float32Array>> {
    const key = String(leaves(shapes).map(([path, array]) => `${path}:${typeOf(array)}[${array.shape}]`));
    const byShape = this.#programs.get(fn) ?? new Map<string, Promise<Loaded>>();
    this.#programs.set(fn, byShape);
    let loading = byShape.get(key);
    if (!loading) {
      loading = compile().then(async ({ model, outputs }) => {
        return { session: await Session.create(model, this.threads), outputs };
      });
      loading.catch(() => byShape.delete(key));
      byShape.set(key, loading);
    }
    const { session, outputs } = await loading;
    if (into) {
      checkInto(into, outputs);
      const names = new Map(leaves<Spec>(outputs).map(([path, { name }]) => [path, name]));
      const places = leaves(into).map(([path, array]): [string, HostArray] => [names.get(path) as string, array]);
      await session.run(new Map(leaves(inputs)), new Map(places));
      return into;
    }
    const results = await session.run(new Map(leaves(inputs)));
    return mapTree(outputs, ({ name }: Spec) => results.get(name)) as HostTree<Outputs, Float32Array>;
  }
}
