// Builds and encodes ONNX models (schema: onnx.proto). Independent of TensorFlow.js.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as OnnxType,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx_pb.js";

/** The operator set of compiled programs: ONNX 1.15, which onnxruntime ≥ 1.17 reads. */
const OPSET = 20;
/** Of 2020: the oldest operator set that defines most operators as today. Below, the operators that changed later. */
const OLDEST_OPSET = 13;
const OPSET_OF: Readonly<Record<string, number>> = { Shape: 15, ReduceMax: 18, ReduceMean: 18, ReduceProd: 18 };

export type DataType = "float32" | "uint8" | "int32" | "int64" | "bool";

/** Documentation inside a model file. */
export interface About {
  readonly description: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export type Shape = readonly number[];

/** The shape of an input or output. A string is a symbolic dimension. */
type OpenShape = readonly (number | string)[];

/** An attribute of a node: an integer, a list of integers, or the body of a loop. */
type Attribute = number | readonly number[] | GraphBuilder;

const ONNX_TYPES: Record<DataType, OnnxType> = {
  float32: OnnxType.FLOAT,
  uint8: OnnxType.UINT8,
  int32: OnnxType.INT32,
  int64: OnnxType.INT64,
  bool: OnnxType.BOOL,
};

/** A graph under construction. Value names are unique across the builders of a model. */
export class GraphBuilder {
  readonly #nodes: NodeProto[] = [];
  readonly #constants: TensorProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  #count = 0;

  constructor(readonly name: string) {}

  input(name: string, type: DataType, shape: OpenShape): string {
    this.#inputs.push(valueInfo(name, type, shape));
    return name;
  }

  output(name: string, type: DataType, shape: OpenShape): string {
    this.#outputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** Adds a node and returns the name of its first output. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputs: readonly string[] = [this.newName(opType)],
  ): string {
    const attribute = Object.entries(attributes).map(([name, value]) => GraphBuilder.#attribute(name, value));
    const name = `${this.name}/${opType}_${this.#nodes.length}`;
    this.#nodes.push(create(NodeProtoSchema, { name, opType, input: [...inputs], output: [...outputs], attribute }));
    return outputs[0];
  }

  cast(input: string, type: DataType): string {
    return this.node("Cast", [input], { to: ONNX_TYPES[type] });
  }

  constant(type: DataType, values: ArrayLike<number>, shape: Shape, name = this.newName("constant")): string {
    const tensor = { name, dataType: ONNX_TYPES[type], dims: shape.map(BigInt), rawData: toBytes(type, values) };
    this.#constants.push(create(TensorProtoSchema, tensor));
    return name;
  }

  scalar(value: number): string {
    return this.constant("float32", [value], []);
  }

  /** Whether a node computes the value: it is neither an input nor a constant. */
  isComputed(name: string): boolean {
    return this.#nodes.some(({ output }) => output.includes(name));
  }

  newName(hint: string): string {
    return `${this.name}/${hint}.${this.#count++}`;
  }

  /** The oldest operator set that defines this graph's operators. For exports that old runtimes can read. */
  get oldestOpset(): number {
    return Math.max(OLDEST_OPSET, ...this.#nodes.map(({ opType }) => OPSET_OF[opType] ?? 0));
  }

  /** The bytes of a model file. */
  encode({ description, metadata }: About = { description: "", metadata: {} }, opset = OPSET): Uint8Array {
    const model = create(ModelProtoSchema, {
      irVersion: opset >= 19 ? 9n : opset >= 15 ? 8n : 7n, // the file format released with the operator set
      producerName: "vae",
      docString: description,
      graph: this.#build(),
      opsetImport: [{ domain: "", version: BigInt(opset) }],
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
    return toBinary(ModelProtoSchema, model);
  }

  /** Drops nodes and constants that no output needs, such as unused gradients. */
  #build(): GraphProto {
    const needed = new Set(this.#outputs.map((output) => output.name));
    const node = this.#nodes.toReversed().filter(({ input, output }) => {
      const isNeeded = output.some((name) => needed.has(name));
      if (isNeeded) for (const name of input) needed.add(name);
      return isNeeded;
    });
    return create(GraphProtoSchema, {
      name: this.name,
      node: node.reverse(),
      initializer: this.#constants.filter(({ name }) => needed.has(name)),
      input: this.#inputs,
      output: this.#outputs,
    });
  }

  static #attribute(name: string, value: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
    if (value instanceof GraphBuilder) return { name, type: AttributeType.GRAPH, g: value.#build() };
    if (typeof value === "number") return { name, type: AttributeType.INT, i: BigInt(value) };
    return { name, type: AttributeType.INTS, ints: value.map(BigInt) };
  }
}

function valueInfo(name: string, type: DataType, shape: OpenShape): ValueInfoProto {
  const dim = shape.map((size) =>
    typeof size === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(size) } }
      : { value: { case: "dimParam" as const, value: size } },
  );
  const tensor = { elemType: ONNX_TYPES[type], shape: { dim } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value: tensor } } });
}

/** ONNX is little-endian, as are the processors that onnxruntime runs on. */
function toBytes(type: DataType, values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const arrays = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array };
  const array = type === "int64" ? BigInt64Array.from(values, BigInt) : arrays[type].from(values);
  return new Uint8Array(array.buffer);
}
