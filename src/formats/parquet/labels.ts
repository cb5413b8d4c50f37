// Finds and reads the labels in Parquet files: numbers or names of classes.
import type { SchemaTree } from "hyparquet";
import { UserError } from "../../errors.js";
import { printable } from "../../wording.js";
import { fail, UnsupportedEncoding } from "./checks.js";
import { nameOf, readColumn, type Source } from "./columns.js";
import type { Leaf } from "./pages.js";
import { classNames, type Features, isClassLabel, isRepeated, typeName } from "./schema.js";

/** Names of columns of labels, in order of preference. A column of Hugging Face's type ClassLabel comes in between. */
const NAMES = ["label", "labels", "fine_label"];
const LESS_CLEAR_NAMES = ["target", "class", "y"];
/** Labels are 16-bit integers. */
export const MAX_CLASSES = 65_536;

export interface ParquetLabels {
  /** The names of the classes, in Unicode NFC: from Hugging Face's metadata, or the texts of the labels, sorted. */
  readonly classes?: readonly string[] | undefined;
  /** Whether the labels are texts, which have no inherent order. */
  readonly hasTexts: boolean;
  /** The class of each image, -1 if missing. Undefined if all are missing. */
  readonly labels?: Int32Array | undefined;
  /** A column of labels that cannot be used, and why. */
  readonly note?: { readonly column: string; readonly why: string } | undefined;
}

/** The reason not to use a column. */
type Unusable = { readonly why: string };

/**
 * Reads the first usable column of labels.
 *
 * @param image the column of the images
 * @throws UserError if the file is damaged, or a label is not among the classes in its metadata
 */
export async function readLabels(source: Source, features: Features, image: SchemaTree): Promise<ParquetLabels> {
  let note: ParquetLabels["note"];
  for (const column of findColumns(source.root, features)) {
    if (column === image) continue;
    const { name } = column.element;
    const read = await readUsable(source, column, classNames(features.get(name)));
    if (!("why" in read)) return { ...read, note };
    note ??= { column: printable(name), why: read.why };
  }
  return { hasTexts: false, note };
}

function findColumns({ children }: SchemaTree, features: Features): SchemaTree[] {
  const byName = (names: readonly string[]) =>
    names.flatMap((name) => children.filter(({ element }) => element.name === name));
  const declared = children.filter(({ element }) => isClassLabel(features.get(element.name)));
  return [...new Set([...byName(NAMES), ...(declared.length === 1 ? declared : []), ...byName(LESS_CLEAR_NAMES)])];
}

async function readUsable(
  source: Source,
  column: SchemaTree,
  classes: readonly string[] | undefined,
): Promise<ParquetLabels | Unusable> {
  const leaf = [source.root, column];
  const type = typeName(column);
  const isNumeric = /^(u?int(8|16|32|64)|float|double|float16|boolean|null)$/.test(type);
  if (isRepeated(column) || (!isNumeric && type !== "string")) {
    return { why: `it holds ${printable(type)}, not one class for each image` };
  }
  try {
    return isNumeric ? await readNumbers(source, leaf, classes) : await readTexts(source, leaf);
  } catch (error) {
    if (error instanceof UnsupportedEncoding) return { why: `its encoding ${error.encoding} is not supported` };
    throw error;
  }
}

async function readNumbers(
  source: Source,
  leaf: Leaf,
  classes: readonly string[] | undefined,
): Promise<ParquetLabels | Unusable> {
  const labels = new Int32Array(source.count).fill(-1);
  const last = Math.min(classes?.length ?? MAX_CLASSES, MAX_CLASSES) - 1;
  let row = 0;
  for await (const value of readColumn(source, leaf)) {
    if (value !== null && !["bigint", "number", "boolean"].includes(typeof value)) failAt(source, leaf, row);
    const label = value === null || Number.isNaN(value) ? -1 : Number(value);
    if (!Number.isInteger(label) || label < -1 || label > last) {
      if (!classes) return { why: `row ${row} has ${label}, not a whole number from 0 to ${last}` };
      throw new UserError(`${source.file} has the label ${label} in row ${row}, which is not between 0 and ${last}.`);
    }
    labels[row++] = label;
  }
  return { classes, hasTexts: false, labels: labels.some((label) => label >= 0) ? labels : undefined };
}

/** Reads texts, and numbers them in sorted order. */
async function readTexts(source: Source, leaf: Leaf): Promise<ParquetLabels | Unusable> {
  const found = new Map<string, number>(); // numbered in the order of the rows
  const numbers = new Int32Array(source.count).fill(-1);
  let row = 0;
  for await (const value of readColumn(source, leaf)) {
    if (typeof value === "string") {
      const text = value.normalize("NFC");
      const number = found.get(text) ?? found.size;
      found.set(text, number);
      numbers[row] = number;
      if (found.size > MAX_CLASSES) return { why: `it has more than ${MAX_CLASSES} different texts` };
    } else if (value !== null) failAt(source, leaf, row);
    row++;
  }
  if (found.size === 0) return { hasTexts: false };
  const classes = [...found.keys()].sort();
  const positions = new Int32Array(classes.length);
  classes.forEach((text, position) => {
    positions[found.get(text) as number] = position;
  });
  return { classes, hasTexts: true, labels: numbers.map((number) => (number < 0 ? -1 : positions[number])) };
}

function failAt({ file }: Source, leaf: Leaf, row: number): never {
  fail(file, `row ${row} of column ${nameOf(leaf)} is damaged`);
}
