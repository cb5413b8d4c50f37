// Writes ONNX: a builder over the typed schema of onnx.proto. Knows nothing of TensorFlow.js.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as OnnxType,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx_pb.js";

/** The operator set of programs, of ONNX 1.15, which any onnxruntime ≥ 1.17 reads. */
const OPSET = 20;
/** The oldest operator set, of 2020, that has most operators as they are today, and that of those that changed later. */
const OLDEST_OPSET = 13;
const OPSET_OF: Readonly<Record<string, number>> = {
  Shape: 15,
  ReduceMax: 18,
  ReduceMean: 18,
  ReduceProd: 18,
  Scan: OPSET,
};

/** What a model file says of itself. */
export interface FileOptions {
  readonly description?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly opset?: number;
}

export type DataType = "float32" | "uint8" | "int32" | "int64" | "bool";

/** Attributes of a node: an integer, a list of them, or the body of a loop. */
export type Attribute = number | readonly number[] | GraphBuilder;

const ONNX_TYPES: Record<DataType, OnnxType> = {
  float32: OnnxType.FLOAT,
  uint8: OnnxType.UINT8,
  int32: OnnxType.INT32,
  int64: OnnxType.INT64,
  bool: OnnxType.BOOL,
};

/** A graph under construction. Values go by their names, which are unique across the builders of one model. */
export class GraphBuilder {
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  #count = 0;

  constructor(readonly name: string) {}

  /** A dimension that is a string is symbolic. */
  input(name: string, type: DataType, shape: readonly (number | string)[]): string {
    this.#inputs.push(valueInfo(name, type, shape));
    return name;
  }

  output(name: string, type: DataType, shape: readonly (number | string)[]): void {
    this.#outputs.push(valueInfo(name, type, shape));
  }

  /** Adds a node and gives the name of its first output. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputs: readonly string[] = [this.#newName(opType)],
  ): string {
    const attribute = Object.entries(attributes).map(([name, value]) => GraphBuilder.#attribute(name, value));
    const name = `${this.name}/${opType}_${this.#nodes.length}`;
    this.#nodes.push(create(NodeProtoSchema, { name, opType, input: [...inputs], output: [...outputs], attribute }));
    return outputs[0];
  }

  cast(input: string, type: DataType): string {
    return this.node("Cast", [input], { to: ONNX_TYPES[type] });
  }

  constant(
    type: DataType,
    values: ArrayLike<number>,
    shape: readonly number[],
    name = this.#newName("constant"),
  ): string {
    this.#initializers.push(
      create(TensorProtoSchema, {
        name,
        dataType: ONNX_TYPES[type],
        dims: shape.map(BigInt),
        rawData: littleEndianBytes(type, values),
      }),
    );
    return name;
  }

  isConstant(name: string): boolean {
    return this.#initializers.some((initializer) => initializer.name === name);
  }

  /** The names of `count` outputs for a node that has several. */
  newNames(opType: string, count: number): string[] {
    return Array.from({ length: count }, () => this.#newName(opType));
  }

  /** The oldest operator set that has the operators of this graph, so that old runtimes read its file. */
  get oldestOpset(): number {
    return Math.max(OLDEST_OPSET, ...this.#nodes.map(({ opType }) => OPSET_OF[opType] ?? 0));
  }

  /** The bytes of a model file. Description and metadata are for its readers. */
  encode({ description = "", metadata = {}, opset = OPSET }: FileOptions = {}): Uint8Array {
    const ir = opset >= 19 ? 9 : opset >= 15 ? 8 : 7; // the file format of that time
    return toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion: BigInt(ir),
        producerName: "vae",
        docString: description,
        graph: this.#build(),
        opsetImport: [create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(opset) })],
        metadataProps: Object.entries(metadata).map(([key, value]) =>
          create(StringStringEntryProtoSchema, { key, value }),
        ),
      }),
    );
  }

  /** The graph, less the nodes and constants that no output needs: the gradients that a trace makes and nobody asks for. */
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
      initializer: this.#initializers.filter(({ name }) => needed.has(name)),
      input: this.#inputs,
      output: this.#outputs,
    });
  }

  #newName(hint: string): string {
    return `${this.name}/${hint}.${this.#count++}`;
  }

  static #attribute(name: string, value: Attribute): AttributeProto {
    if (value instanceof GraphBuilder) {
      return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: value.#build() });
    }
    if (typeof value === "number") {
      return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
    }
    return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
  }
}

function valueInfo(name: string, type: DataType, shape: readonly (number | string)[]): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === "number" ? { case: "dimValue", value: BigInt(size) } : { case: "dimParam", value: size },
    }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: ONNX_TYPES[type],
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensor } }),
  });
}

function littleEndianBytes(type: DataType, values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const size = { float32: 4, int32: 4, int64: 8, uint8: 1, bool: 1 }[type];
  const view = new DataView(new ArrayBuffer(values.length * size));
  for (let i = 0; i < values.length; i++) {
    if (type === "float32") view.setFloat32(4 * i, values[i], true);
    else if (type === "int32") view.setInt32(4 * i, values[i], true);
    else if (type === "int64") view.setBigInt64(8 * i, BigInt(values[i]), true);
    else view.setUint8(i, values[i]);
  }
  return new Uint8Array(view.buffer);
}
