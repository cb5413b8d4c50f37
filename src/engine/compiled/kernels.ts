// How each kernel of TensorFlow.js is written in ONNX: one entry in one table. What is not here cannot be compiled, and
// tfjs says so by the kernel's name.
import { dataType, sameShape, type TraceBackend } from "./backend.js";
import type { GraphBuilder } from "./graph.js";
import { tf } from "./tf.js";
import { sizeOf } from "./tree.js";

type Kernel<Inputs, Attributes> = (
  trace: TraceBackend,
  inputs: Inputs,
  attributes: Attributes,
) => tf.TensorInfo | tf.TensorInfo[];

/** An entry of the table: what the kernel's operands and attributes are called, and what nodes it becomes. */
function kernel<Operands extends string, Attributes = unknown>(
  lower: Kernel<Record<Operands, tf.TensorInfo>, Attributes>,
): Kernel<tf.NamedTensorInfoMap, unknown> {
  return lower as Kernel<unknown, unknown>;
}

export const kernels = {
  Abs: unary("Abs"),
  Add: binary("Add"),
  BatchMatMul: kernel<"a" | "b", tf.BatchMatMulAttrs>((trace, { a, b }, { transposeA, transposeB }) => {
    if (a.shape.length !== 2 || b.shape.length !== 2) {
      throw new Error("The compiled engine multiplies matrices, not batches of them (kernel BatchMatMul)");
    }
    const shape = [a.shape[transposeA ? 1 : 0], b.shape[transposeB ? 0 : 1]];
    const inputs = [trace.whole(a), trace.whole(b)];
    // MatMul where it will do: onnxruntime makes one node of it, the bias and the activation that follow.
    const name =
      transposeA || transposeB
        ? trace.graph.node("Gemm", inputs, { transA: Number(transposeA), transB: Number(transposeB) })
        : trace.graph.node("MatMul", inputs);
    return trace.result({ name, held: shape }, shape);
  }),
  Cast: kernel<"x", tf.CastAttrs>((trace, { x }, { dtype }) => {
    const { name, held } = trace.value(x);
    if (x.dtype === dtype) return trace.result({ name, held }, x.shape, dtype);
    const number = x.dtype === "float32" && dtype === "int32" ? finiteOrZero(trace.graph, name) : name;
    return trace.result({ name: trace.graph.cast(number, dataType(dtype)), held }, x.shape, dtype);
  }),
  Concat: kernel<string, tf.ConcatAttrs>((trace, inputs, { axis }) => {
    const tensors = Object.values(inputs);
    const at = tf.util.parseAxisParam(axis, tensors[0].shape)[0];
    const shape = tf.backend_util.computeOutShape(
      tensors.map((tensor) => tensor.shape),
      at,
    );
    const names = tensors.map((tensor) => trace.whole(tensor));
    return trace.result({ name: trace.graph.node("Concat", names, { axis: at }), held: shape }, shape);
  }),
  Elu: unary("Elu"),
  // dy · (y > 0 ? 1 : y + 1), as y = e^x − 1 below zero
  EluGrad: kernel<"dy" | "y">((trace, { dy, y }) => {
    const zero = trace.graph.constant("float32", [0], []);
    const one = trace.graph.constant("float32", [1], []);
    const slope = trace.graph.node("Add", [trace.graph.node("Min", [trace.whole(y), zero]), one]);
    return trace.result({ name: trace.graph.node("Mul", [trace.value(dy).name, slope]), held: y.shape }, y.shape);
  }),
  Exp: unary("Exp"),
  Fill: kernel<never, tf.FillAttrs>((trace, _inputs, { shape, value, dtype }) => {
    const name = trace.graph.constant(dataType(dtype), [Number(value)], []);
    return trace.result({ name, held: [] }, shape, dtype);
  }),
  Identity: kernel<"x">((trace, { x }) => trace.result(trace.value(x), x.shape, x.dtype)),
  Log: unary("Log"),
  // The only reduction whose axes have another name. That of onnxruntime may miss a NaN.
  Max: kernel<"x", tf.MaxAttrs>((trace, { x }, { reductionIndices, keepDims }) => {
    const { graph } = trace;
    const attributes = { axis: reductionIndices, keepDims };
    const largest = reduce(trace, "ReduceMax", x, attributes);
    const isNan = graph.cast(graph.node("IsNaN", [trace.value(x).name]), "float32");
    const marks = trace.result({ name: isNan, held: trace.value(x).held }, x.shape);
    const hasNaN = graph.cast(trace.value(reduce(trace, "ReduceMax", marks, attributes)).name, "bool");
    const nan = graph.constant("float32", [Number.NaN], []);
    const name = graph.node("Where", [hasNaN, nan, trace.value(largest).name]);
    return trace.result({ name, held: trace.value(largest).held }, largest.shape);
  }),
  Mean: reduction("ReduceMean"),
  Multiply: binary("Mul"),
  Neg: unary("Neg"),
  Prod: reduction("ReduceProd"),
  RealDiv: binary("Div"),
  Relu: unary("Relu"),
  Reshape: kernel<"x", tf.ReshapeAttrs>((trace, { x }, attributes) => {
    const shape = tf.util.inferFromImplicitShape(attributes.shape, sizeOf(x.shape));
    const { name, held } = trace.value(x);
    if (sameShape(shape, x.shape)) return trace.result({ name, held }, shape, x.dtype);
    if (held.length === 0) return trace.result({ name, held }, shape, x.dtype);
    const reshaped = trace.graph.node("Reshape", [trace.whole(x), trace.newShape(shape)]);
    return trace.result({ name: reshaped, held: shape }, shape, x.dtype);
  }),
  Sigmoid: unary("Sigmoid"),
  // log(1 + e^x) = max(x, 0) + log(1 + e^−|x|), which cannot overflow, in half the time of onnxruntime's own.
  Softplus: kernel<"x">((trace, { x }) => {
    const { name, held } = trace.value(x);
    const { graph } = trace;
    const one = graph.constant("float32", [1], []);
    const exponential = graph.node("Exp", [graph.node("Neg", [graph.node("Abs", [name])])]);
    const logarithm = graph.node("Log", [graph.node("Add", [exponential, one])]);
    return trace.result({ name: graph.node("Add", [graph.node("Relu", [name]), logarithm]), held }, x.shape);
  }),
  SplitV: kernel<"x", tf.SplitVAttrs>((trace, { x }, { numOrSizeSplits, axis }) => {
    const at = tf.util.parseAxisParam(axis, x.shape)[0];
    const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, at);
    const names = trace.graph.newNames("Split", sizes.length);
    trace.graph.node("Split", [trace.whole(x), trace.integers(sizes)], { axis: at }, names);
    return names.map((name, part) => {
      const shape = x.shape.with(at, sizes[part]);
      return trace.result({ name, held: shape }, shape);
    });
  }),
  Sqrt: unary("Sqrt"),
  Square: kernel<"x">((trace, { x }) => {
    const { name, held } = trace.value(x);
    return trace.result({ name: trace.graph.node("Mul", [name, name]), held }, x.shape);
  }),
  // x > 0 ? 1 : alpha, and NaN for NaN
  Step: kernel<"x", tf.StepAttrs>((trace, { x }, { alpha }) => {
    const { name, held } = trace.value(x);
    const { graph } = trace;
    const number = (value: number) => graph.constant("float32", [value], []);
    const isAbove = graph.node("Greater", [name, number(0)]);
    const step = graph.node("Where", [isAbove, number(1), number(alpha)]);
    return trace.result({ name: graph.node("Where", [graph.node("IsNaN", [name]), name, step]), held }, x.shape);
  }),
  Sub: binary("Sub"),
  Sum: reduction("ReduceSum"),
  Tanh: unary("Tanh"),
  // A copy along an axis of size one is left to broadcasting.
  Tile: kernel<"x", tf.TileAttrs>((trace, { x }, { reps }) => {
    const shape = x.shape.map((size, axis) => size * reps[axis]);
    if (x.shape.every((size, axis) => size === 1 || reps[axis] === 1)) {
      return trace.result(trace.value(x), shape, x.dtype);
    }
    const name = trace.graph.node("Tile", [trace.whole(x), trace.integers(reps)]);
    return trace.result({ name, held: shape }, shape, x.dtype);
  }),
};

