// Eager engines: run functions kernel by kernel on a TensorFlow.js backend, `tensorflow`, `wasm` or `cpu` (plain
// JavaScript, the reference).
import { setImmediate } from "node:timers/promises";
import {
  checkArrays,
  checkCarry,
  checkInto,
  type HostArray,
  HostLoop,
  type HostTree,
  leaves,
  mapTree,
  type Step,
  sizeOf,
  startBackend,
  stepsOf,
  tf,
  tidy,
  withBackend,
} from "./compiled/index.js";
import type { Engine, EngineName } from "./engine.js";
import { loadTensorflow } from "./tensorflow.js";
import { loadWasm } from "./wasm.js";

type FloatTree<T> = HostTree<T, Float32Array>;

/** @throws Error if the backend cannot be started */
export async function openEagerEngine(name: Exclude<EngineName, "compiled">, threads: number): Promise<Engine> {
  const register = {
    tensorflow: () => loadTensorflow(threads),
    wasm: loadWasm,
    cpu: undefined,
  };
  await startBackend(name, register[name]);
  const library =
    name === "tensorflow" ? loadTensorflow(threads) : { version: `TensorFlow.js ${tf.version_core}`, threads: 1 };
  const scanOn: Engine["scan"] = async (step, init, xs) => {
    checkArrays({ init, xs });
    return withBackend(name, () => scan(step, init, xs));
  };
  return {
    name,
    device: "cpu",
    ...library,
    scan: scanOn,
    loop: (step, init) => new HostLoop((carry, xs) => scanOn(step, carry as never, xs), init),
    call: async (fn, inputs, into) => {
      checkArrays(inputs);
      await setImmediate(); // lets timers and signal handlers run before the blocking call
      const results = await withBackend(name, () => toHost(fn(toTensors(inputs))));
      if (!into) return results;
      checkInto(into, results);
      const targets = new Map(leaves(into));
      for (const [path, { data }] of leaves(results)) targets.get(path)?.data.set(data);
      return into;
    },
    close: async () => {},
  };
}

function scan<Carry, X, Y>(
  step: Step<Carry, X, Y>,
  init: HostTree<Carry>,
  xs: HostTree<X>,
): [FloatTree<Carry>, FloatTree<Y>] {
  const steps = stepsOf(xs);
  const reports: FloatTree<Y>[] = [];
  let carry = toTensors(init);
  for (let i = 0; i < steps; i++) {
    const next = tidy(() => {
      const [next, y] = step(carry, toTensors<X>(mapTree(xs, (array: HostArray) => sliceLeading(array, i))));
      reports.push(toHost(y));
      return next;
    });
    if (i === 0) checkCarry(init, next);
    dispose(carry);
    carry = next;
  }
  return [toHost(carry), stack(reports)];
}

function toTensors<T>(tree: HostTree<T>): T {
  const tensor = ({ data, shape }: HostArray) => tf.tensor(Float32Array.from(data), [...shape], "float32");
  return mapTree(tree, tensor) as T;
}

/** Copies tensors to host arrays and disposes of them, even if the function kept them. */
function toHost<T>(tree: T): FloatTree<T> {
  const host = mapTree(tree, (tensor: tf.Tensor): HostArray<Float32Array> => {
    return { data: Float32Array.from(tensor.dataSync()), shape: tensor.shape };
  });
  dispose(tree);
  return host;
}

function dispose(tree: unknown): void {
  for (const [, tensor] of leaves<tf.Tensor>(tree)) tensor.dispose();
}

/** Row `i` of an [N, …] array. Shares its memory. */
function sliceLeading({ data, shape }: HostArray, i: number): HostArray {
  const rowShape = shape.slice(1);
  const size = sizeOf(rowShape);
  return { data: data.subarray(i * size, (i + 1) * size), shape: rowShape };
}

/** Stacks N trees of […] arrays into one tree of [N, …] arrays. */
function stack<Y>(trees: FloatTree<Y>[]): FloatTree<Y> {
  const rows = trees.map((tree) => new Map(leaves(tree)));
  return mapTree(trees[0], ({ data: { length }, shape }: HostArray<Float32Array>, path: string) => {
    const data = new Float32Array(trees.length * length);
    for (const [i, row] of rows.entries()) data.set((row.get(path) as HostArray).data, i * length);
    return { data, shape: [trees.length, ...shape] };
  });
}
