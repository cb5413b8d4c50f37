// How each TensorFlow.js kernel is written in ONNX, one table entry each.
import { dataType, type TraceBackend } from "./backend.js";
import { type ConvAttrs, conv2d, conv2dFilter, conv2dInput, convInfo } from "./convolutions.js";
import type { GraphBuilder } from "./graph.js";
import { tf } from "./tf.js";
import { sizeOf } from "./tree.js";

type Result = tf.TensorInfo | tf.TensorInfo[];
type Kernel<Inputs, Attributes> = (trace: TraceBackend, inputs: Inputs, attributes: Attributes) => Result;

/** A table entry, typed by the names of the kernel's operands and attributes. */
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
      throw new Error("The compiled engine multiplies matrices, not batches of matrices (kernel BatchMatMul)");
    }
    const shape = [a.shape[transposeA ? 1 : 0], b.shape[transposeB ? 0 : 1]];
    const inputs = [trace.whole(a), trace.whole(b)];
    // MatMul where possible: onnxruntime fuses it with the bias and the activation that follow.
    const name =
      transposeA || transposeB
        ? trace.graph.node("Gemm", inputs, { transA: Number(transposeA), transB: Number(transposeB) })
        : trace.graph.node("MatMul", inputs);
    return trace.result(name, shape);
  }),
  Cast: kernel<"x", tf.CastAttrs>((trace, { x }, { dtype }) => {
    if (x.dtype === dtype) return trace.reuse(x);
    const { graph } = trace;
    let { name, storedShape } = trace.value(x);
    if (x.dtype === "float32" && dtype === "int32") {
      // JavaScript converts Infinity and NaN to 0.
      const isOdd = graph.node("Or", [graph.node("IsNaN", [name]), graph.node("IsInf", [name])]);
      name = graph.node("Where", [isOdd, graph.scalar(0), name]);
    }
    return trace.result(graph.cast(name, dataType(dtype)), x.shape, storedShape, dtype);
  }),
  Concat: kernel<string, tf.ConcatAttrs>((trace, inputs, { axis }) => {
    const tensors = Object.values(inputs);
    const shapes = tensors.map(({ shape }) => shape);
    const at = tf.util.parseAxisParam(axis, shapes[0])[0];
    const names = tensors.map((tensor) => trace.whole(tensor));
    return trace.result(trace.graph.node("Concat", names, { axis: at }), tf.backend_util.computeOutShape(shapes, at));
  }),
  Conv2D: kernel<"x" | "filter", ConvAttrs>((trace, { x, filter }, attributes) =>
    conv2d(trace, x, filter, convInfo(x.shape, filter.shape, attributes)),
  ),
  Conv2DBackpropFilter: kernel<"x" | "dy", ConvAttrs & { readonly filterShape: number[] }>(
    (trace, { x, dy }, { filterShape, ...attributes }) =>
      conv2dFilter(trace, x, dy, convInfo(x.shape, filterShape, attributes)),
  ),
  Conv2DBackpropInput: kernel<"dy" | "filter", ConvAttrs & { readonly inputShape: number[] }>(
    (trace, { dy, filter }, { inputShape, ...attributes }) =>
      conv2dInput(trace, dy, filter, convInfo(inputShape, filter.shape, attributes)),
  ),
  Elu: unary("Elu"),
  // dy · (y > 0 ? 1 : y + 1), as y = e^x − 1 below zero
  EluGrad: kernel<"dy" | "y">((trace, { dy, y }) => {
    const { graph } = trace;
    const zero = graph.scalar(0);
    const one = graph.scalar(1);
    const slope = graph.node("Add", [graph.node("Min", [trace.whole(y), zero]), one]);
    return trace.result(graph.node("Mul", [trace.value(dy).name, slope]), y.shape);
  }),
  Exp: unary("Exp"),
  Fill: kernel<never, tf.FillAttrs>((trace, _inputs, { shape, value, dtype }) =>
    trace.result(trace.graph.constant(dataType(dtype), [Number(value)], []), shape, [], dtype),
  ),
  Identity: kernel<"x">((trace, { x }) => trace.reuse(x)),
  Log: unary("Log"),
  // ReduceMax of onnxruntime may miss a NaN.
  Max: kernel<"x", tf.MaxAttrs>((trace, { x }, { reductionIndices, keepDims }) => {
    const { graph } = trace;
    const attributes = { axis: reductionIndices, keepDims };
    const max = reduce(trace, "ReduceMax", x, attributes);
    const { name, storedShape } = trace.value(x);
    const isNan = trace.result(graph.cast(graph.node("IsNaN", [name]), "float32"), x.shape, storedShape);
    const hasNan = graph.cast(trace.value(reduce(trace, "ReduceMax", isNan, attributes)).name, "bool");
    const nan = graph.scalar(Number.NaN);
    const { name: finite, storedShape: resultShape } = trace.value(max);
    return trace.result(graph.node("Where", [hasNan, nan, finite]), max.shape, resultShape);
  }),
  Mean: reduction("ReduceMean"),
  Multiply: binary("Mul"),
  Neg: unary("Neg"),
  Prod: reduction("ReduceProd"),
  RealDiv: binary("Div"),
  Relu: unary("Relu"),
  Reshape: kernel<"x", tf.ReshapeAttrs>((trace, { x }, attributes) => {
    const shape = tf.util.inferFromImplicitShape(attributes.shape, sizeOf(x.shape));
    const isScalar = trace.value(x).storedShape.length === 0;
    if (isScalar || String(shape) === String(x.shape)) return trace.reuse(x, shape);
    const name = trace.graph.node("Reshape", [trace.whole(x), trace.newShape(shape)]);
    return trace.result(name, shape, shape, x.dtype);
  }),
  Sigmoid: unary("Sigmoid"),
  // log(1 + e^x) = max(x, 0) + log(1 + e^−|x|): no overflow, and half the time of onnxruntime's Softplus.
  Softplus: elementwise((graph, x) => {
    const one = graph.scalar(1);
    const exponential = graph.node("Exp", [graph.node("Neg", [graph.node("Abs", [x])])]);
    const logarithm = graph.node("Log", [graph.node("Add", [exponential, one])]);
    return graph.node("Add", [graph.node("Relu", [x]), logarithm]);
  }),
  SplitV: kernel<"x", tf.SplitVAttrs>((trace, { x }, { numOrSizeSplits, axis }) => {
    const at = tf.util.parseAxisParam(axis, x.shape)[0];
    const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, at);
    const names = sizes.map(() => trace.graph.newName("Split"));
    trace.graph.node("Split", [trace.whole(x), trace.integers(sizes)], { axis: at }, names);
    return names.map((name, part) => trace.result(name, x.shape.with(at, sizes[part])));
  }),
  Sqrt: unary("Sqrt"),
  Square: elementwise((graph, x) => graph.node("Mul", [x, x])),
  // x > 0 ? 1 : alpha, and NaN for NaN
  Step: elementwise<tf.StepAttrs>((graph, x, { alpha }) => {
    const isPositive = graph.node("Greater", [x, graph.scalar(0)]);
    const step = graph.node("Where", [isPositive, graph.scalar(1), graph.scalar(alpha)]);
    return graph.node("Where", [graph.node("IsNaN", [x]), x, step]);
  }),
  Sub: binary("Sub"),
  Sum: reduction("ReduceSum"),
  Tanh: unary("Tanh"),
  Tile: kernel<"x", tf.TileAttrs>((trace, { x }, { reps }) => {
    const shape = x.shape.map((size, axis) => size * reps[axis]);
    const broadcasts = x.shape.every((size, axis) => size === 1 || reps[axis] === 1);
    if (broadcasts) return trace.reuse(x, shape);
    return trace.result(trace.graph.node("Tile", [trace.whole(x), trace.integers(reps)]), shape, shape, x.dtype);
  }),
};

