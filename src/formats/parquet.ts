// Reads data sets of encoded images in Parquet, in Hugging Face's form: a column of {bytes, path}, and labels.
import type { SchemaTree } from "hyparquet";
import { UserError } from "../errors.js";
import { printable } from "../wording.js";
import { fail } from "./parquet/checks.js";
import { type AsyncBuffer, nameOf, openColumns, readColumn, type Source } from "./parquet/columns.js";
import { type ParquetLabels, readLabels } from "./parquet/labels.js";
import type { Leaf } from "./parquet/pages.js";
import { type Features, isRepeated, readFeatures, typeName } from "./parquet/schema.js";

/** Names of columns of images, in order of preference. */
const IMAGE_NAMES = ["image", "img"];
/** The most columns that a message names. */
const MAX_NAMED_COLUMNS = 12;

export { joinClasses } from "./parquet/classes.js";
export type { AsyncBuffer };

export interface ParquetImages extends ParquetLabels {
  readonly count: number;
  /** Yields all images in order, page by page. @throws UserError if the file is damaged, or lacks an image */
  images(): AsyncGenerator<ParquetImage, void>;
}

export interface ParquetImage {
  /** An encoded image. A view that keeps its whole page of the file in memory: copy it to keep it long. */
  readonly bytes: Uint8Array;
  readonly name?: string | undefined;
}

/**
 * Opens a Parquet file, and reads its labels.
 *
 * Images are a column of structs with a child `bytes`, or else of binary values: `image`, `img`, or the only one.
 * Labels are a column of whole numbers or texts: `label`, `labels`, `fine_label`, the only ClassLabel, `target`,
 * `class` or `y`. Ignores other columns.
 *
 * @param buffer the content. Does not catch errors of its `slice`
 * @throws UserError if the file is damaged, or holds no column of encoded images
 */
export async function openParquet(buffer: AsyncBuffer, file: string): Promise<ParquetImages> {
  const source = await openColumns(buffer, file);
  const { root, count, metadata } = source;
  const features = readFeatures(metadata);
  const image = findImages(root, features, file);
  return {
    count,
    ...(await readLabels(source, features, image.bytes[1])),
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

/** Finds the columns of images and of their names. */
function findImages(root: SchemaTree, features: Features, file: string): { bytes: Leaf; path?: Leaf } {
  const columns = root.children.filter((column) => !isRepeated(column));
  const structs = columns.flatMap((column) => {
    const feature = features.get(column.element.name);
    if (feature && "_type" in feature && feature._type !== "Image") return []; // audio has bytes, too
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

function isBinary(column: SchemaTree): boolean {
  return typeName(column) === "binary";
}
