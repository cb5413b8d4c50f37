// A backend of TensorFlow.js that computes nothing: tensors on it are names of values in an ONNX graph that is being written.
import type { DataType, GraphBuilder } from "./graph.js";
import { tf } from "./tf.js";

/** What stands for a tensor in the graph. */
export interface Value {
  readonly name: string;
  /**
   * The shape that the value has in the graph: the tensor's own, or a smaller one that broadcasts to it. tfjs' gradients
   * are full of ones and copied sums; as scalars they cost nothing.
   */
  readonly held: readonly number[];
}

/** A dimension whose size is left open: in shapes of tensors, `size` stands for it. */
export interface OpenDimension {
  readonly size: number;
  /** A value of the graph whose first dimension it is. */
  readonly input: string;
}

/** What tfjs asks to bring over a tensor of another backend. It must not be: that one would lose it. */
const FOREIGN_TENSORS = {
  moveData(): never {
    throw new Error("A traced function used a tensor from outside of it. Give it in as an input");
  },
};

/** What kernels write with. */
export class TraceBackend extends tf.KernelBackend {
  /** The graph that is being written. */
  builder: GraphBuilder | undefined;
  /** A dimension whose size is left open in the graph. */
  open: OpenDimension | undefined;
  readonly #values = new tf.DataStorage<Value>(this as tf.KernelBackend, FOREIGN_TENSORS);

  /** A float32 tensor for a value of the graph. */
  tensor(name: string, shape: readonly number[]): tf.Tensor {
    return tf.engine().makeTensorFromTensorInfo(this.result({ name, held: shape }, shape));
  }

  /** What a kernel gives back: a value of the graph as a tensor of this shape. */
  result(value: Value, shape: readonly number[], dtype: tf.DataType = "float32"): tf.TensorInfo {
    const dataId = {};
    this.#values.set(dataId, value);
    return { dataId, shape: [...shape], dtype };
  }

  /** The value of a tensor, which may be smaller than it and broadcast to it. */
  value(tensor: tf.TensorInfo): Value {
    return this.#values.get(tensor.dataId);
  }

  /** The name of a value of the tensor's whole shape. */
  whole(tensor: tf.TensorInfo): string {
    const { name, held } = this.value(tensor);
    if (sameShape(held, tensor.shape)) return name;
    return this.graph.node("Expand", [name, this.#fullShape(tensor.shape)]);
  }

  /** A shape as Reshape takes it: −1 in place of an open dimension, or a multiple of it. */
  newShape(shape: readonly number[]): string {
    const { open } = this;
    return this.integers(open ? shape.map((length) => (length % open.size === 0 ? -1 : length)) : shape);
  }

  /** A vector of integers, as many operators take for axes and shapes. */
  integers(values: readonly number[]): string {
    return this.graph.constant("int64", values, [values.length]);
  }

  #fullShape(shape: readonly number[]): string {
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

  get graph(): GraphBuilder {
    if (!this.builder) throw new Error("A tensor of the tracing backend was used after its trace had ended");
    return this.builder;
  }

  /** Called by tfjs for numbers in the function's text. A constant of one number throughout is held as a scalar. */
  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    const numbers = values as tf.TypedArray;
    const isUniform = numbers.length > 0 && numbers.every((number) => number === numbers[0]);
    const held = isUniform ? [] : shape;
    const name = this.graph.constant(dataType(dtype), isUniform ? [numbers[0]] : numbers, held);
    return this.result({ name, held }, shape, dtype).dataId;
  }

  override readSync(): never {
    throw new Error("A traced function must not read the values of tensors");
  }

  override async read(): Promise<never> {
    return this.readSync();
  }

  override numDataIds(): number {
    return this.#values.numDataIds();
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  // Values live as long as their graph: there is nothing to count or to free.
  override incRef(): void {}
  override refCount(): number {
    return 1;
  }
  override disposeData(): boolean {
    return true;
  }
  override dispose(): void {}
}

/** @throws Error if ONNX has no such type, or this engine does not know it */
export function dataType(dtype: tf.DataType): DataType {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new Error(`The compiled engine has no tensors of type ${dtype}`);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
