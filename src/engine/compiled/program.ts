// Compiles functions to ONNX models: traces them (trace.ts) between named inputs and outputs.
import type { Tensor } from "@tensorflow/tfjs-core";
import { type DataType, GraphBuilder } from "./graph.js";
import { type Spec, trace } from "./trace.js";
import { type HostArray, type HostTree, leaves, type MapTree, mapTree, sizeOf } from "./tree.js";

/**
 * One step of a loop over trees of tensors, as in JAX's `lax.scan`. Must be pure: no variables, no randomness, no
 * reading of tensor values, and new tensors as results. The new carry has the names and shapes of the old one, in
 * float32.
 */
export type Step<Carry, X, Y> = (carry: Carry, x: X) => [Carry, Y];

/** A compiled function. */
export interface Program<Outputs> {
  /** An ONNX file. Inputs are named by their tree paths. */
  readonly model: Uint8Array;
  readonly outputs: MapTree<Outputs, Tensor, Spec>;
}

/** Compiles a function. Uses only the names, types and shapes of the inputs. */
export async function callProgram<Inputs, Outputs>(
  fn: (inputs: Inputs) => Outputs,
  inputs: HostTree<Inputs>,
): Promise<Program<Outputs>> {
  const graph = new GraphBuilder("call");
  const outputs = await trace(graph, fn, declareInputs(graph, inputs));
  for (const [, { name, shape }] of leaves<Spec>(outputs)) graph.output(name, "float32", shape);
  return { model: graph.encode(), outputs };
}

/** Compiles a step to the body of an ONNX Scan, for any number of steps. Uses only names, types and shapes. */
export async function scanProgram<Carry, X, Y>(
  step: Step<Carry, X, Y>,
  init: HostTree<Carry>,
  xs: HostTree<X>,
): Promise<Program<{ final: Carry; y: Y }>> {
  const x = mapTree(xs, withoutLeadingAxis);
  const body = new GraphBuilder("step");
  const inputs = declareInputs(body, { carry: init, x }, "step/"); // the outer graph uses the names without prefix
  const run = (tree: { carry: Carry; x: X }) => {
    const [carry, y] = step(tree.carry, tree.x);
    return { carry, y };
  };
  const { carry, y } = await trace(body, run, inputs);
  checkCarry(init, carry);

  const graph = new GraphBuilder("scan");
  const state = leaves(init);
  const sequences = leaves(x);
  const nextState = new Map(leaves<Spec>(carry));
  const scanInputs = [
    ...state.map(([path, { shape }]) => graph.input(`carry/${path}`, "float32", shape)),
    ...sequences.map(([path, array]) => graph.input(`x/${path}`, typeOf(array), ["steps", ...array.shape])),
  ];
  const scanOutputs = [
    ...state.map(([path, { shape }]) => {
      body.output((nextState.get(path) as Spec).name, "float32", shape);
      return graph.output(`final/${path}`, "float32", shape);
    }),
    ...leaves<Spec>(y).map(([path, { name, shape }]) => {
      body.output(name, "float32", shape);
      return graph.output(`y/${path}`, "float32", ["steps", ...shape]);
    }),
  ];
  graph.node("Scan", scanInputs, { body, num_scan_inputs: sequences.length }, scanOutputs);
  return {
    model: graph.encode(),
    outputs: mapTree({ final: carry, y }, ({ shape }: Spec, path): Spec => ({ name: path, shape })),
  };
}

/** @throws Error unless the carry is float32 and a step keeps its names and shapes */
export function checkCarry(before: unknown, after: unknown): void {
  const next = new Map(leaves<{ readonly shape: readonly number[] }>(after));
  for (const [path, { data, shape }] of leaves(before)) {
    if (!(data instanceof Float32Array)) throw new Error(`A step's carry must be float32, but ${path} is bytes`);
    const now = next.get(path)?.shape;
    if (!now) throw new Error(`A step dropped ${path} from its carry`);
    if (String(now) !== String(shape)) throw new Error(`A step changed ${path} from [${shape}] to [${now}]`);
    next.delete(path);
  }
  for (const [path] of next) throw new Error(`A step added ${path} to its carry`);
}

/** The length of the leading axes. @throws Error if they differ or are zero */
export function stepsOf(xs: unknown): number {
  const [first, ...others] = leaves(xs);
  const steps = first?.[1].shape[0] ?? 0;
  if (steps === 0) throw new Error("A scan needs a sequence of at least one step");
  for (const [path, { shape }] of others) {
    if (shape[0] !== steps)
      throw new Error(`The inputs of a scan have ${steps} steps (${first[0]}) and ${shape[0]} (${path})`);
  }
  return steps;
}

/** @throws Error if an array's type is unsupported, or its size does not match its shape */
export function checkArrays(tree: unknown): void {
  for (const [path, { data, shape }] of leaves(tree)) {
    if (!(data instanceof Float32Array || data instanceof Uint8Array)) {
      throw new Error(`${path} must be a Float32Array or a Uint8Array`);
    }
    if (data.length !== sizeOf(shape)) throw new Error(`${path} has ${data.length} numbers for its shape [${shape}]`);
  }
}

/** @throws Error unless the arrays that receive results are float32, with the results' names and shapes */
export function checkInto(into: unknown, results: unknown): void {
  checkArrays(into);
  const describe = (tree: unknown) =>
    leaves<{ readonly shape: readonly number[] }>(tree).map(([path, { shape }]) => `${path}[${shape}]`);
  const [given, needed] = [describe(into), describe(results)];
  const isFit = String(given) === String(needed) && leaves(into).every(([, { data }]) => data instanceof Float32Array);
  if (!isFit) throw new Error(`Results need float32 arrays ${needed.join(", ")}, not ${given.join(", ")}`);
}

/** The type of an array's elements in ONNX. */
export function typeOf({ data }: HostArray): DataType {
  return data instanceof Float32Array ? "float32" : "uint8";
}

/** The shape of one row. Tracing does not need the data. */
export function withoutLeadingAxis({ data, shape }: HostArray): HostArray {
  return { data, shape: shape.slice(1) };
}

function declareInputs<Inputs>(graph: GraphBuilder, inputs: Inputs, prefix = "") {
  return mapTree(inputs, (array: HostArray, path): Spec => {
    const name = graph.input(prefix + path, typeOf(array), array.shape);
    return { name: typeOf(array) === "float32" ? name : graph.cast(name, "float32"), shape: array.shape };
  });
}
