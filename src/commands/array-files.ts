// Reads arrays from files or standard input, and writes them.
import { createReadStream } from "node:fs";
import path from "node:path";
import type { GivenSettings } from "../config/config.js";
import { SETTINGS } from "../config/settings.js";
import { prepareImages } from "../data/input.js";
import { checkCount } from "../data/pixels.js";
import { describeScale } from "../data/scale.js";
import { isSystemError, UserError } from "../errors.js";
import { addFileName, isMissing } from "../files/read.js";
import { writeFileAtomically } from "../files/write.js";
import { checkLatentStart, formatLatentLine, parseLatentLines } from "../formats/latent-lines.js";
import { checkNpyLength, MAX_NPY_HEADER_BYTES, npyHeader, parseNpy, parseNpyHeader } from "../formats/npy.js";
import type { datasets, Encoded, HostArray, LoadedModel } from "../index.js";
import { sizeOf } from "../tree.js";
import { checkPlace } from "./flags.js";
import type { Io } from "./io.js";
import { note, print } from "./output.js";

/** Standard input or output. */
const PIPE = "-";
/** Input is held in memory, where the numbers of JSON lines take more bytes than their text. */
const MAX_NPY_BYTES = 2e9;
const MAX_TEXT_BYTES = 200e6;

/**
 * Chooses where and how to write: as `given`, or by the name's ending, or for standard output the first of `formats`.
 */
export function chooseTarget<Format extends string>(
  { stdout }: Io,
  out: string = PIPE,
  given: Format | undefined,
  formats: readonly Format[],
): { out: string; format: Format } {
  const ending = path.extname(out).toLowerCase();
  const format = given ?? (out === PIPE ? formats[0] : formats.find((name) => ending === `.${name}`));
  if (format === undefined) {
    const endings = formats.map((name) => `.${name}`).join(" or ");
    throw new UserError(`--out ${out}: give a name that ends in ${endings}, or give --format.`);
  }
  if (out !== PIPE) checkPlace(out);
  else if (stdout.isTTY && format !== "jsonl") {
    throw new UserError(`Binary data would go to the terminal. Give a file, --out FILE.${format}, or pipe it.`);
  }
  return { out, format };
}

type Parts = Uint8Array | AsyncIterable<string | Uint8Array>;

/** Writes parts as they come, and prints the file's name if there is one. */
export async function writeParts(io: Io, { out }: { out: string }, parts: Parts): Promise<void> {
  if (out !== PIPE) {
    await writeFileAtomically(out, parts);
    print(io, out);
    return;
  }
  for await (const part of parts instanceof Uint8Array ? [parts] : parts) {
    if (!io.stdout.write(part)) await new Promise<void>((resolve) => io.stdout.once("drain", resolve));
  }
}

/**
 * Encodes `count` rows as a .npy file. Yields nothing before the first rows, so that a failure there writes nothing.
 */
export async function* npyParts(
  count: number,
  parts: AsyncIterable<HostArray<Float32Array>>,
): AsyncGenerator<Uint8Array, void> {
  let isFirst = true;
  for await (const { data, shape } of parts) {
    if (isFirst) yield npyHeader("float32", [count, ...shape.slice(1)]);
    isFirst = false;
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
}

/** Encodes latents as JSON lines. */
export async function* lineParts(
  parts: AsyncIterable<Encoded>,
  labels: datasets.ImageSet["labels"],
): AsyncGenerator<string, void> {
  let image = 0;
  for await (const { z, sigma } of parts) {
    const [count, dimZ] = z.shape;
    let text = "";
    for (let start = 0; start < count * dimZ; start += dimZ, image++) {
      const row = ({ data }: HostArray<Float32Array>) => data.subarray(start, start + dimZ);
      text += formatLatentLine({ image, label: labels?.[image], z: row(z), sigma: sigma && row(sigma) });
    }
    yield text;
  }
}

/** Takes the first `wanted` images, or all. @throws UserError if there are fewer */
export function firstOf(images: datasets.ImageSet | HostArray, wanted?: number): datasets.ImageSet | HostArray {
  if (wanted === undefined) return images;
  if (!("data" in images)) return { ...images, count: checkCount(wanted, images.count) };
  const [count, ...rest] = images.shape;
  const first = checkCount(wanted, count);
  return { data: images.data.subarray(0, first * sizeOf(rest)), shape: [first, ...rest] };
}

/** Reads images for a model from a .npy file, or from standard input for `-`. Notes how they are read. */
export async function readImages(
  io: Io,
  place: string,
  { config, size }: LoadedModel,
  layout: GivenSettings["layout"] = config.layout,
): Promise<HostArray> {
  const { bytes, name } = await readPlace(io, place, checkNpy);
  const { dtype, shape, data: values } = parseNpy(bytes, name);
  const isNoisy = config.noise !== null || config.inputDir !== null;
  const { images, scale } = prepareImages({ name, dtype, shape, values }, size, {
    isNoisy,
    layout: SETTINGS.layout.check(layout),
  });
  for (const text of describeScale(name, scale)) note(io, text);
  return images;
}

/** Reads latents from a .npy file or JSON lines, or from standard input for `-`. */
export async function readLatents(io: Io, place: string): Promise<HostArray<Float32Array>> {
  const isNpy = (bytes: Uint8Array) => bytes[0] === 0x93 || path.extname(place).toLowerCase() === ".npy";
  const check: Check = (start, ...rest) => (isNpy(start) ? checkNpy : checkLines)(start, ...rest);
  const { bytes, name } = await readPlace(io, place, check);
  if (bytes.length === 0) throw new UserError(`${name} is empty: latents as .npy or as JSON lines were expected.`);
  if (!isNpy(bytes)) return parseLatentLines(bytes, name);
  const { data, shape } = parseNpy(bytes, name);
  return { data: toFloat32(data), shape };
}

function toFloat32(data: ArrayLike<number>): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

/** Checks the beginning of a file, and the length read so far. @throws UserError to stop reading */
type Check = (start: Uint8Array, length: number, name: string) => void;

function checkNpy(start: Uint8Array, length: number, name: string): void {
  const header = parseNpyHeader(start, name);
  if (header.end > MAX_NPY_BYTES) {
    throw new UserError(`${name} promises ${header.end} bytes, more than 2 GB. Give it in parts.`);
  }
  if (length > header.end) checkNpyLength(header, Infinity, name);
}

function checkLines(start: Uint8Array, length: number, name: string): void {
  checkLatentStart(start, name);
  if (length <= MAX_TEXT_BYTES) return;
  throw new UserError(`${name} has more than 200 MB of JSON lines. Give the latents as .npy, or in parts.`);
}

/** Reads a file or standard input, which may be endless: checks its beginning before it reads on. */
async function readPlace({ stdin }: Io, place: string, check: Check): Promise<{ bytes: Uint8Array; name: string }> {
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
