// Lowers TensorFlow.js kernels to ONNX: one table entry each.
import { dataType, type TraceBackend } from "./backend.js";
import { addBias, conv2d, conv2dFilter, conv2dInput } from "./convolution.js";
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
  Add: kernel<"a" | "b">((trace, { a, b }) => addBias(trace, a, b) ?? broadcast(trace, "Add", a, b)),
  BatchMatMul: kernel<"a" | "b", tf.BatchMatMulAttrs>((trace, { a, b }, { transposeA, transposeB }) => {
    const inputs = [trace.whole(a), trace.whole(b)];
    if (a.shape.length !== 2 || b.shape.length !== 2) return batchMatMul(trace, a, b, transposeA, transposeB);
    const shape = [a.shape[transposeA ? 1 : 0], b.shape[transposeB ? 0 : 1]];
    // Prefers MatMul: onnxruntime fuses it with the bias and activation that follow.
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
      // As JavaScript does, converts Infinity and NaN to 0.
      const isNonFinite = graph.node("Or", [graph.node("IsNaN", [name]), graph.node("IsInf", [name])]);
      name = graph.node("Where", [isNonFinite, graph.scalar(0), name]);
    }
    return trace.result(graph.cast(name, dataType(dtype)), x.shape, storedShape, dtype);
  }),
  // Min and Max keep a NaN, as TensorFlow.js does.
  ClipByValue: elementwise<tf.ClipByValueAttrs>((graph, x, { clipValueMin, clipValueMax }) =>
    graph.node("Min", [graph.node("Max", [x, graph.scalar(clipValueMin)]), graph.scalar(clipValueMax)]),
  ),
  Concat: kernel<string, tf.ConcatAttrs>((trace, inputs, { axis }) => {
    const tensors = Object.values(inputs);
    const shapes = tensors.map(({ shape }) => shape);
    const at = tf.util.parseAxisParam(axis, shapes[0])[0];
    const names = tensors.map((tensor) => trace.whole(tensor));
    return trace.result(trace.graph.node("Concat", names, { axis: at }), tf.backend_util.computeOutShape(shapes, at));
  }),
  Conv2D: kernel<"x" | "filter", tf.Conv2DAttrs>((trace, { x, filter }, attributes) =>
    conv2d(trace, x, filter, attributes),
  ),
  Conv2DBackpropFilter: kernel<"x" | "dy", tf.Conv2DBackpropFilterAttrs>((trace, { x, dy }, attributes) =>
    conv2dFilter(trace, x, dy, attributes),
  ),
  Conv2DBackpropInput: kernel<"dy" | "filter", tf.Conv2DBackpropInputAttrs>((trace, { dy, filter }, attributes) =>
    conv2dInput(trace, dy, filter, attributes),
  ),
  Cumsum: kernel<"x", tf.CumsumAttrs>((trace, { x }, { axis, exclusive, reverse }) => {
    const at = trace.graph.constant("int64", [tf.util.parseAxisParam(axis, x.shape)[0]], []);
    const attributes = { exclusive: Number(exclusive), reverse: Number(reverse) };
    return trace.result(trace.graph.node("CumSum", [trace.whole(x), at], attributes), x.shape);
  }),
  Elu: unary("Elu"),
  // dy · (y > 0 ? 1 : y + 1), because y = e^x − 1 below zero
  EluGrad: kernel<"dy" | "y">((trace, { dy, y }) => {
    const { graph } = trace;
    const zero = graph.scalar(0);
    const one = graph.scalar(1);
    const slope = graph.node("Add", [graph.node("Min", [trace.whole(y), zero]), one]);
    return trace.result(graph.node("Mul", [trace.value(dy).name, slope]), y.shape);
  }),
  Equal: comparison("Equal"),
  Exp: unary("Exp"),
  ExpandDims: kernel<"input", tf.ExpandDimsAttrs>((trace, { input }, { dim }) => {
    const { shape } = input;
    return reshape(trace, input, shape.toSpliced(dim < 0 ? shape.length + 1 + dim : dim, 0, 1));
  }),
  // e^x − 1 = tanh(x / 2) · (e^x + 1), which is exact near zero
  Expm1: elementwise((graph, x) => {
    const half = graph.node("Tanh", [graph.node("Mul", [x, graph.scalar(0.5)])]);
    return graph.node("Mul", [half, graph.node("Add", [graph.node("Exp", [x]), graph.scalar(1)])]);
  }),
  Fill: kernel<never, tf.FillAttrs>((trace, _inputs, { shape, value, dtype }) =>
    trace.result(trace.graph.constant(dataType(dtype), [Number(value)], []), shape, [], dtype),
  ),
  GatherV2: kernel<"x" | "indices", tf.GatherV2Attrs>((trace, { x, indices }, { axis, batchDims }) => {
    if (batchDims) throw new Error("The compiled engine does not support batchDims of GatherV2");
    const at = tf.util.parseAxisParam(axis, x.shape)[0];
    const name = trace.graph.node("Gather", [trace.whole(x), trace.whole(indices)], { axis: at });
    return trace.result(name, x.shape.toSpliced(at, 1, ...indices.shape), undefined, x.dtype);
  }),
  Greater: comparison("Greater"),
  GreaterEqual: comparison("GreaterOrEqual"),
  Identity: kernel<"x">((trace, { x }) => trace.reuse(x)),
  Less: comparison("Less"),
  LessEqual: comparison("LessOrEqual"),
  Log: unary("Log"),
  // With u = 1 + x in float32, log(u) · x / (u − 1) is exact where x is small (Goldberg 1991, theorem 4).
  Log1p: elementwise((graph, x) => {
    const one = graph.scalar(1);
    const sum = graph.node("Add", [x, one]);
    const logarithm = graph.node("Log", [sum]);
    const correction = graph.node("Div", [x, graph.node("Sub", [sum, one])]);
    const isSmall = graph.node("Less", [graph.node("Abs", [x]), graph.scalar(0.5)]);
    const corrected = graph.node("Where", [isSmall, graph.node("Mul", [logarithm, correction]), logarithm]);
    return graph.node("Where", [graph.node("Equal", [sum, one]), x, corrected]);
  }),
  LogicalAnd: comparison("And"),
  LogicalNot: kernel<"x">((trace, { x }) => {
    const { name, storedShape } = trace.value(x);
    return trace.result(trace.graph.node("Not", [name]), x.shape, storedShape, "bool");
  }),
  LogicalOr: comparison("Or"),
  // onnxruntime's ReduceMax may miss a NaN.
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
  Maximum: binary("Max"),
  Mean: reduction("ReduceMean"),
  Minimum: binary("Min"),
  Multiply: binary("Mul"),
  Neg: unary("Neg"),
  NotEqual: kernel<"a" | "b">((trace, { a, b }) => {
    const equal = broadcast(trace, "Equal", a, b, "bool");
    const { name, storedShape } = trace.value(equal);
    return trace.result(trace.graph.node("Not", [name]), equal.shape, storedShape, "bool");
  }),
  OnesLike: constantLike(1),
  PadV2: kernel<"x", tf.PadV2Attrs>((trace, { x }, { paddings, constantValue }) => {
    const shape = x.shape.map((size, axis) => size + paddings[axis][0] + paddings[axis][1]);
    const pads = trace.integers([0, 1].flatMap((end) => paddings.map((sizes) => sizes[end])));
    const value = trace.graph.constant(dataType(x.dtype), [constantValue], []);
    return trace.result(trace.graph.node("Pad", [trace.whole(x), pads, value]), shape, shape, x.dtype);
  }),
  Prod: reduction("ReduceProd"),
  RealDiv: binary("Div"),
  Relu: unary("Relu"),
  Reshape: kernel<"x", tf.ReshapeAttrs>((trace, { x }, { shape }) =>
    reshape(trace, x, tf.util.inferFromImplicitShape(shape, sizeOf(x.shape))),
  ),
  Reverse: kernel<"x", tf.ReverseAttrs>((trace, { x }, { dims }) =>
    slice(
      trace,
      x,
      tf.util
        .parseAxisParam(dims, x.shape)
        .map((axis) => ({ axis, start: -1, end: Number.MIN_SAFE_INTEGER, step: -1 })),
      x.shape,
    ),
  ),
  Rsqrt: elementwise((graph, x) => graph.node("Reciprocal", [graph.node("Sqrt", [x])])),
  Select: kernel<"condition" | "t" | "e">((trace, { condition, t, e }) => {
    const values = [condition, t, e].map((tensor) => trace.value(tensor));
    const storedShape = values
      .map((value) => [...value.storedShape])
      .reduce((a, b) => tf.backend_util.assertAndGetBroadcastShape(a, b));
    const name = trace.graph.node(
      "Where",
      values.map((value) => value.name),
    );
    return trace.result(name, t.shape, storedShape, t.dtype);
  }),
  Sigmoid: unary("Sigmoid"),
  Slice: kernel<"x", tf.SliceAttrs>((trace, { x }, attributes) => {
    const [begin, shape] = tf.slice_util.parseSliceParams(x, attributes.begin, attributes.size);
    const ranges = begin.map((start, axis) => ({ axis, start, end: start + shape[axis], step: 1 }));
    return slice(trace, x, ranges, shape);
  }),
  Softmax: kernel<"logits", tf.SoftmaxAttrs>((trace, { logits }, { dim }) =>
    trace.result(trace.graph.node("Softmax", [trace.whole(logits)], { axis: dim }), logits.shape),
  ),
  // log(1 + e^x) = max(x, 0) + log(1 + e^−|x|): no overflow, and twice as fast as onnxruntime's Softplus.
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
  // x > 0 ? 1 : alpha, and NaN for NaN. Written with Relu, so that relu and its gradient share one node.
  Step: elementwise<tf.StepAttrs>((graph, x, { alpha }) => {
    if (alpha === 0) return graph.node("Ceil", [graph.node("Min", [graph.node("Relu", [x]), graph.scalar(1)])]);
    const isPositive = graph.node("Greater", [x, graph.scalar(0)]);
    const step = graph.node("Where", [isPositive, graph.scalar(1), graph.scalar(alpha)]);
    return graph.node("Where", [graph.node("IsNaN", [x]), x, step]);
  }),
  StridedSlice: kernel<"x", tf.StridedSliceAttrs>((trace, { x }, attributes) => {
    const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attributes;
    const masks = [beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask] as const;
    const info = tf.slice_util.sliceInfo(x.shape, begin, end, strides, ...masks);
    const ranges = info.begin.map((start, axis) => {
      const step = info.strides[axis];
      // ONNX counts a negative end from the back, so "before 0" needs another number.
      return { axis, start, end: info.end[axis] < 0 ? Number.MIN_SAFE_INTEGER : info.end[axis], step };
    });
    const shape = tf.slice_util.computeOutShape(info.begin, info.end, info.strides);
    return reshape(trace, slice(trace, x, ranges, shape), info.finalShape);
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
  Transpose: kernel<"x", tf.TransposeAttrs>((trace, { x }, { perm }) => {
    const shape = perm.map((axis) => x.shape[axis]);
    if (trace.value(x).storedShape.length === 0) return trace.reuse(x, shape);
    return trace.result(trace.graph.node("Transpose", [trace.whole(x)], { perm }), shape, shape, x.dtype);
  }),
  ZerosLike: constantLike(0),
};

/** A kernel that applies a formula to each element of its operand. */
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
  return kernel<"a" | "b">((trace, { a, b }) => broadcast(trace, opType, a, b));
}

