// Reads data sets of encoded images in Parquet, as Hugging Face stores them: a column of {bytes, path}, and labels.
import type { FileMetaData, SchemaTree } from "hyparquet";
import { UserError } from "../errors.js";
import { fail, printable } from "./parquet/checks.js";
import { type AsyncBuffer, nameOf, openColumns, readColumn, type Source } from "./parquet/columns.js";
import type { Leaf } from "./parquet/pages.js";

/** Names of columns of images and of labels: the first that is there. */
const IMAGE_NAMES = ["image", "img"];
const LABEL_NAMES = ["label", "labels", "fine_label"];
/** In a message. */
const MAX_NAMED_COLUMNS = 12;
const MAX_NAMED_DEPTH = 4;

export type { AsyncBuffer };

export interface ParquetImages {
  readonly count: number;
  /** The names of the classes, if the file has Hugging Face's metadata. */
  readonly classes?: readonly string[] | undefined;
  /** The class of each image, -1 where it is missing. Undefined if all are. */
  readonly labels?: Int32Array | undefined;
  /** Yields all images in order, page by page. @throws UserError if the file is damaged, or lacks an image */
  images(): AsyncGenerator<ParquetImage, void>;
}

export interface ParquetImage {
  /** An encoded image. A view into a page of the file, which it keeps in memory: copy it to keep it long. */
  readonly bytes: Uint8Array;
  readonly name?: string | undefined;
}

/**
 * Opens a Parquet file, and reads its labels.
 *
 * The images are a column of structs with a child `bytes`, or else of binary values: `image`, `img`, or the only one.
 * The labels are a column of integers: `label`, `labels`, `fine_label`, or the only ClassLabel. Other columns,
 * and labels of other types, are ignored.
 *
 * @param buffer the content. Errors of its `slice` pass unchanged.
 * @throws UserError if the file is damaged, or holds no such images
 */
export async function openParquet(buffer: AsyncBuffer, file: string): Promise<ParquetImages> {
  const source = await openColumns(buffer, file);
  const { root, count, metadata } = source;
  const features = readFeatures(metadata);
  const image = findImages(root, features, file);
  const label = findLabels(root, features);
  const classes = label && classNames(features.get(label[1].element.name));
  return {
    count,
    classes,
    labels: label && (await readLabels(source, label, count, classes)),
    images: () => readImages(source, image.bytes, image.path),
  };
}

async function* readImages(source: Source, bytes: Leaf, path?: Leaf): AsyncGenerator<ParquetImage, void> {
  const names = path && readColumn(source, path);
  let row = 0;
  for await (const value of readColumn(source, bytes)) {
    const name = (await names?.next())?.value ?? undefined;
    if (value === null) {
      const found = typeof name === "string" ? `only the file name ${printable(name)}, not its image` : "no image";
      throw new UserError(`${source.file} holds ${found}, in row ${row}. Save it again with all images in it.`);
    }
    if (!(value instanceof Uint8Array)) fail(source.file, `row ${row} of column ${nameOf(bytes)} is damaged`);
    yield { bytes: value, ...(typeof name === "string" && { name }) };
    row++;
  }
}

async function readLabels(
  source: Source,
  leaf: Leaf,
  count: number,
  classes: readonly string[] | undefined,
): Promise<Int32Array | undefined> {
  const labels = new Int32Array(count).fill(-1);
  const last = (classes?.length ?? 2 ** 31) - 1;
  let row = 0;
  for await (const value of readColumn(source, leaf)) {
    if (value !== null && typeof value !== "bigint" && typeof value !== "number") {
      fail(source.file, `row ${row} of column ${nameOf(leaf)} is damaged`);
    }
    const label = Number(value ?? -1);
    if (!Number.isInteger(label) || label < -1 || label > last) {
      throw new UserError(`${source.file} has the label ${label} in row ${row}, which is not between 0 and ${last}.`);
    }
    labels[row++] = label;
  }
  return labels.some((label) => label >= 0) ? labels : undefined;
}

// Which columns

/** Hugging Face's types of the columns, by name. */
function readFeatures({ key_value_metadata: pairs }: FileMetaData): Map<string, object> {
  const text = pairs?.find(({ key }) => key === "huggingface")?.value;
  try {
    const features: unknown = JSON.parse(text ?? "{}").info?.features;
    return new Map(Object.entries(features ?? {}).filter(([, feature]) => feature instanceof Object));
  } catch {
    return new Map(); // other tools may write under this key
  }
}

function classNames(feature: object | undefined): readonly string[] | undefined {
  if (!isClassLabel(feature) || !("names" in feature) || !Array.isArray(feature.names)) return undefined;
  return feature.names.length > 0 && feature.names.every((name) => typeof name === "string")
    ? feature.names
    : undefined;
}

function isClassLabel(feature: object | undefined): feature is object {
  return feature !== undefined && "_type" in feature && feature._type === "ClassLabel";
}

/** Finds the columns of the images and of their names. */
function findImages(root: SchemaTree, features: Map<string, object>, file: string): { bytes: Leaf; path?: Leaf } {
  const columns = root.children.filter((column) => !isRepeated(column));
  const structs = columns.flatMap((column) => {
    const feature = features.get(column.element.name);
    if (feature && "_type" in feature && feature._type !== "Image") return []; // sounds have bytes, too
    const [bytes, path] = ["bytes", "path"].map((name) => column.children.find(({ element }) => element.name === name));
    if (!bytes || isRepeated(bytes) || !isBinary(bytes)) return [];
    const hasPath = path && !isRepeated(path) && typeName(path) === "string";
    return [{ bytes: [root, column, bytes], ...(hasPath && { path: [root, column, path] }) }];
  });
  const found = structs.length > 0 ? structs : columns.filter(isBinary).map((column) => ({ bytes: [root, column] }));
  const named = IMAGE_NAMES.flatMap((name) => found.filter(({ bytes }) => bytes[1].element.name === name));
  const image = named[0] ?? (found.length === 1 ? found[0] : undefined);
  if (image) return image;
  const all = root.children.map((column) => `${printable(column.element.name)} (${printable(typeName(column))})`);
  const rest = all.length > MAX_NAMED_COLUMNS ? ` and ${all.length - MAX_NAMED_COLUMNS} more` : "";
  const listed = `${all.slice(0, MAX_NAMED_COLUMNS).join(", ")}${rest}`;
  const problem = found.length > 1 ? "several columns" : "no column";
  throw new UserError(
    `${file} has ${problem} of encoded images: ${listed || "it has none"}. ` +
      "Save PNG or JPEG files as one column image of type struct<bytes: binary, path: string> or binary.",
  );
}

function findLabels(root: SchemaTree, features: Map<string, object>): Leaf | undefined {
  const integers = root.children.filter((column) => !isRepeated(column) && /^u?int\d+$/.test(typeName(column)));
  const named = LABEL_NAMES.flatMap((name) => integers.filter(({ element }) => element.name === name));
  const labels = integers.filter(({ element }) => isClassLabel(features.get(element.name)));
  const label = named[0] ?? (labels.length === 1 ? labels[0] : undefined);
  return label && [root, label];
}

/** Formats a type as Arrow does, without the innermost parts of deep ones. */
function typeName({ element, children }: SchemaTree, depth = 0): string {
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

function isBinary(column: SchemaTree): boolean {
  return typeName(column) === "binary";
}

function isRepeated({ element }: SchemaTree): boolean {
  return element.repetition_type === "REPEATED";
}
