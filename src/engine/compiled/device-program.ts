// Compiles steps for a GPU. onnxruntime's WebGPU provider has no Scan, so a program is one step, which reads its row
// of the chunk's inputs and writes its row of the chunk's outputs. All of these stay in the memory of the GPU.
import { GraphBuilder, type Shape } from "./graph.js";
import { checkCarry, type Step, typeOf } from "./program.js";
import { type Spec, trace } from "./trace.js";
import { type HostArray, type HostTree, leaves, mapTree, sizeOf } from "./tree.js";

/** The names of a step's inputs, besides those of its carry (`carry/…`) and its chunk (`x/…`). */
export const ROWS = "rows";
export const STEP = "step";
export const NEXT_STEP = "nextStep";
export const REPORTS = "reports";

/** A step as an ONNX model. */
export interface StepProgram {
  readonly model: Uint8Array;
  /** The names of the next carry, by its paths. */
  readonly carry: ReadonlyMap<string, string>;
  /** The name of the next reports, an array [steps, width] with a 1 and the numbers of `y` in the row of each step. */
  readonly reports: string;
  readonly width: number;
  /** The outputs of a step. */
  readonly y: unknown;
}

/** Compiles a step. Uses only names, types and shapes. `ROWS` are the numbers of the chunk's steps, from 0. */
export async function stepProgram<Carry, X, Y>(
  step: Step<Carry, X, Y>,
  init: HostTree<Carry>,
  xs: HostTree<X>,
): Promise<StepProgram> {
  const graph = new GraphBuilder("step");
  for (const name of [STEP, NEXT_STEP]) graph.input(name, "int64", [1]);
  const axes = graph.constant("int64", [0], [1]);
  const reshape = (name: string, shape: Shape) =>
    graph.node("Reshape", [name, graph.constant("int64", shape, [shape.length])]);
  const rowOf = (sequence: string) => graph.node("Slice", [sequence, STEP, NEXT_STEP, axes]);
  const inputs = {
    carry: mapTree(init, ({ shape }: HostArray, path): Spec => {
      return { name: graph.input(`carry/${path}`, "float32", shape), shape };
    }),
    x: mapTree(xs, ({ shape: [, ...shape] }: HostArray, path): Spec => {
      return { name: reshape(rowOf(graph.input(`x/${path}`, "float32", ["steps", ...shape])), shape), shape };
    }),
  };
  const run = (tree: { carry: Carry; x: X }) => {
    const [carry, y] = step(tree.carry, tree.x);
    return { carry, y };
  };
  const { carry, y } = await trace(graph, run, inputs);
  checkCarry(init, carry);
  for (const [, { name, shape }] of leaves<Spec>(carry)) graph.output(name, "float32", shape);

  const numbers = leaves<Spec>(y).map(([, { name, shape }]) => reshape(name, [sizeOf(shape)]));
  const width = 1 + leaves<Spec>(y).reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
  const report = graph.node("Concat", [graph.constant("float32", [1], [1]), ...numbers], { axis: 0 });
  const rows = graph.input(ROWS, "float32", ["steps"]);
  const isRow = reshape(graph.node("Equal", [rows, rowOf(rows)]), [-1, 1]);
  const reports = graph.node("Where", [isRow, report, graph.input(REPORTS, "float32", ["steps", width])]);
  graph.output(reports, "float32", ["steps", width]);
  return {
    model: graph.encode(),
    carry: new Map(leaves<Spec>(carry).map(([path, { name }]) => [path, name])),
    reports,
    width,
    y: mapTree(y, ({ shape }: Spec) => ({ shape })),
  };
}

/** Compiles a copy of arrays as float32, between the memories of the processor and the GPU. */
export function copyProgram(arrays: ReadonlyMap<string, HostArray>, isOpen: boolean): Uint8Array {
  const graph = new GraphBuilder("copy");
  for (const [name, array] of arrays) {
    const shape = isOpen ? ["steps", ...array.shape.slice(1)] : array.shape;
    const input = graph.input(name, typeOf(array), shape);
    graph.node("Identity", [typeOf(array) === "float32" ? input : graph.cast(input, "float32")], {}, [copyOf(name)]);
    graph.output(copyOf(name), "float32", shape);
  }
  return graph.encode();
}

/** The name of an array's copy. */
export function copyOf(name: string): string {
  return `copy/${name}`;
}
