// Opens data sets of encoded images in Parquet files, one or more for each split.
import path from "node:path";
import { UserError } from "../errors.js";
import { withRegular } from "../files/read.js";
import { joinClasses, openParquet, type ParquetImages } from "../formats/parquet.js";
import type { DataOptions } from "./dataset.js";
import { decodeCollection } from "./decode.js";
import { divideDecoded, type Entry } from "./decoded-source.js";
import { assignSplits, listed, mainGroup } from "./name-groups.js";
import { parseName, SPLITS, type Split } from "./names.js";
import { range } from "./pixels.js";
import type { Source } from "./sources.js";

/** Opens the files of one data set in a folder. @throws UserError if they belong to several data sets */
export async function openParquetFolder(
  folder: string,
  names: readonly string[],
  options: DataOptions,
): Promise<Source> {
  const named = names.map((file) => ({ file, ...parseName(file) }));
  const group = mainGroup(named, folder);
  const files = assignSplits(group).map(({ file, split }) => ({ file: path.join(folder, file), split }));
  const unused = named.filter(({ file }) => !files.some((one) => one.file === path.join(folder, file)));
  const notes = unused.length > 0 ? [`Not used: ${listed(unused)}.`] : [];
  return openParquetFiles(folder, files, notes, options);
}

/**
 * Opens Parquet files as one data set.
 *
 * @throws UserError if a file is not valid, none holds training images, or their classes cannot be joined
 */
export async function openParquetFiles(
  name: string,
  files: readonly { readonly file: string; readonly split: Split }[],
  notes: readonly string[],
  options: DataOptions,
): Promise<Source> {
  if (!files.some(({ split }) => split === "train")) throw new UserError(`${name} holds no training images.`);
  const shards = await Promise.all(
    files.map(async ({ file, split }) => ({ file, split, ...(await openParquet(await bufferOf(file), file)) })),
  );
  const bySplit = SPLITS.flatMap((split) => shards.filter((shard) => shard.split === split));
  const { classes, labelsOf, note } = joinClasses(bySplit);
  const count = shards.reduce((sum, shard) => sum + shard.count, 0);
  const counts = new Map<Split, number>();
  const entries = shards.flatMap((shard) => {
    const { split, count } = shard;
    const labels = labelsOf(shard);
    const before = counts.get(split) ?? 0;
    counts.set(split, before + count);
    return Array.from(range(0, count), (row): Entry => {
      const label = labels?.[row] ?? -1;
      return { split, label: label < 0 ? undefined : label, origin: { split, row: before + row } };
    });
  });
  const decoded = await decodeCollection(
    {
      name,
      count,
      hasPartners: false,
      key: [path.resolve(name)],
      files: files.map(({ file }) => file),
      async *images() {
        for (const { images, split } of shards) {
          let row = 0;
          for await (const { bytes, name } of images())
            yield { name: name ?? `row ${row++}`, split, read: async () => bytes };
        }
      },
    },
    options,
  );
  const images = divideDecoded(name, decoded, entries, options);
  const labelNotes = [...describeColumns(shards), ...(note ? [note] : []), ...describeUnlabelled(name, entries)];
  const isStored = images.test !== undefined;
  return { kind: "files", ...images, isStored, classes, notes: [...notes, ...labelNotes, ...decoded.notes] };
}

/** Describes the columns of labels that are ignored: one sentence for each column, with its files. */
function describeColumns(shards: readonly (Pick<ParquetImages, "note"> & { readonly file: string })[]): string[] {
  const columns = new Set(shards.flatMap(({ note }) => note?.column ?? []));
  return [...columns].map((column) => {
    const [{ file, note }, ...others] = shards.filter(({ note }) => note?.column === column);
    const more = others.length > 0 ? ` and ${others.length} other file${others.length > 1 ? "s" : ""}` : "";
    return `In ${file}${more}, column ${column} is ignored: ${note?.why}.`;
  });
}

/** Names the splits whose labels are ignored because only some images have one. */
function describeUnlabelled(name: string, entries: readonly Entry[]): string[] {
  return SPLITS.flatMap((split) => {
    const own = entries.filter((entry) => entry.split === split);
    const missing = own.filter(({ label }) => label === undefined).length;
    if (missing === 0 || missing === own.length) return [];
    return [`The labels of the ${split} images of ${name} are ignored: ${missing} of ${own.length} have none.`];
  });
}

/** Reads parts of a file on demand. */
async function bufferOf(file: string) {
  const size = await withRegular(file, async (_, bytes) => bytes);
  const slice = (start: number, end = size): Promise<ArrayBuffer> =>
    withRegular(file, async (handle) => {
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      return bytes.buffer.slice(0, bytesRead);
    });
  return { byteLength: size, slice };
}