/** An operator of one operand, element by element. */
function unary(opType: string) {
  return kernel<"x">((trace, { x }) => {
    const { name, held } = trace.value(x);
    return trace.result({ name: trace.graph.node(opType, [name]), held }, x.shape);
  });
}

/** An operator of two operands, element by element, with broadcasting. */
function binary(opType: string) {
  return kernel<"a" | "b">((trace, { a, b }) => {
    const [left, right] = [trace.value(a), trace.value(b)];
    const held = tf.backend_util.assertAndGetBroadcastShape([...left.held], [...right.held]);
    const shape = tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
    return trace.result({ name: trace.graph.node(opType, [left.name, right.name]), held }, shape, a.dtype);
  });
}

/** As JavaScript's whole numbers have it: 0 for what is infinite or no number. */
function finiteOrZero(graph: GraphBuilder, name: string): string {
  const isOdd = graph.node("Or", [graph.node("IsNaN", [name]), graph.node("IsInf", [name])]);
  return graph.node("Where", [isOdd, graph.constant("float32", [0], []), name]);
}

/** A reduction over axes, which are dropped unless they are kept with size one. */
function reduction(opType: string) {
  return kernel<"x", tf.SumAttrs>((trace, { x }, attributes) => reduce(trace, opType, x, attributes));
}

function reduce(trace: TraceBackend, opType: string, x: tf.TensorInfo, { axis, keepDims }: tf.SumAttrs): tf.TensorInfo {
  const axes = tf.util.parseAxisParam(axis, x.shape);
  const shape = x.shape.flatMap((size, at) => (axes.includes(at) ? (keepDims ? [1] : []) : [size]));
  if (axes.length === 0) return trace.result(trace.value(x), shape);
  const inputs = [trace.whole(x), trace.integers(axes)];
  return trace.result({ name: trace.graph.node(opType, inputs, { keepdims: Number(keepDims) }), held: shape }, shape);
}
