// Reads images and latents from files or standard input.
import { createReadStream } from "node:fs";
import path from "node:path";
import type { GivenSettings } from "../config/config.js";
import { SETTINGS } from "../config/settings.js";
import { prepareImages } from "../data/input.js";
import { checkCount } from "../data/pixels.js";
import { describeScale } from "../data/scale.js";
import { isSystemError, UserError } from "../errors.js";
import { addFileName, isMissing } from "../files/read.js";
import { parseLatentLines } from "../formats/latent-lines.js";
import { checkNpyLength, MAX_NPY_HEADER_BYTES, parseNpy, parseNpyHeader, parseNpyTexts } from "../formats/npy.js";
import { parseTable } from "../formats/table.js";
import { readZip } from "../formats/zip.js";
import type { datasets, HostArray, LoadedModel } from "../index.js";
import { sizeOf } from "../tree.js";
import { formatBytes, listSome } from "../wording.js";
import type { Io } from "./io.js";
import { note } from "./output.js";

/** The file name that means standard input. */
const PIPE = "-";
/** Limits of input, which is read into memory. Parsed text takes more bytes than the text. */
const MAX_ARRAY_BYTES = 2e9;
const MAX_TEXT_BYTES = 200e6;
/** Maximum number of arrays that an error lists. */
const MAX_NAMED = 8;

/** Selects the first `wanted` images, by default all. @throws UserError if there are fewer */
export function firstOf(images: datasets.ImageSet | HostArray, wanted?: number): datasets.ImageSet | HostArray {
  if (wanted === undefined) return images;
  if (!("data" in images)) return { ...images, count: checkCount(wanted, images.count) };
  const [count, ...rest] = images.shape;
  const first = checkCount(wanted, count);
  return { data: images.data.subarray(0, first * sizeOf(rest)), shape: [first, ...rest] };
}

/** Reads images for a model from a .npy file, or from standard input for `-`. Notes the detected scale. */
export async function readImages(
  io: Io,
  place: string,
  { config, size, folder }: LoadedModel,
  layout: GivenSettings["layout"] = config.layout,
): Promise<HostArray> {
  const { bytes, name } = await readInput(io, place, checkNpy);
  const { dtype, shape, data: values } = parseNpy(bytes, name);
  const isNoisy = config.noise !== null || config.inputDir !== null;
  const { images, scale } = prepareImages({ name, dtype, shape, values }, size, {
    isNoisy,
    layout: SETTINGS.layout.check(layout),
    scales: folder.config.data.scales,
  });
  for (const text of describeScale(name, scale)) note(io, text);
  return images;
}

/** Latents `[N, Z]`. `classes` reads the class of each row, undefined if the file has none. */
type Latents = HostArray<Float32Array> & { readonly classes?: () => readonly string[] | undefined };

const READERS: Record<keyof typeof CHECKS, (bytes: Uint8Array, name: string) => Latents> = {
  npy: readNpy,
  npz: readNpz,
  jsonl: readLines,
  csv: readCsv,
};

/** Reads latents from a file or from standard input for `-`. */
export async function readLatents(io: Io, place: string): Promise<Latents> {
  const formatOf = (bytes: Uint8Array, file: string) => latentFormat(bytes, path.extname(place).toLowerCase(), file);
  const check: Check = (start, length, file) => CHECKS[formatOf(start, file)](start, length, file);
  const { bytes, name } = await readInput(io, place, check);
  if (bytes.length === 0) throw new UserError(`${name} is empty. Give latents as .npy, .npz, JSON lines or CSV.`);
  return READERS[formatOf(bytes, name)](bytes, name);
}

/** Detects a format from the first bytes, else the extension. @throws UserError for unknown binary data */
function latentFormat(bytes: Uint8Array, ending: string, name: string): keyof typeof READERS {
  const start = new TextDecoder().decode(bytes.subarray(0, MAX_NPY_HEADER_BYTES)); // removes a byte order mark
  if (bytes[0] === 0x93 || ending === ".npy") return "npy";
  if (start.startsWith("PK\x03\x04") || ending === ".npz") return "npz";
  if (bytes.subarray(0, 512).some((byte) => byte < 32 && (byte < 9 || byte > 13))) {
    throw new UserError(`${name} is not .npy, .npz, JSON lines or CSV. Convert it.`);
  }
  return start.trimStart().startsWith("{") || ending === ".jsonl" ? "jsonl" : "csv";
}

