// The compiled engine: what `jax.jit` and `lax.scan` are to JAX, for TensorFlow.js. A function is traced once for each
// set of shapes (trace.ts), its kernels lowered to ONNX (kernels.ts, graph.ts), and the program kept, so that a whole chunk
// of training steps is one call into onnxruntime (session.ts).
import {
  callProgram,
  checkArrays,
  type Program,
  type Step,
  scanProgram,
  stepsOf,
  typeOf,
  withoutLeadingAxis,
} from "./program.js";
import { onnxruntimeVersion, Session } from "./session.js";
import type { OutputSpec } from "./trace.js";
import { type HostTree, leaves, mapTree } from "./tree.js";

export type { Step } from "./program.js";
export { checkArrays, checkCarry, stepsOf } from "./program.js";
export { tf } from "./tf.js";
export type { HostArray, HostTree, MapTree, Tree } from "./tree.js";
export { leaves, mapTree, sizeOf } from "./tree.js";
export { startBackend, tidy, withBackend } from "./with-backend.js";

/** A program that onnxruntime has taken. */
interface Loaded {
  readonly session: Session;
  readonly outputs: Program<unknown>["outputs"];
}

/** Runs pure functions of tensors. Arrays of the host go in and come out; bytes arrive in the function as float32, unscaled. */
export class CompiledEngine {
  readonly name = "compiled";
  /** By function, then by the names, types and shapes of its inputs. */
  readonly #programs = new Map<unknown, Map<string, Promise<Loaded>>>();

  constructor(readonly threads = 1) {}

  /** The runtime and its version, such as `onnxruntime 1.30.0`. @throws Error if it is not installed */
  get version(): string {
    return `onnxruntime ${onnxruntimeVersion()}`;
  }

  /**
   * Runs `step` over the leading axis of `xs`, as `lax.scan` does: [N, …] arrays give N steps.
   *
   * @returns the last carry, and what the steps reported, stacked to [N, …] arrays
   * @throws Error that names the kernel, if the step uses one that cannot be compiled
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
    return [outputs.carry, outputs.y];
  }

  /**
   * Runs a function once, as what `jax.jit` gives back does.
   *
   * @throws Error that names the kernel, if the function uses one that cannot be compiled
   */
  async call<Inputs, Outputs>(
    fn: (inputs: Inputs) => Outputs,
    inputs: HostTree<Inputs>,
  ): Promise<HostTree<Outputs, Float32Array>> {
    checkArrays(inputs);
    return this.#run(fn, inputs, () => callProgram(fn, inputs), inputs);
  }

  /** Frees the programs. */
  async close(): Promise<void> {
    const programs = [...this.#programs.values()].flatMap((byShape) => [...byShape.values()]);
    this.#programs.clear();
    const opened = await Promise.allSettled(programs);
    for (const program of opened) if (program.status === "fulfilled") await program.value.session.close();
  }

  async #run<Inputs, Outputs>(
    fn: unknown,
    shapes: unknown,
    compile: () => Promise<Program<Outputs>>,
    inputs: Inputs,
  ): Promise<HostTree<Outputs, Float32Array>> {
    const { session, outputs } = await this.#load(fn, shapes, compile);
    const results = await session.run(new Map(leaves(inputs)));
    return mapTree(outputs, ({ name }: OutputSpec) => results.get(name)) as HostTree<Outputs, Float32Array>;
  }

  #load(fn: unknown, inputs: unknown, compile: () => Promise<Program<unknown>>): Promise<Loaded> {
    const key = leaves(inputs)
      .map(([path, array]) => `${path}:${typeOf(array)}[${array.shape}]`)
      .join();
    const byShape = this.#programs.get(fn) ?? new Map<string, Promise<Loaded>>();
    this.#programs.set(fn, byShape);
    let program = byShape.get(key);
    if (!program) {
      program = compile().then(async ({ model, outputs }) => ({
        session: await Session.create(model, this.threads),
        outputs,
      }));
      program.catch(() => byShape.delete(key));
      byShape.set(key, program);
    }
    return program;
  }
}
