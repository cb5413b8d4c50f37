// Latents as a table for JSON lines, CSV and .npz: the origin, class, z and σ of each image.
import { range } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { encodeNpy, type NpyValues } from "../formats/npy.js";
import { formatCsvRow } from "../formats/table.js";
import { encodeZip } from "../formats/zip.js";
import type { datasets, Encoded, HostArray } from "../index.js";

/** Limit of an archive, which is built in memory. */
const MAX_ARCHIVE_BYTES = 2e9;

/** A value for each image, `[count]`, or a vector, `[count, Z]`. */
interface Column {
  readonly name: string;
  readonly data: Exclude<NpyValues, Uint8Array>;
  readonly shape: readonly number[];
}
type Columns = readonly Column[];
type Origins = Pick<datasets.ImageSet, "labels" | "origin">;

/**
 * Yields the columns of each part: origin, class and latents of images.
 *
 * @param name the class that all images were encoded with, if not their own
 */
export async function* tabulate(
  images: datasets.ImageSet | HostArray,
  classes: readonly string[] | undefined,
  parts: AsyncIterable<Encoded> | Iterable<Encoded>,
  name?: string,
): AsyncGenerator<Columns, void> {
  let first = 0;
  for await (const { z, sigma } of parts) {
    const [count] = z.shape;
    const vectors = [{ name: "z", ...z }, ...(sigma ? [{ name: "sigma", ...sigma }] : [])];
    const own = "data" in images ? {} : images;
    const given =
      name === undefined ? [] : [{ name: "class", data: new Array<string>(count).fill(name), shape: [count] }];
    const origins = name === undefined ? own : { ...own, labels: undefined };
    yield [...describeImages(origins, classes, first, count), ...given, ...vectors];
    first += count;
  }
}

/** Number, origin and class of images. Empty columns are omitted. */
function describeImages(
  { labels: all, origin }: Origins,
  classes: readonly string[] | undefined,
  first: number,
  count: number,
): Columns {
  const numbers = Array.from(range(first, count));
  const origins = origin ? numbers.map((image) => origin(image)) : [];
  const labels = all?.subarray(first, first + count) ?? new Uint16Array();
  const columns = {
    image: BigInt64Array.from(numbers, BigInt),
    file: origins.flatMap(({ file }) => file ?? []),
    split: origins.flatMap(({ split }) => split ?? []),
    row: BigInt64Array.from(
      origins.flatMap(({ row }) => row ?? []),
      BigInt,
    ),
    label: labels,
    class: classes ? Array.from(labels, (label) => classes[label]) : [],
  };
  const described = Object.entries(columns).map(([name, data]) => ({ name, data, shape: [data.length] }));
  return described.filter(({ data }) => data.length > 0);
}

type Cell = string | number;

/** The value of a row in a column. Nine digits identify every float32. */
function cellOf({ data, shape: [, width] }: Column, row: number): Cell | Cell[] {
  if (data instanceof Float32Array) {
    return Array.from(data.subarray(row * width, (row + 1) * width), (float) => Number(float.toPrecision(9)));
  }
  const value = data[row];
  return typeof value === "bigint" ? Number(value) : value;
}

function rowsOf([{ shape }]: Columns): number[] {
  return Array.from(range(0, shape[0]));
}

async function* jsonLines(parts: AsyncIterable<Columns>): AsyncGenerator<string, void> {
  for await (const columns of parts) {
    const formatLine = (row: number) =>
      `${JSON.stringify(Object.fromEntries(columns.map((column) => [column.name, cellOf(column, row)])))}\n`;
    yield rowsOf(columns).map(formatLine).join("");
  }
}

/** A vector becomes several columns: z0, z1, … */
async function* csvRows(parts: AsyncIterable<Columns>): AsyncGenerator<string, void> {
  let isFirst = true;
  for await (const columns of parts) {
    const namesOf = ({ name, shape: [, width] }: Column) =>
      width === undefined ? name : Array.from(range(0, width), (i) => `${name}${i}`);
    const header = isFirst ? [formatCsvRow(columns.flatMap(namesOf))] : [];
    const rows = rowsOf(columns).map((row) => formatCsvRow(columns.flatMap((column) => cellOf(column, row))));
    yield [...header, ...rows].join("");
    isFirst = false;
  }
}

/** @throws UserError if the latents of `count` images are too large to collect in memory */
export function checkArchiveSize(count: number, dimZ: number): void {
  if (2 * 4 * count * dimZ <= MAX_ARCHIVE_BYTES) return;
  throw new UserError(
    `The latents of ${count} images take more than 2 GB as .npz. Write them as .jsonl or .csv, or only z as .npy.`,
  );
}

/** Encodes one part. The column `image` is omitted: it equals the index. */
async function* npzArchive(parts: AsyncIterable<Columns>): AsyncGenerator<Uint8Array, void> {
  for await (const columns of parts) {
    const arrays = columns.filter(({ name }) => name !== "image");
    yield encodeZip(arrays.map(({ name, ...array }) => [`${name}.npy`, encodeNpy(array)] as const));
  }
}

/** Formats columns. Nothing is yielded before the first part, so that an early error writes nothing. */
export const formatTable = { jsonl: jsonLines, csv: csvRows, npz: npzArchive };