function readNpy(bytes: Uint8Array, name: string): HostArray<Float32Array> {
  const { data, shape } = parseNpy(bytes, name);
  return { data: data instanceof Float32Array ? data : Float32Array.from(data), shape };
}

function readLines(bytes: Uint8Array, name: string): Latents {
  const { classes, ...z } = parseLatentLines(bytes, name);
  return { ...z, classes: () => classes };
}

function readNpz(bytes: Uint8Array, name: string): Latents {
  const entries = readZip(bytes, name);
  const z = entries.get("z.npy");
  if (!z) {
    const names = [...entries.keys()].map((entry) => entry.replace(/\.npy$/, ""));
    throw new UserError(
      `${name} has no array z (arrays: ${listSome(names, MAX_NAMED) || "none"}). Name the latents z.`,
    );
  }
  const classes = () => {
    const texts = entries.get("class.npy")?.read(MAX_ARRAY_BYTES);
    if (texts) return parseNpyTexts(texts, `${name}/class`);
    const labels = entries.get("label.npy")?.read(MAX_ARRAY_BYTES);
    return labels && Array.from(parseNpy(labels, `${name}/label`).data, String);
  };
  return { ...readNpy(z.read(MAX_ARRAY_BYTES), `${name}/z`), classes };
}

/** Reads the columns z0, z1, … in this order, or all columns of a table without a header. */
function readCsv(bytes: Uint8Array, name: string): Latents {
  const isOfClass = (column: string) => column === "class" || column === "label";
  const { header, columns, rows, data, texts } = parseTable(bytes, name, (column) => /^z\d+$/.test(column), isOfClass);
  if (!header) return { data, shape: [rows, columns] };
  const places = new Map(header.map((column, place) => [column, place]));
  const order = Array.from({ length: Math.max(1, columns) }, (_, i) => {
    const place = places.get(`z${i}`);
    if (place === undefined) throw new UserError(`${name} has no column z${i}. Name the columns z0, z1, …`);
    return place;
  });
  const classes = () => texts.get("class") ?? texts.get("label");
  const ordered = data.map((_, at) => data[at - (at % columns) + order[at % columns]]);
  return { data: ordered, shape: [rows, columns], classes };
}

/** Checks the first bytes of a file, and the length read so far. @throws UserError to stop reading */
type Check = (start: Uint8Array, length: number, name: string) => void;

function checkNpy(start: Uint8Array, length: number, name: string): void {
  const header = parseNpyHeader(start, name);
  if (header.end > MAX_ARRAY_BYTES) {
    throw new UserError(`${name} declares ${header.end} bytes, more than ${formatBytes(MAX_ARRAY_BYTES)}. Split it.`);
  }
  if (length > header.end) checkNpyLength(header, Infinity, name);
}

function checkArchive(_start: Uint8Array, length: number, name: string): void {
  if (length > MAX_ARRAY_BYTES) throw new UserError(`${name} has more than ${formatBytes(MAX_ARRAY_BYTES)}. Split it.`);
}

function checkText(_start: Uint8Array, length: number, name: string): void {
  if (length <= MAX_TEXT_BYTES) return;
  throw new UserError(
    `${name} has more than ${formatBytes(MAX_TEXT_BYTES)} of text. Give the latents as .npy, or split them.`,
  );
}

const CHECKS = { npy: checkNpy, npz: checkArchive, jsonl: checkText, csv: checkText };

/** Reads a file or standard input. Checks while reading, since the input may be endless. */
async function readInput({ stdin }: Io, place: string, check: Check): Promise<{ bytes: Uint8Array; name: string }> {
  const isPipe = place === PIPE;
  if (isPipe && stdin.isTTY) {
    throw new UserError("Standard input is a terminal. Give a file, --input FILE, or pipe data in.");
  }
  const name = isPipe ? "standard input" : place;
  const chunks: Uint8Array[] = [];
  let length = 0;
  let start: Uint8Array | undefined;
  try {
    for await (const chunk of isPipe ? stdin : createReadStream(place)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= MAX_NPY_HEADER_BYTES) start ??= Buffer.concat(chunks);
      if (start) check(start, length, name);
    }
  } catch (error) {
    if (!isPipe && isMissing(error)) throw new UserError(`--input ${place}: there is no such file.`);
    if (isSystemError(error) && error.code === "EISDIR")
      throw new UserError(`--input ${place} is a folder. Give a file.`);
    throw addFileName(error, name, "read");
  }
  return { bytes: Buffer.concat(chunks), name };
}
