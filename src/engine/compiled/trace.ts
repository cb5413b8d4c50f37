// Traces a function: runs it, gradients and all, on a backend (backend.ts) whose kernels (kernels.ts) add nodes to a graph.
import { type OpenDimension, TraceBackend } from "./backend.js";
import type { DataType, GraphBuilder } from "./graph.js";
import { kernels } from "./kernels.js";
import { tf } from "./tf.js";
import { leaves, type MapTree, mapTree } from "./tree.js";
import { startBackend, withBackend } from "./with-backend.js";

const BACKEND = "compiled";

/** An output of a traced function. */
export interface OutputSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/** An input of a traced function. */
export interface InputSpec extends OutputSpec {
  readonly type: DataType;
}

const backend = new TraceBackend();

/**
 * Runs `fn` on symbolic tensors and adds the nodes that compute it to `builder`.
 *
 * @param inputs a tree of `InputSpec`s, values of the graph; `fn` sees float32 tensors whatever their type
 * @throws Error that names the kernel, if one is not in the table
 * @returns for each output a float32 value of the graph that is neither an input nor another output
 */
export async function trace<Inputs, Outputs>(
  builder: GraphBuilder,
  fn: (inputs: Inputs) => Outputs,
  inputs: unknown,
  open?: OpenDimension,
): Promise<MapTree<Outputs, tf.Tensor, OutputSpec>> {
  await startBackend(BACKEND, register);
  return withBackend(BACKEND, () => {
    Object.assign(backend, { builder, open });
    try {
      const tensors = mapTree(inputs, ({ name, type, shape }: InputSpec) => {
        const value = type === "float32" ? name : builder.cast(name, "float32");
        return tf.engine().makeTensorFromTensorInfo(backend.result(value, shape));
      });
      const outputs = fn(tensors as Inputs);
      checkOutputs(outputs);
      // ONNX refuses an output that is an input, a constant or another output. Only those are copied: copying all costs 8% of a step.
      const taken = new Set(leaves<InputSpec>(inputs).map(([, { name }]) => name));
      return mapTree(outputs, (tensor: tf.Tensor): OutputSpec => {
        const whole = backend.whole(tensor);
        const value = tensor.dtype === "float32" ? whole : builder.cast(whole, "float32");
        const name = taken.has(value) || builder.isConstant(value) ? builder.node("Identity", [value]) : value;
        taken.add(name);
        return { name, shape: tensor.shape };
      });
    } catch (error) {
      const kernel = /Kernel '(\w+)' not registered/.exec(String(error))?.[1];
      if (!kernel) throw error;
      throw new Error(`The compiled engine cannot compile the kernel ${kernel}. Its README says how to add kernels`);
    } finally {
      backend.builder = undefined;
    }
  });
}

/** Kernels that take any type, as they do not calculate. */
const ANY_TYPE = new Set(["Cast", "Identity", "Reshape", "Tile"]);

function register(): void {
  tf.registerBackend(BACKEND, () => backend);
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: BACKEND,
      kernelFunc: ({ inputs, attrs }) => {
        const other = Object.values(inputs).find((input) => input?.dtype !== "float32");
        if (other && !ANY_TYPE.has(kernelName)) {
          throw new Error(
            `The compiled engine computes in float32, but ${kernelName} was given ${other.dtype}: cast it first`,
          );
        }
        return kernel(backend, inputs, attrs);
      },
    });
  }
}

/** @throws Error unless the outputs are a record of tensors, nested or not */
function checkOutputs(outputs: unknown): void {
  if ((outputs as object | undefined)?.constructor !== Object) {
    throw new Error("A traced function must return a record of tensors, such as { y }");
  }
  for (const node of Object.values(outputs as object)) {
    if (!(node instanceof tf.Tensor || node === undefined)) checkOutputs(node);
  }
}
