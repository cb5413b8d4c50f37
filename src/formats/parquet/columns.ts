// Reads the footer and the columns of Parquet files. https://parquet.apache.org/docs/file-format/
import type { ColumnMetaData, DecodedArray, FileMetaData, SchemaTree } from "hyparquet";
import { UserError } from "../../errors.js";
import { printable } from "../../wording.js";
import { assert, check, fail, refuseEncrypted, toCount, UnsupportedEncoding, viewOf } from "./checks.js";
import { checkRuns, decoder, decompressor, decompressPage, type Leaf, limitTime, parsePage } from "./pages.js";
import { skipStruct } from "./thrift.js";

/** The length of PAR1, at both ends of a file, and of the footer's length, before the last PAR1. */
const MAGIC_BYTES = 4;
/** Larger footers are damaged. A footer of 10,000 row groups takes some megabytes. */
const MAX_FOOTER_BYTES = 2 ** 26;
const MAX_PAGE_HEADER_BYTES = 2 ** 16;
/** Columns are read in blocks of this size, which hold a few pages. */
const BLOCK_BYTES = 2 ** 22;
/** A row takes a byte or more: equal images may be stored once, but each has a name or a label. */
const MAX_ROWS_PER_BYTE = 1;
const MAX_ROWS = 2 ** 28;
const ENCODINGS = ["PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY"];

/** A file that can be read in parts. */
export interface AsyncBuffer {
  readonly byteLength: number;
  slice(start: number, end: number): ArrayBuffer | Promise<ArrayBuffer>;
}

/** An open file. */
export interface Source {
  readonly buffer: AsyncBuffer;
  readonly file: string;
  readonly metadata: FileMetaData;
  /** The root of the schema. Its children are the columns. */
  readonly root: SchemaTree;
  /** Rows in all row groups. */
  readonly count: number;
}

/** Opens a file. @throws UserError if its footer is damaged */
export async function openColumns(buffer: AsyncBuffer, file: string): Promise<Source> {
  const metadata = await readFooter(buffer, file);
  const { parquetSchema } = await import("hyparquet");
  const root = check(file, "its schema", () => {
    assert(metadata.schema.every(({ name }) => typeof name === "string"));
    return parquetSchema(metadata);
  });
  return { buffer, file, metadata, root, count: countRows(metadata, buffer.byteLength, file) };
}

/** Reads the metadata at the end of a file. */
async function readFooter(buffer: AsyncBuffer, file: string): Promise<FileMetaData> {
  const { byteLength } = buffer;
  if (byteLength < 3 * MAGIC_BYTES) fail(file, `it has only ${byteLength} bytes`);
  const start = Buffer.from(await slice(buffer, 0, MAGIC_BYTES, file)).toString("latin1");
  const end = await slice(buffer, byteLength - 2 * MAGIC_BYTES, byteLength, file);
  const magic = Buffer.from(end.subarray(MAGIC_BYTES)).toString("latin1");
  if (magic === "PARE" || start === "PARE") refuseEncrypted(file);
  if (start !== "PAR1") fail(file, "it does not begin with PAR1");
  if (magic !== "PAR1") fail(file, "it does not end with PAR1, so its end may be missing");
  const length = viewOf(end).getUint32(0, true);
  if (length > Math.min(byteLength - 3 * MAGIC_BYTES, MAX_FOOTER_BYTES)) {
    fail(file, `its footer of ${length} bytes is too long for a file of ${byteLength}`);
  }
  const footer = await slice(buffer, byteLength - 2 * MAGIC_BYTES - length, byteLength, file);
  const { parquetMetadata } = await import("hyparquet");
  return check(file, "its footer", () => {
    skipStruct(footer.subarray(0, length), 0);
    return parquetMetadata(footer, { geoparquet: false });
  });
}

function countRows(metadata: FileMetaData, byteLength: number, file: string): number {
  const count = metadata.row_groups.reduce((sum, group) => sum + toCount(group.num_rows, file), 0);
  if (count !== toCount(metadata.num_rows, file)) fail(file, "its row groups do not add up to its number of rows");
  if (count > Math.min(MAX_ROWS, MAX_ROWS_PER_BYTE * byteLength)) {
    fail(file, `its footer promises ${count} rows, too many for ${byteLength} bytes`);
  }
  return count;
}

