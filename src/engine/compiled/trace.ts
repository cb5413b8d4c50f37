// Writes a function of tensors down: runs it, gradients and all, on a backend that computes nothing (backend.ts), whose
// kernels add nodes to a graph (kernels.ts).
import { type OpenDimension, TraceBackend } from "./backend.js";
import type { DataType, GraphBuilder } from "./graph.js";
import { kernels } from "./kernels.js";
import { tf } from "./tf.js";
import { leaves, type MapTree, mapTree } from "./tree.js";
import { startBackend, tidy, withBackend } from "./with-backend.js";

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
 * @param inputs a tree of `InputSpec`s, values that are in the graph already; `fn` sees float32 tensors whatever their type
 * @throws Error that names the kernel, if one is not in the table
 * @returns for each output a float32 value of the graph that is neither an input nor another output
 */
export async function trace<Inputs, Outputs>(
  builder: GraphBuilder,
  fn: (inputs: Inputs) => Outputs,
  inputs: unknown,
  open?: OpenDimension,
): Promise<MapTree<Outputs, tf.Tensor, OutputSpec>> {
  const backend = await traceBackend();
  return withBackend(BACKEND, () => {
    backend.builder = builder;
    backend.open = open;
    try {
      const run = () => {
        const tensors = mapTree(inputs, ({ name, type, shape }: InputSpec) =>
          backend.tensor(type === "float32" ? name : builder.cast(name, "float32"), shape),
        );
        return fn(tensors as Inputs);
      };
      const outputs = tidy(run);
      checkOutputs(outputs);
      // An output may be no input, no constant and no other output. Only such a one is copied: copies of all cost 8% of a step.
      const taken = new Set(leaves<InputSpec>(inputs).map(([, { name }]) => name));
      return mapTree(outputs, (tensor: tf.Tensor): OutputSpec => {
        const whole = backend.whole(tensor);
        const value = tensor.dtype === "float32" ? whole : builder.cast(whole, "float32");
        const name = taken.has(value) || builder.isConstant(value) ? builder.node("Identity", [value]) : value;
        taken.add(name);
        tensor.dispose();
        return { name, shape: tensor.shape };
      });
    } catch (error) {
      throw explained(error);
    } finally {
      backend.builder = undefined;
    }
  });
}

/** Kernels that move numbers, of any type, and compute nothing. */
const ANY_TYPE = new Set(["Cast", "Identity", "Reshape", "Tile"]);

let backend: TraceBackend | undefined;

async function traceBackend(): Promise<TraceBackend> {
  backend ??= new TraceBackend();
  await startBackend(BACKEND, register.bind(undefined, backend));
  return backend;
}

function register(backend: TraceBackend): void {
  tf.registerBackend(BACKEND, () => backend);
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: BACKEND,
      kernelFunc: ({ inputs, attrs }) => {
        const other = (Object.values(inputs) as tf.TensorInfo[]).find(({ dtype }) => dtype !== "float32");
        if (other && !ANY_TYPE.has(kernelName)) {
          throw new Error(
            `The compiled engine computes float32 alone: ${kernelName} was given ${other.dtype}, cast it first`,
          );
        }
        return kernel(backend, inputs, attrs);
      },
    });
  }
}

/** @throws Error unless it is a record of tensors, nested or not */
function checkOutputs(outputs: unknown): void {
  const isRecord =
    typeof outputs === "object" && outputs !== null && Object.getPrototypeOf(outputs) === Object.prototype;
  if (!isRecord) throw new Error("A traced function must give back a record of tensors, such as { y }");
  for (const node of Object.values(outputs)) if (!(node instanceof tf.Tensor || node === undefined)) checkOutputs(node);
}

/** tfjs' own message is of its packages. */
function explained(error: unknown): unknown {
  const kernel = /Kernel '(\w+)' not registered/.exec(String(error))?.[1];
  return kernel
    ? new Error(
        `The compiled engine cannot compile the kernel ${kernel}: it is not in kernels.ts, whose README says how to add it`,
      )
    : error;
}
