// Runs functions kernel by kernel on a backend of TensorFlow.js: `tensorflow`, `wasm`, or `cpu`, plain JavaScript and the reference.
import { createRequire } from "node:module";
import { setImmediate } from "node:timers/promises";
import {
  checkArrays,
  checkCarry,
  type HostArray,
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

type FloatTree<T> = HostTree<T, Float32Array>;
type Backend = Exclude<EngineName, "compiled">;

/** @throws Error if the backend cannot be started */
export async function openEagerEngine(name: Backend, threads: number): Promise<Engine> {
  await startBackend(
    name,
    {
      tensorflow: () => loadTensorflow(threads),
      wasm: () => createRequire(import.meta.url)("@tensorflow/tfjs-backend-wasm"),
      cpu: undefined,
    }[name],
  );
  const tensorflow = name === "tensorflow" ? loadTensorflow(threads) : undefined;
  return new EagerEngine(name, tensorflow?.version ?? `TensorFlow.js ${tf.version_core}`, tensorflow?.threads ?? 1);
}

class EagerEngine implements Engine {
  constructor(
    readonly name: Backend,
    readonly version: string,
    readonly threads: number,
  ) {}

  async scan<Carry, X, Y>(
    step: Step<Carry, X, Y>,
    init: HostTree<Carry>,
    xs: HostTree<X>,
  ): Promise<[FloatTree<Carry>, FloatTree<Y>]> {
    checkArrays({ init, xs });
    return withBackend(this.name, () => scanEagerly(step, init, xs));
  }

  async call<Inputs, Outputs>(fn: (inputs: Inputs) => Outputs, inputs: HostTree<Inputs>): Promise<FloatTree<Outputs>> {
    checkArrays(inputs);
    await setImmediate(); // lets timers and signals have their turn: all that follows blocks
    return withBackend(this.name, () => {
      const tensors = toTensors(inputs);
      try {
        const outputs = tidy(() => fn(tensors));
        const host = toHost(outputs);
        dispose(outputs);
        return host;
      } finally {
        dispose(tensors);
      }
    });
  }

  async close(): Promise<void> {}
}

function scanEagerly<Carry, X, Y>(
  step: Step<Carry, X, Y>,
  init: HostTree<Carry>,
  xs: HostTree<X>,
): [FloatTree<Carry>, FloatTree<Y>] {
  const steps = stepsOf(xs);
  let carry = toTensors(init);
  const reports: FloatTree<Y>[] = [];
  try {
    for (let i = 0; i < steps; i++) {
      const x = toTensors<X>(mapTree(xs, (array: HostArray) => sliceLeading(array, i)));
      try {
        const [next, y] = tidy(() => step(carry, x));
        reports.push(toHost(y));
        dispose(carry, y);
        carry = next;
      } finally {
        dispose(x);
      }
      if (i === 0) checkCarry(init, carry);
    }
    return [toHost(carry), stack(reports)];
  } finally {
    dispose(carry);
  }
}

function toTensors<T>(tree: HostTree<T>): T {
  const tensor = ({ data, shape }: HostArray) => tf.tensor(Float32Array.from(data), [...shape], "float32");
  return mapTree(tree, tensor) as T;
}

function toHost<T>(tree: T): FloatTree<T> {
  return mapTree(
    tree,
    (tensor: tf.Tensor): HostArray<Float32Array> => ({
      data: Float32Array.from(tensor.dataSync()),
      shape: tensor.shape,
    }),
  );
}

function dispose(...trees: unknown[]): void {
  for (const tree of trees) for (const [, tensor] of leaves<tf.Tensor>(tree)) tensor.dispose();
}

/** Row `i` of [N, …], without copying. */
function sliceLeading({ data, shape }: HostArray, i: number): HostArray {
  const rowShape = shape.slice(1);
  const size = sizeOf(rowShape);
  return { data: data.subarray(i * size, (i + 1) * size), shape: rowShape };
}

/** Trees of […] arrays to one of [N, …] arrays. */
function stack<Y>(trees: FloatTree<Y>[]): FloatTree<Y> {
  const rows = trees.map((tree) => new Map(leaves(tree)));
  const stacked = ({ shape }: HostArray<Float32Array>, path: string) => {
    const size = sizeOf(shape);
    const data = new Float32Array(trees.length * size);
    rows.forEach((row, i) => {
      data.set((row.get(path) as HostArray).data, i * size);
    });
    return { data, shape: [trees.length, ...shape] };
  };
  return mapTree(trees[0], stacked);
}
