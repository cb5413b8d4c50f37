// Exports functions as ONNX files for other programs, with their weights and an open batch dimension.
import type { Tensor } from "@tensorflow/tfjs-core";
import { type About, GraphBuilder } from "./graph.js";
import { type Spec, trace } from "./trace.js";
import { type HostArray, leaves, mapTree } from "./tree.js";

/** Placeholders for the batch size in traced shapes. */
const PRIMES = [10_007, 10_009, 10_037, 10_039, 10_061, 10_067];

/**
 * Traces a function with two batch sizes, and returns an ONNX file if both produce the same graph.
 *
 * @param params weights, stored as initializers of these names
 * @param inputs at least one, by the function's own names: the name in the file, and the size in [batch, size]
 * @param about documentation stored in the file
 * @throws Error if the function uses a kernel that cannot be compiled, or its numbers depend on the batch size
 */
export async function exportFunction<Inputs extends BatchInputs>(
  name: string,
  fn: BatchFunction<Inputs>,
  params: { readonly [name: string]: HostArray },
  inputs: Inputs,
  about: About,
): Promise<Uint8Array> {
  const sizes = [
    ...Object.values(inputs).map(({ size }) => size),
    ...Object.values(params).flatMap(({ shape }) => shape),
  ];
  const primes = PRIMES.filter((prime) => sizes.every((size) => size % prime !== 0));
  const [file, other] = await Promise.all(
    primes.slice(0, 2).map((batch) => traceWith(batch, name, fn, params, inputs, about)),
  );
  if (!file || !other || Buffer.compare(file, other) !== 0) {
    throw new Error(`The ${name} cannot be exported: its numbers depend on the batch size`);
  }
  return file;
}

type BatchInputs = { readonly [name: string]: { readonly name: string; readonly size: number } };
type Tensors = { readonly [name: string]: Tensor };
type BatchFunction<Inputs> = (inputs: { params: Tensors } & { readonly [name in keyof Inputs]: Tensor }) => Tensors;

/** @param batch the placeholder for the batch size: its multiples in shapes are multiples of the batch size */
async function traceWith<Inputs extends BatchInputs>(
  batch: number,
  ...[name, fn, params, inputs, about]: Parameters<typeof exportFunction<Inputs>>
): Promise<Uint8Array> {
  const graph = new GraphBuilder(name);
  const batches = Object.entries(inputs).map(([key, { name, size }]): [string, Spec] => {
    return [key, { name: graph.input(name, "float32", ["batch", size]), shape: [batch, size] }];
  });
  const weights = mapTree(params, ({ data, shape }: HostArray, path): Spec => {
    return { name: graph.constant("float32", data, shape, path), shape };
  });
  const tree = { params: weights, ...Object.fromEntries(batches) };
  const outputs = await trace(graph, fn, tree, { size: batch, input: batches[0][1].name });
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
