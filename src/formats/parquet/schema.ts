// The types of columns in Parquet files: the file's own, and Hugging Face's.
import type { FileMetaData, SchemaTree } from "hyparquet";

/** The depth to which a message names types. */
const MAX_NAMED_DEPTH = 4;

/** Hugging Face's types of columns, by name. */
export type Features = ReadonlyMap<string, object>;

/** Reads Hugging Face's types from the metadata. Empty if there are none. */
export function readFeatures({ key_value_metadata: pairs }: FileMetaData): Features {
  const text = pairs?.find(({ key }) => key === "huggingface")?.value;
  try {
    const features: unknown = JSON.parse(text ?? "{}").info?.features;
    return new Map(Object.entries(features ?? {}).filter(([, feature]) => feature instanceof Object));
  } catch {
    return new Map(); // other tools may write under this key
  }
}

/** The names of the classes of a ClassLabel, in Unicode NFC. */
export function classNames(feature: object | undefined): readonly string[] | undefined {
  if (!isClassLabel(feature) || !("names" in feature) || !Array.isArray(feature.names)) return undefined;
  return feature.names.length > 0 && feature.names.every((name) => typeof name === "string")
    ? feature.names.map((name) => name.normalize("NFC"))
    : undefined;
}

export function isClassLabel(feature: object | undefined): feature is object {
  return feature !== undefined && "_type" in feature && feature._type === "ClassLabel";
}

/** Formats a type like Arrow, and shortens deeply nested ones. */
export function typeName({ element, children }: SchemaTree, depth = 0): string {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (children.length > 0) {
    if (depth === MAX_NAMED_DEPTH) return "…";
    const inner = (child: SchemaTree) => typeName(child, depth + 1);
    const isList = converted === "LIST" || logical?.type === "LIST";
    if (isList) return `list<${inner(children[0].children[0] ?? children[0])}>`;
    return `struct<${children.map((child) => `${child.element.name}: ${inner(child)}`).join(", ")}>`;
  }
  if (converted === "UTF8" || logical?.type === "STRING") return "string";
  if (converted && /^U?INT_\d+$/.test(converted)) return converted.replace("_", "").toLowerCase();
  if (logical?.type === "INTEGER") return `${logical.isSigned ? "" : "u"}int${logical.bitWidth}`;
  const name = logical ? logical.type : (converted ?? (type === "BYTE_ARRAY" ? "binary" : type));
  return name?.toLowerCase() ?? "unknown";
}

export function isRepeated({ element }: SchemaTree): boolean {
  return element.repetition_type === "REPEATED";
}