/** Yields the values of a column, null for missing ones. */
export async function* readColumn(source: Source, leaf: Leaf): AsyncGenerator<unknown, void> {
  const path = JSON.stringify(leaf[leaf.length - 1].path);
  for (const [number, { num_rows, columns }] of source.metadata.row_groups.entries()) {
    if (num_rows === 0n) continue;
    if (columns.some((column) => column.crypto_metadata)) refuseEncrypted(source.file);
    const column = columns.find(({ meta_data: chunk }) => JSON.stringify(chunk?.path_in_schema) === path);
    if (column?.file_path)
      throw new UserError(`${source.file} keeps its columns in other files, which is not supported. Save it as one.`);
    const where = `column ${nameOf(leaf)} of row group ${number}`;
    if (!column?.meta_data) fail(source.file, `${where} is missing`);
    yield* readChunk(source, leaf, column.meta_data, Number(num_rows), where);
  }
}

/** Yields the values of a column in one row group, page by page. */
async function* readChunk(
  { buffer, file, metadata }: Source,
  leaf: Leaf,
  { codec, data_page_offset, dictionary_page_offset, total_compressed_size }: ColumnMetaData,
  rows: number,
  where: string,
): AsyncGenerator<unknown, void> {
  const dataAt = toCount(data_page_offset, file);
  let at = Math.min(dataAt, toCount(dictionary_page_offset || data_page_offset, file)); // some writers store 0
  const end = at + toCount(total_compressed_size, file);
  if (at < MAGIC_BYTES || end > buffer.byteLength - 2 * MAGIC_BYTES - metadata.metadata_length) {
    fail(file, `${where} is not within the file`);
  }
  const decompress = await decompressor(codec, file);
  const decode = await decoder(leaf);
  const { parquetHeader } = await import("hyparquet/src/column.js");
  const read = blockReader(buffer, end, file);

  let dictionary: DecodedArray = [];
  let left = rows;
  while (left > 0) {
    if (at >= end) fail(file, `${where} ends ${left} rows too early`);
    const what = `${where}, page at byte ${at},`;
    const start = await read(at, MAX_PAGE_HEADER_BYTES);
    const page = check(file, what, () => {
      const length = skipStruct(start, 0);
      at += length;
      return parsePage(parquetHeader({ view: viewOf(start.subarray(0, length)), offset: 0 }), leaf);
    });
    if (at + page.size > end) fail(file, `${what} is damaged`);
    if (!ENCODINGS.includes(page.encoding)) {
      throw new UnsupportedEncoding(file, page.encoding);
    }
    const bytes = await read(at, page.size);
    at += page.size;
    const values = check(file, what, () => {
      assert(page.isDictionary || page.count <= left);
      const content = decompressPage(page, bytes, decompress);
      checkRuns(page, content);
      return limitTime(() => decode(page, content, dictionary), content.length);
    });
    if (page.isDictionary) {
      dictionary = values.length > 0 ? values : []; // an empty Int32Array would give zeros
      continue;
    }
    left -= values.length;
    // hyparquet wraps values in optional structs in lists.
    for (const value of values) yield Array.isArray(value) ? (value[0] ?? null) : value;
  }
}

/** @returns a function that reads up to `maxBytes`, and buffers what it reads ahead */
function blockReader(buffer: AsyncBuffer, end: number, file: string) {
  let block: Uint8Array = new Uint8Array();
  let first = 0;
  return async (start: number, maxBytes: number): Promise<Uint8Array> => {
    const stop = Math.min(end, start + maxBytes);
    if (start < first || stop > first + block.length) {
      block = await slice(buffer, start, Math.min(end, start + Math.max(maxBytes, BLOCK_BYTES)), file);
      first = start;
    }
    return block.subarray(start - first, stop - first);
  };
}

/** Reads bytes `start` to `end` into a new buffer. */
async function slice(buffer: AsyncBuffer, start: number, end: number, file: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(await buffer.slice(start, end));
  if (bytes.length !== end - start) fail(file, `it shrank to ${start + bytes.length} bytes while it was read`);
  return bytes;
}

export function nameOf(leaf: Leaf): string {
  return printable(leaf[leaf.length - 1].path.join("."));
}
