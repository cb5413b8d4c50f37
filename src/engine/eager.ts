// Runs functions kernel by kernel on a backend of TensorFlow.js: `tensorflow`, `wasm`, or `cpu`, plain JavaScript and the reference.
import { createRequire } from "node:module";
import { setImmediate } from "node:timers/promises";
import type { HostArray, Tree } from "../tree.js";
import { leaves, mapTree, sizeOf } from "../tree.js";
import { checkArrays, checkCarry, stepsOf } from "./compiled/program.js";
import { tf } from "./compiled/tf.js";
import { startBackend, withBackend } from "./compiled/with-backend.js";
import type { Engine, EngineName, Hosted, Step } from "./engine.js";
import { loadTensorflow } from "./tensorflow.js";

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
    init: Hosted<Carry>,
    xs: Hosted<X>,
  ): Promise<[Hosted<Carry>, Hosted<Y>]> {
    checkArrays({ init, xs } as unknown as Tree<HostArray>);
    return withBackend(this.name, () => scanEagerly(step, init, xs));
  }

  async call<Inputs, Outputs>(fn: (inputs: Inputs) => Outputs, inputs: Hosted<Inputs>): Promise<Hosted<Outputs>> {
    checkArrays(inputs as Tree<HostArray>);
    await setImmediate(); // lets timers and signals have their turn: all that follows blocks
    return withBackend(this.name, () => {
      const tensors = toTensors(inputs as Tree<HostArray>);
      try {
        const outputs = tf.tidy(() => fn(tensors as Inputs) as tf.TensorContainer) as Tree<tf.Tensor>;
        const host = toHost(outputs);
        dispose(outputs);
        return host as Hosted<Outputs>;
      } finally {
        dispose(tensors);
      }
    });
  }

  async close(): Promise<void> {}
}

function scanEagerly<Carry, X, Y>(
  step: Step<Carry, X, Y>,
  init: Hosted<Carry>,
  xs: Hosted<X>,
): [Hosted<Carry>, Hosted<Y>] {
  const steps = stepsOf(xs as Tree<HostArray>);
  let carry = toTensors(init as Tree<HostArray>);
  const reports: Tree<HostArray>[] = [];
  try {
    for (let i = 0; i < steps; i++) {
      const x = toTensors(mapTree(xs as Tree<HostArray>, (array) => sliceLeading(array, i)));
      try {
        const [next, y] = tf.tidy(() => step(carry as Carry, x as X) as unknown as tf.TensorContainer) as unknown as [
          Tree<tf.Tensor>,
          Tree<tf.Tensor>,
        ];
        reports.push(toHost(y));
        dispose(carry, y);
        carry = next;
      } finally {
        dispose(x);
      }
      if (i === 0) checkCarry(init as Tree<HostArray>, carry);
    }
    return [toHost(carry) as Hosted<Carry>, stack(reports) as Hosted<Y>];
  } finally {
    dispose(carry);
  }
}

function toTensors(tree: Tree<HostArray>): Tree<tf.Tensor> {
  return mapTree(tree, ({ data, shape }) => tf.tensor(Float32Array.from(data), [...shape], "float32"));
}

function toHost(tree: Tree<tf.Tensor>): Tree<HostArray> {
  return mapTree(tree, (tensor) => ({ data: Float32Array.from(tensor.dataSync()), shape: tensor.shape }));
}

function dispose(...trees: Tree<tf.Tensor>[]): void {
  for (const tree of trees) for (const [, tensor] of leaves(tree)) tensor.dispose();
}

/** Row `i` of [N, …], without copying. */
function sliceLeading({ data, shape }: HostArray, i: number): HostArray {
  const rowShape = shape.slice(1);
  const size = sizeOf(rowShape);
  return { data: data.subarray(i * size, (i + 1) * size), shape: rowShape };
}

/** Trees of […] arrays to one of [N, …] arrays. */
function stack(trees: Tree<HostArray>[]): Tree<HostArray> {
  const rows = trees.map((tree) => new Map(leaves(tree)));
  return mapTree(trees[0], ({ shape }, path) => {
    const size = sizeOf(shape);
    const data = new Float32Array(trees.length * size);
    rows.forEach((row, i) => {
      data.set((row.get(path) as HostArray).data, i * size);
    });
    return { data, shape: [trees.length, ...shape] };
  });
}