/** An operator of two operands that broadcast, with a boolean result. */
function comparison(opType: string) {
  return kernel<"a" | "b">((trace, { a, b }) => broadcast(trace, opType, a, b, "bool"));
}

function broadcast(trace: TraceBackend, opType: string, a: tf.TensorInfo, b: tf.TensorInfo, dtype?: tf.DataType) {
  const [left, right] = [trace.value(a), trace.value(b)];
  const shapeOf = tf.backend_util.assertAndGetBroadcastShape;
  const storedShape = shapeOf([...left.storedShape], [...right.storedShape]);
  const name = trace.graph.node(opType, [left.name, right.name]);
  return trace.result(name, shapeOf(a.shape, b.shape), storedShape, dtype);
}

function constantLike(value: number) {
  return kernel<"x">((trace, { x }) =>
    trace.result(trace.graph.constant(dataType(x.dtype), [value], []), x.shape, [], x.dtype),
  );
}

/** Matrix products over leading axes that broadcast. onnxruntime fuses the transpositions with the product. */
function batchMatMul(trace: TraceBackend, ...[a, b, ...transposes]: [tf.TensorInfo, tf.TensorInfo, boolean, boolean]) {
  const [left, right] = [a, b].map((tensor, i) => {
    const { length } = tensor.shape;
    const axes = tensor.shape.map((_, axis) => axis);
    const perm = transposes[i] ? [...axes.slice(0, -2), length - 1, length - 2] : axes;
    const name = trace.whole(tensor);
    const shape = perm.map((axis) => tensor.shape[axis]);
    return { name: transposes[i] ? trace.graph.node("Transpose", [name], { perm }) : name, shape };
  });
  const batch = tf.backend_util.assertAndGetBroadcastShape(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const shape = [...batch, left.shape.at(-2) as number, right.shape.at(-1) as number];
  return trace.result(trace.graph.node("MatMul", [left.name, right.name]), shape);
}

function reshape(trace: TraceBackend, x: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
  const isScalar = trace.value(x).storedShape.length === 0;
  if (isScalar || String(shape) === String(x.shape)) return trace.reuse(x, shape);
  const name = trace.graph.node("Reshape", [trace.whole(x), trace.newShape(shape)]);
  return trace.result(name, shape, shape, x.dtype);
}

/** Slices only the axes that change, because the size of the others may be open. */
function slice(
  trace: TraceBackend,
  x: tf.TensorInfo,
  ranges: readonly { readonly axis: number; readonly start: number; readonly end: number; readonly step: number }[],
  shape: readonly number[],
): tf.TensorInfo {
  const cut = ranges.filter(({ axis, start, end, step }) => start !== 0 || end !== x.shape[axis] || step !== 1);
  if (cut.length === 0) return trace.reuse(x);
  const vectors = (["start", "end", "axis", "step"] as const).map((key) =>
    trace.integers(cut.map((range) => range[key])),
  );
  return trace.result(trace.graph.node("Slice", [trace.whole(x), ...vectors]), shape, shape, x.dtype);
}

/** A reduction over axes, which are dropped, or keep size 1 with keepDims. */
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
