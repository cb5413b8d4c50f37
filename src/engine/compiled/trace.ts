// Writes a function of tensors down: runs it, gradients and all, on a backend that computes nothing (backend.ts), whose
// kernels add nodes to a graph (kernels.ts).
import * as tf from "@tensorflow/tfjs";
import type { Tree } from "../../tree.js";
import { leaves, mapTree } from "../../tree.js";
import { startBackend, withBackend } from "../with-backend.js";
import { TraceBackend } from "./backend.js";
import type { DataType, GraphBuilder } from "./graph.js";
import { kernels } from "./kernels.js";

/** tfjs names it when it misses a kernel: "Kernel 'Foo' not registered for backend 'compiled'". */
const BACKEND = "compiled";

/** Type and shape of an input of a traced function. */
export interface InputSpec {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
}

/** An output of a traced function. */
export interface OutputSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * Runs `fn` on symbolic tensors and adds to `builder` the nodes that compute what it does.
 *
 * @param inputs values that are in the graph already; `fn` sees float32 tensors whatever their type
 * @returns for each output a value of the graph that is neither an input nor another output
 */
export async function trace<Inputs, Outputs>(
  builder: GraphBuilder,
  fn: (inputs: Inputs) => Outputs,
  inputs: Tree<InputSpec>,
): Promise<Tree<OutputSpec>> {
  const backend = await traceBackend();
  return withBackend(BACKEND, () => {
    backend.builder = builder;
    try {
      const run = () => {
        const tensors = mapTree(inputs, ({ name, type, shape }) =>
          backend.tensor(type === "float32" ? name : builder.cast(name, "float32"), shape),
        );
        return fn(tensors as Inputs) as tf.TensorContainer;
      };
      const outputs = tf.tidy(run) as Tree<tf.Tensor>;
      // An output may be no input, no constant and no other output. Only such a one is copied: copies of all cost 8% of a step.
      const taken = new Set(leaves(inputs).map(([, { name }]) => name));
      return mapTree(outputs, (tensor) => {
        const value = backend.whole(tensor);
        const name = taken.has(value) || builder.isConstant(value) ? builder.node("Identity", [value]) : value;
        taken.add(name);
        tensor.dispose();
        return { name, shape: tensor.shape };
      });
    } finally {
      backend.builder = undefined;
    }
  });
}

let registered: TraceBackend | undefined;

async function traceBackend(): Promise<TraceBackend> {
  if (!registered) {
    const backend = new TraceBackend();
    registered = backend;
    tf.registerBackend(BACKEND, () => backend);
    for (const [kernelName, kernel] of Object.entries(kernels)) {
      tf.registerKernel({
        kernelName,
        backendName: BACKEND,
        kernelFunc: ({ inputs, attrs }) => kernel(backend, inputs, attrs),
      });
    }
  }
  await startBackend(BACKEND);
  return registered;
}
