// Traces a function: runs it, gradients included, on a backend (backend.ts) whose kernels (kernels.ts) add nodes to a
// graph.
import { type OpenDimension, TraceBackend } from "./backend.js";
import type { GraphBuilder, Shape } from "./graph.js";
import { kernels } from "./kernels.js";
import { tf } from "./tf.js";
import { type MapTree, mapTree } from "./tree.js";
import { startBackend, withBackend } from "./with-backend.js";

const BACKEND = "compiled";

/** A float32 value of a graph. */
export interface Spec {
  readonly name: string;
  readonly shape: Shape;
}

const backend = new TraceBackend();

/**
 * Runs `fn` on symbolic tensors and adds its nodes to `builder`.
 *
 * @param inputs a tree of `Spec`s
 * @throws Error if a kernel, which it names, is not in the table
 */
export async function trace<Inputs, Outputs>(
  builder: GraphBuilder,
  fn: (inputs: Inputs) => Outputs,
  inputs: unknown,
  open?: OpenDimension,
): Promise<MapTree<Outputs, tf.Tensor, Spec>> {
  await startBackend(BACKEND, register);
  return withBackend(BACKEND, () => {
    Object.assign(backend, { builder, open, convolutions: new Map() });
    try {
      const tensors = mapTree(inputs, ({ name, shape }: Spec) =>
        tf.engine().makeTensorFromTensorInfo(backend.result(name, shape)),
      );
      const outputs = fn(tensors as Inputs);
      checkOutputs(outputs);
      // ONNX rejects an output that is an input, a constant or another output: these are copied. Copying all outputs
      // would take 8% of a step.
      const taken = new Set<string>();
      return mapTree(outputs, (tensor: tf.Tensor): Spec => {
        const whole = backend.whole(tensor);
        const value = tensor.dtype === "float32" ? whole : builder.cast(whole, "float32");
        const isFree = builder.isComputed(value) && !taken.has(value);
        const name = isFree ? value : builder.node("Identity", [value]);
        taken.add(name);
        tensor.dispose(); // fn may have kept it
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

/** Kernels that take any type, because they do no arithmetic. */
const ANY_TYPE = new Set([
  "Cast",
  "ExpandDims",
  "GatherV2",
  "Identity",
  "LogicalAnd",
  "LogicalNot",
  "LogicalOr",
  "OnesLike",
  "PadV2",
  "Reshape",
  "Reverse",
  "Select",
  "Slice",
  "StridedSlice",
  "Tile",
  "Transpose",
  "ZerosLike",
]);

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
