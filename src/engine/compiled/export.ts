// Functions as ONNX files for other programs, with weights inside and an open batch dimension.
import type { Tensor } from "@tensorflow/tfjs-core";
import { type About, GraphBuilder } from "./graph.js";
import { type Spec, trace } from "./trace.js";
import { type HostArray, leaves, mapTree } from "./tree.js";

/** Primes that stand for the size of a batch while a function is traced. */
const PRIMES = [10_007, 10_009, 10_037, 10_039, 10_061, 10_067];

/**
 * @param params weights, which become initializers of these names
 * @param input the name of its input
 * @param size the input has the shape [batch, size]
 * @param about what the file says of itself
 * @throws Error if the function uses a kernel that cannot be compiled, or its numbers depend on the size of the batch
 * @returns the bytes of the file
 */
export async function exportFunction(
  name: string,
  fn: BatchFunction,
  params: { readonly [name: string]: HostArray },
  input: string,
  size: number,
  about: About,
): Promise<Uint8Array> {
  const sizes = [size, ...Object.values(params).flatMap(({ shape }) => shape)];
  const primes = PRIMES.filter((prime) => sizes.every((size) => size % prime !== 0));
  const [file, other] = await Promise.all(
    primes.slice(0, 2).map((batch) => traceWith(batch, name, fn, params, input, size, about)),
  );
  if (!file || !other || Buffer.compare(file, other) !== 0) {
    throw new Error(`The ${name} cannot be exported: its numbers depend on the size of the batch`);
  }
  return file;
}

type BatchFunction = (inputs: { params: { readonly [name: string]: Tensor }; x: Tensor }) => {
  readonly [output: string]: Tensor;
};

/** @param batch stands for the size of the batch in shapes, and its multiples for multiples of it */
async function traceWith(
  batch: number,
  ...[name, fn, params, input, size, about]: Parameters<typeof exportFunction>
): Promise<Uint8Array> {
  const graph = new GraphBuilder(name);
  const x: Spec = { name: graph.input(input, "float32", ["batch", size]), shape: [batch, size] };
  const weights = mapTree(params, ({ data, shape }: HostArray, path): Spec => {
    return { name: graph.constant("float32", data, shape, path), shape };
  });
  const outputs = await trace(graph, fn, { params: weights, x }, { size: batch, input });
  for (const [output, { name, shape }] of leaves<Spec>(outputs)) {
    graph.node("Identity", [name], {}, [output]);
    const open = shape.map((length) => {
      if (length % batch !== 0) return length;
      return length === batch ? "batch" : `${length / batch} batch`;
    });
    graph.output(output, "float32", open);
  }
  return graph.encode(about, graph.oldestOpset);
}
