// Functions as ONNX files for other programs: their weights inside, the batch dimension open.
import type { Tensor } from "@tensorflow/tfjs-core";
import { GraphBuilder } from "./graph.js";
import { type InputSpec, type OutputSpec, trace } from "./trace.js";
import { type HostArray, leaves, mapTree } from "./tree.js";

/** Stands for the size of a batch in shapes while a function is traced: a prime that no other size is a multiple of. */
const OPEN = 1_000_003;

/**
 * Traces a function of a batch.
 *
 * @param params weights, which become initializers of these names
 * @param input the name of its input
 * @param size the input has the shape [batch, size]
 * @param about what the file says of itself
 * @throws Error that names the kernel, if the function uses one that cannot be compiled
 * @returns the bytes of the file
 */
export async function exportFunction(
  name: string,
  fn: (inputs: { params: { readonly [name: string]: Tensor }; x: Tensor }) => { readonly [output: string]: Tensor },
  params: { readonly [name: string]: HostArray },
  input: string,
  size: number,
  about: { readonly description: string; readonly metadata: Readonly<Record<string, string>> },
): Promise<Uint8Array> {
  const graph = new GraphBuilder(name);
  const x: InputSpec = { name: graph.input(input, "float32", ["batch", size]), type: "float32", shape: [OPEN, size] };
  const weights = mapTree(params, ({ data, shape }: HostArray, path): InputSpec => {
    return { name: graph.constant("float32", data, shape, path), type: "float32", shape };
  });
  const outputs = await trace(graph, fn, { params: weights, x }, { size: OPEN, input });
  for (const [output, { name, shape }] of leaves<OutputSpec>(outputs)) {
    graph.node("Identity", [name], {}, [output]);
    const open = shape.map((length) => (length === OPEN ? "batch" : length));
    graph.output(output, "float32", open);
  }
  return graph.encode({ ...about, opset: graph.oldestOpset });
}
