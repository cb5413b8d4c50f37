// The compiled engine: `jax.jit` and `lax.scan` for TensorFlow.js. Traces a function once for each set of shapes,
// lowers it to ONNX and caches the program. A whole chunk of training steps is one call into onnxruntime.
import { DeviceLoop, DeviceStep } from "./device-loop.js";
import { HostLoop, type Loop } from "./loop.js";
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
import { type Device, onnxruntimeVersion, Session } from "./session.js";
import type { Spec } from "./trace.js";
import { type HostArray, type HostTree, leaves, mapTree } from "./tree.js";

export { findGpu, type GpuReport, nameOfGpu } from "./gpu.js";
export { HostLoop, type Loop } from "./loop.js";
export type { Step } from "./program.js";
export { checkArrays, checkCarry, checkInto, stepsOf } from "./program.js";
export { type Device, GpuError } from "./session.js";
export { tf } from "./tf.js";
export type { HostArray, HostTree, MapTree, Tree } from "./tree.js";
export { leaves, mapTree, sizeOf } from "./tree.js";
export { startBackend, tidy, withBackend } from "./with-backend.js";

type Loaded = { readonly session: Session; readonly outputs: unknown };

/** Runs pure functions of tensors on host arrays. Byte inputs become float32, unscaled; results are float32. */
export class CompiledEngine {
  readonly name = "compiled";
  readonly #programs = new Cache<Loaded>(({ session }) => session.close());
  readonly #steps = new Cache<DeviceStep>((step) => step.close());
  readonly #loops: { close(): void }[] = [];

  /** @param device where functions run */
  constructor(
    readonly threads = 1,
    readonly device: Device = "cpu",
  ) {}

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
    if (this.device === "gpu") {
      const loop = this.#onDevice(step, init);
      try {
        const ys = await loop.run(xs);
        return [await loop.carry(), ys];
      } finally {
        loop.close();
      }
    }
    const load = async () => this.#load(await scanProgram(step, init, xs));
    const program = await this.#programs.get(step, perStep(init, xs), load);
    const outputs = await run<{ final: Carry; y: Y }>(program, inputs);
    return [outputs.final, outputs.y];
  }

  /**
   * Starts a loop of steps, which keeps its carry on the device until it or the engine is closed. `scan` on parts of the
   * inputs gives the same results, but on a GPU copies the carry up and down each time.
   */
  loop<Carry, X, Y>(step: Step<Carry, X, Y>, init: HostTree<Carry, Float32Array>): Loop<Carry, X, Y> {
    if (this.device === "gpu") {
      const loop = this.#onDevice(step, init as HostTree<Carry>);
      this.#loops.push(loop);
      return loop;
    }
    return new HostLoop((carry, xs) => this.scan(step, carry as HostTree<Carry>, xs), init);
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
    const load = async () => this.#load(await callProgram(fn, inputs));
    return run(await this.#programs.get(fn, inputs, load), inputs, into);
  }

  /** Frees all programs and loops. */
  async close(): Promise<void> {
    for (const loop of this.#loops.splice(0)) loop.close();
    await this.#programs.close();
    await this.#steps.close();
  }

  #onDevice<Carry, X, Y>(step: Step<Carry, X, Y>, init: HostTree<Carry>): DeviceLoop<Carry, X, Y> {
    const open = (xs: HostTree<X>) =>
      this.#steps.get(step, perStep(init, xs), () => DeviceStep.create(step, init, xs, this.threads));
    return new DeviceLoop(open, init);
  }

  async #load({ model, outputs }: Program<unknown>): Promise<Loaded> {
    const { threads, device } = this;
    return { session: await Session.create(model, threads, device), outputs };
  }
}

async function run<Outputs>(
  { session, outputs }: Loaded,
  inputs: unknown,
  into?: HostTree<Outputs, Float32Array>,
): Promise<HostTree<Outputs, Float32Array>> {
  if (into) {
    checkInto(into, outputs);
    const names = new Map(leaves<Spec>(outputs).map(([path, { name }]) => [path, name]));
    const places = leaves(into).map(([path, array]): [string, HostArray] => [names.get(path) as string, array]);
    await session.run(new Map(leaves(inputs)), new Map(places));
    return into;
  }
  const results = await session.run(new Map(leaves(inputs)));
  return mapTree(outputs as object, ({ name }: Spec) => results.get(name)) as HostTree<Outputs, Float32Array>;
}

/** What a step gets: the chunk without its leading axis. */
function perStep(init: unknown, xs: unknown) {
  return { carry: init, x: mapTree(xs as object, withoutLeadingAxis) };
}

/** Compiled programs: by function, then by the names, types and shapes of its inputs. */
class Cache<Loaded> {
  readonly #programs = new Map<unknown, Map<string, Promise<Loaded>>>();

  constructor(private readonly free: (program: Loaded) => Promise<void>) {}

  async get(fn: unknown, inputs: unknown, load: () => Promise<Loaded>): Promise<Loaded> {
    const key = String(leaves(inputs).map(([path, array]) => `${path}:${typeOf(array)}[${array.shape}]`));
    const byShape = this.#programs.get(fn) ?? new Map<string, Promise<Loaded>>();
    this.#programs.set(fn, byShape);
    let loading = byShape.get(key);
    if (!loading) {
      loading = load();
      loading.catch(() => byShape.delete(key));
      byShape.set(key, loading);
    }
    return loading;
  }

  async close(): Promise<void> {
    const programs = [...this.#programs.values()].flatMap((byShape) => [...byShape.values()]);
    this.#programs.clear();
    const loaded = await Promise.allSettled(programs);
    for (const program of loaded) if (program.status === "fulfilled") await this.free(program.value);
  }
}