/** A formula of one operand, applied to each element. */
function elementwise<Attributes>(formula: (graph: GraphBuilder, x: string, attributes: Attributes) => string) {
  return kernel<"x", Attributes>((trace, { x }, attributes) => {
    const { name, storedShape } = trace.value(x);
    return trace.result(formula(trace.graph, name, attributes), x.shape, storedShape);
  });
}

function unary(opType: string) {
  return elementwise((graph, x) => graph.node(opType, [x]));
}

/** An operator of two operands that broadcast. */
function binary(opType: string) {
  return kernel<"a" | "b">((trace, { a, b }) => {
    const [left, right] = [trace.value(a), trace.value(b)];
    const broadcast = tf.backend_util.assertAndGetBroadcastShape;
    const storedShape = broadcast([...left.storedShape], [...right.storedShape]);
    return trace.result(trace.graph.node(opType, [left.name, right.name]), broadcast(a.shape, b.shape), storedShape);
  });
}

/** An operator over axes, which are dropped unless keepDims keeps them with size one. */
function reduction(opType: string) {
  return kernel<"x", tf.SumAttrs>((trace, { x }, attributes) => reduce(trace, opType, x, attributes));
}

function reduce(trace: TraceBackend, opType: string, x: tf.TensorInfo, { axis, keepDims }: tf.SumAttrs): tf.TensorInfo {
  const axes = tf.util.parseAxisParam(axis, x.shape);
  if (axes.length === 0) return trace.reuse(x);
  const shape = x.shape.flatMap((size, at) => (axes.includes(at) ? (keepDims ? [1] : []) : [size]));
  const inputs = [trace.whole(x), trace.integers(axes)];
  return trace.result(trace.graph.node(opType, inputs, { keepdims: Number(keepDims) }), shape);
}
