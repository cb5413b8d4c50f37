// Checks, decompresses and decodes pages of Parquet files. hyparquet decodes them but trusts every length in a file:
// damaged lengths make it loop, or allocate until the process dies. So this file checks lengths first and limits time.
import vm from "node:vm";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import type { CompressionCodec, DecodedArray, PageHeader, SchemaTree } from "hyparquet";
import { UserError } from "../../errors.js";
import { assert, isCount, viewOf } from "./checks.js";
import { readVarint } from "./thrift.js";

/** Limits of a page. Writers make pages of a megabyte, or of a thousand images. */
const MAX_PAGE_BYTES = 2 ** 30;
const MAX_PAGE_VALUES = 2 ** 22;
/** Images are compressed already, so pages above SMALL_PAGE_BYTES compress less than this. */
const MAX_INFLATION = 1100;
const SMALL_PAGE_BYTES = 2 ** 24;
/** The time limit to decode a page: a minimum in milliseconds, plus one per this number of bytes. */
const MIN_TIME_LIMIT = 10_000;
const BYTES_PER_MS = 10_000;

/** A column of values, as the path from the root of the schema. */
export type Leaf = readonly SchemaTree[];

/** The checked header of a page. */
export interface Page {
  readonly header: PageHeader;
  readonly isDictionary: boolean;
  readonly isVersion2: boolean;
  /** Bytes in the file. */
  readonly size: number;
  /** Values and nulls. */
  readonly count: number;
  readonly encoding: string;
  /** Bytes of the definition levels, which version 2 stores first and uncompressed. */
  readonly levelBytes: number;
  /** The definition level of values. The level of nulls is lower. */
  readonly maxLevel: number;
}

/** Checks the header of a page. */
export function parsePage(header: PageHeader, leaf: Leaf): Page {
  const { type, compressed_page_size: size, uncompressed_page_size: length, data_page_header_v2: v2 } = header;
  const isDictionary = type === "DICTIONARY_PAGE";
  const isVersion2 = type === "DATA_PAGE_V2";
  const part = isDictionary ? header.dictionary_page_header : isVersion2 ? v2 : header.data_page_header;
  assert(isDictionary || isVersion2 || type === "DATA_PAGE");
  assert(part !== undefined && isCount(size) && isCount(length) && isCount(part.num_values));
  assert(length <= Math.min(MAX_PAGE_BYTES, SMALL_PAGE_BYTES + MAX_INFLATION * size));
  // A value of a dictionary has four bytes or more.
  assert(part.num_values <= Math.min(MAX_PAGE_VALUES, isDictionary ? length / 4 : Infinity));
  const levelBytes = isVersion2 && v2 ? v2.definition_levels_byte_length : 0;
  assert(isCount(levelBytes) && levelBytes <= Math.min(size, length));
  if (isVersion2 && v2) assert(v2.repetition_levels_byte_length === 0 && isCount(v2.num_nulls));
  return {
    header,
    isDictionary,
    isVersion2,
    size,
    count: part.num_values,
    encoding: isDictionary ? "PLAIN" : (part.encoding ?? "of an unknown kind"),
    levelBytes,
    maxLevel: leaf.slice(1).filter(({ element }) => element.repetition_type !== "REQUIRED").length,
  };
}

export type Decompress = (input: Uint8Array, length: number) => Uint8Array;

export async function decompressor(codec: CompressionCodec, file: string): Promise<Decompress> {
  if (codec === "UNCOMPRESSED") return (input) => input;
  if (codec === "GZIP") return (input, maxOutputLength) => gunzipSync(input, { maxOutputLength });
  if (codec === "BROTLI") return (input, maxOutputLength) => brotliDecompressSync(input, { maxOutputLength });
  const { compressors, decompressZstd } = await import("hyparquet-compressors");
  if (codec === "ZSTD") return (input, length) => decompressZstd(input, new Uint8Array(length));
  const decompress = compressors[codec];
  if (decompress) return decompress;
  throw new UserError(
    `${file} has the compression ${codec ?? "of an unknown kind"}, which is not supported. Save it with snappy.`,
  );
}

