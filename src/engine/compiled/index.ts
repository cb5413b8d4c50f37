// The compiled engine: what `jax.jit` and `lax.scan` are to JAX, for TensorFlow.js. A function is traced once for each
// set of shapes (trace.ts), its kernels lowered to ONNX (kernels.ts, graph.ts), and the program kept, so that a whole chunk
// of training steps is one call into onnxruntime (session.ts).
import type { Hosted, Program, Step } from "./program.js";
import { callProgram, checkArrays, scanProgram, stepsOf, typeOf, withoutLeadingAxis } from "./program.js";
import { onnxruntimeVersion, Session } from "./session.js";
import type { HostArray, Tree } from "./tree.js";
import { leaves, mapTree } from "./tree.js";

export type { Hosted, Step } from "./program.js";
export type { HostArray, Tree } from "./tree.js";

/** A program that onnxruntime has taken. */
interface Loaded {
  readonly session: Session;
  readonly outputs: Program["outputs"];
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
    init: Hosted<Carry>,
    xs: Hosted<X>,
  ): Promise<[carry: Hosted<Carry>, ys: Hosted<Y>]> {
    const inputs = { carry: init as Tree<HostArray>, x: xs as Tree<HostArray> };
    checkArrays(inputs);
    stepsOf(inputs.x);
    const perStep = { carry: inputs.carry, x: mapTree(inputs.x, withoutLeadingAxis) };
    const program = await this.#load(step, perStep, () => scanProgram(step, inputs.carry, inputs.x));
    const outputs = (await run(program, inputs)) as { carry: Hosted<Carry>; y: Hosted<Y> };
    return [outputs.carry, outputs.y];
  }

  /**
   * Runs a function once, as what `jax.jit` gives back does.
   *
   * @throws Error that names the kernel, if the function uses one that cannot be compiled
   */
  async call<Inputs, Outputs>(fn: (inputs: Inputs) => Outputs, inputs: Hosted<Inputs>): Promise<Hosted<Outputs>> {
    const tree = inputs as Tree<HostArray>;
    checkArrays(tree);
    const program = await this.#load(fn, tree, () => callProgram(fn, tree));
    return (await run(program, tree)) as Hosted<Outputs>;
  }

  /** Frees the programs. */
  async close(): Promise<void> {
    const programs = [...this.#programs.values()].flatMap((byShape) => [...byShape.values()]);
    this.#programs.clear();
    const opened = await Promise.allSettled(programs);
    for (const program of opened) if (program.status === "fulfilled") await program.value.session.close();
  }

  #load(fn: unknown, inputs: Tree<HostArray>, write: () => Promise<Program>): Promise<Loaded> {
    const key = leaves(inputs)
      .map(([path, array]) => `${path}:${typeOf(array)}[${array.shape}]`)
      .join();
    const byShape = this.#programs.get(fn) ?? new Map<string, Promise<Loaded>>();
    this.#programs.set(fn, byShape);
    let program = byShape.get(key);
    if (!program) {
      program = write().then(async ({ model, outputs }) => ({
        session: await Session.create(model, this.threads),
        outputs,
      }));
      program.catch(() => byShape.delete(key));
      byShape.set(key, program);
    }
    return program;
  }
}

async function run({ session, outputs }: Loaded, inputs: Tree<HostArray>): Promise<Tree<HostArray>> {
  const results = await session.run(new Map(leaves(inputs)));
  return mapTree(outputs, ({ name }) => results.get(name) as HostArray);
}
