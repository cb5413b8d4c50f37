// The tracing backend of TensorFlow.js. It computes nothing: its tensors are symbols for values of an ONNX graph.
import type { DataType, GraphBuilder, Shape } from "./graph.js";
import { tf } from "./tf.js";

/** The graph value behind a tensor. */
export interface Value {
  readonly name: string;
  /**
   * The tensor's shape, or a smaller one that broadcasts to it. Gradients contain many constants and tiled sums, which
   * are cheaper unexpanded.
   */
  readonly storedShape: Shape;
}

/** A dimension of unknown size, such as the batch. */
export interface OpenDimension {
  /** The placeholder in traced shapes. */
  readonly size: number;
  /** A graph input whose first dimension is the open one. */
  readonly input: string;
}

/** Records kernels as nodes of `builder`. */
export class TraceBackend extends tf.KernelBackend {
  /** Undefined unless a function is being traced. */
  builder: GraphBuilder | undefined;
  open: OpenDimension | undefined;
  /** For each value that a convolution computes, by name: lowers the same convolution with a bias. Per graph. */
  convolutions = new Map<string, (bias: string) => tf.TensorInfo>();
  readonly #values = new WeakMap<tf.DataId, Value>();

  get graph(): GraphBuilder {
    if (!this.builder) throw new Error("A tensor of the tracing backend was used after its trace had ended");
    return this.builder;
  }

  /** Wraps a graph value as a tensor: the result of a kernel. */
  result(name: string, shape: readonly number[], storedShape = shape, dtype: tf.DataType = "float32"): tf.TensorInfo {
    const dataId = {};
    this.#values.set(dataId, { name, storedShape });
    return { dataId, shape: [...shape], dtype };
  }

  /** Wraps the value of `x` as a tensor of another shape, for kernels that need no node. */
  reuse(x: tf.TensorInfo, shape: Shape = x.shape): tf.TensorInfo {
    const { name, storedShape } = this.value(x);
    return this.result(name, shape, storedShape, x.dtype);
  }

  value({ dataId }: tf.TensorInfo): Value {
    const value = this.#values.get(dataId);
    if (!value) throw new Error("A traced function used a tensor from outside. Pass it as an input");
    return value;
  }

  /** The name of a value with the tensor's full shape: broadcast values are expanded. */
  whole(tensor: tf.TensorInfo): string {
    const { name, storedShape } = this.value(tensor);
    if (String(storedShape) === String(tensor.shape)) return name;
    return this.graph.node("Expand", [name, this.#fullShape(tensor.shape)]);
  }

  /** The shape operand of Reshape, with −1 for the open dimension and its multiples. */
  newShape(shape: Shape): string {
    const { open } = this;
    return this.integers(open ? shape.map((length) => (length % open.size === 0 ? -1 : length)) : shape);
  }

  /** A constant int64 vector, the type of axes and shapes in ONNX. */
  integers(values: readonly number[]): string {
    return this.graph.constant("int64", values, [values.length]);
  }

  #fullShape(shape: Shape): string {
    const { open, graph } = this;
    if (!open || shape.every((length) => length % open.size !== 0)) return this.integers(shape);
    const size = graph.node("Shape", [open.input], { start: 0, end: 1 });
    const lengths = shape.map((length) =>
      length % open.size === 0
        ? graph.node("Mul", [size, this.integers([length / open.size])])
        : this.integers([length]),
    );
    return graph.node("Concat", lengths, { axis: 0 });
  }

  /** Called by tfjs for constants in the function. A constant of equal elements is stored as a scalar. */
  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    const numbers = values as tf.TypedArray;
    const isUniform = numbers.length > 0 && numbers.every((number) => number === numbers[0]);
    const storedShape = isUniform ? [] : shape;
    const name = this.graph.constant(dataType(dtype), isUniform ? [numbers[0]] : numbers, storedShape);
    return this.result(name, shape, storedShape).dataId;
  }

  override readSync(): never {
    throw new Error("A traced function must not read the values of tensors");
  }

  // Values live as long as their graph: no reference counts.
  override numDataIds(): number {
    return 0;
  }
  override incRef(): void {}
  override disposeData(): boolean {
    return true;
  }
}

/** @throws Error if the compiled engine does not support the type */
export function dataType(dtype: tf.DataType): DataType {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new Error(`The compiled engine has no tensors of type ${dtype}`);
}