/** Decompresses a page into its own buffer, because hyparquet checks lengths only against the end of the buffer. */
export function decompressPage({ header, isVersion2, levelBytes }: Page, bytes: Uint8Array, decompress: Decompress) {
  const content = new Uint8Array(header.uncompressed_page_size);
  content.set(bytes.subarray(0, levelBytes));
  const rest = bytes.subarray(levelBytes);
  const length = content.length - levelBytes;
  if (length === 0) return content; // only levels
  const isPlain = isVersion2 && header.data_page_header_v2?.is_compressed === false;
  const values = isPlain ? rest : limitTime(() => decompress(rest, length), length);
  assert(values.length === length);
  content.set(values, levelBytes);
  return content;
}

/** Checks the runs of small integers in a page: definition levels, and indices of the dictionary. */
export function checkRuns(
  { isDictionary, isVersion2, count, encoding, levelBytes, maxLevel }: Page,
  content: Uint8Array,
): void {
  if (isDictionary) return;
  let start = levelBytes;
  if (maxLevel > 0) {
    const first = isVersion2 ? 0 : 4;
    if (!isVersion2) start = first + viewOf(content).getUint32(0, true);
    assert(start <= content.length);
    const width = 32 - Math.clz32(maxLevel);
    assert(countRuns(content.subarray(first, start), width, count) >= count);
  }
  // Nulls have no index, so there may be fewer than `count`.
  if (encoding.endsWith("_DICTIONARY")) countRuns(content.subarray(start + 1), content[start] ?? 0, count);
}

/**
 * Counts the integers in runs, which hyparquet would expand without limit.
 *
 * @param width bits of an integer
 * @param max the maximum number of integers. A run that exceeds it is an error
 */
function countRuns(bytes: Uint8Array, width: number, max: number): number {
  assert(width <= 24);
  let [count, at] = [0, 0];
  while (count < max && at < bytes.length) {
    const [header, next] = readVarint(bytes, at, 5);
    const isPacked = (header & 1) === 1;
    const length = header >>> 1; // in a packed run, the number of groups of eight integers, the last of them padded
    count += isPacked ? 8 * length : length;
    at = next + (isPacked ? length * width : Math.ceil(width / 8));
    assert(length > 0 && count < max + (isPacked ? 8 : 1) && at <= bytes.length);
  }
  return count;
}

type Decode = (page: Page, content: Uint8Array, dictionary: DecodedArray) => DecodedArray;

/** @returns a function that decodes a page with hyparquet */
export async function decoder(leaf: Leaf): Promise<Decode> {
  const { readPage } = await import("hyparquet/src/column.js");
  const { convert, DEFAULT_PARSERS } = await import("hyparquet/src/convert.js");
  const { element, path } = leaf[leaf.length - 1];
  const { type } = element;
  return ({ header, count, isDictionary }, content, dictionary) => {
    assert(type !== undefined);
    const column = {
      pathInSchema: path,
      type,
      element,
      schemaPath: [...leaf],
      codec: "UNCOMPRESSED" as const,
      parsers: DEFAULT_PARSERS,
      utf8: false,
    };
    const sizes = { compressed_page_size: content.length, uncompressed_page_size: content.length };
    const v2 = header.data_page_header_v2;
    const plain = { ...header, ...sizes, ...(v2 && { data_page_header_v2: { ...v2, is_compressed: false } }) };
    const { data } = readPage({ view: viewOf(content), offset: 0 }, plain, column, dictionary, undefined, 0);
    assert(data?.length === count);
    return isDictionary ? convert(data, column) : data;
  };
}

let context: vm.Context | undefined;

/** Calls a function that may never return for damaged data (fzstd, hyparquet's delta encodings). Throws on timeout. */
export function limitTime<Result>(act: () => Result, bytes: number): Result {
  context ??= vm.createContext({});
  context.act = act;
  try {
    return vm.runInContext("act()", context, { timeout: MIN_TIME_LIMIT + Math.ceil(bytes / BYTES_PER_MS) });
  } finally {
    context.act = undefined;
  }
}
