// Arrays that commands read from files or pipes, and write to them. Loaded when a command runs.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { parseLatentLines } from "../data/latent-lines.js";
import { npyHeader, parseNpy } from "../data/npy.js";
import { UserError } from "../errors.js";
import type { datasets, HostArray } from "../index.js";
import { countOf } from "../library/training-data.js";
import { writeFileAtomically } from "../run/write-file.js";
import { sizeOf } from "../tree.js";
import { checkPlace, print } from "./output.js";

/** Standard input or output. */
const PIPE = "-";
const TEXT = "jsonl";

/** Where to write, and how. */
export interface Target<Format extends string> {
  readonly out: string;
  readonly format: Format;
}

/**
 * Where and how to write, found out before any work is done: in the format that is given, else by the end of the file's name, and into a
 * pipe in the first of `formats`.
 *
 * @throws UserError if that is not clear, cannot be, or is no sight for a terminal
 */
export async function chooseTarget<Format extends string>(
  out: string = PIPE,
  given: Format | undefined,
  formats: readonly Format[],
): Promise<Target<Format>> {
  const ending = path.extname(out).toLowerCase();
  const format = given ?? (out === PIPE ? formats[0] : formats.find((name) => ending === `.${name}`));
  if (format === undefined) {
    const endings = formats.map((name) => `.${name}`).join(" or ");
    throw new UserError(`--out ${out}: give a name that ends in ${endings}, or say which by --format.`);
  }
  if (out !== PIPE) await checkPlace(out);
  else if (process.stdout.isTTY && format !== TEXT) {
    throw new UserError(`What this writes is not for a terminal. Give a file, --out FILE.${format}, or pipe it.`);
  }
  return { out, format };
}

/** Writes what comes, part by part, and says where, if that is a file. */
export async function writeParts({ out }: Target<string>, parts: AsyncIterable<string | Uint8Array>): Promise<void> {
  if (out !== PIPE) {
    await writeFileAtomically(out, parts);
    print(out);
    return;
  }
  for await (const part of parts) {
    if (!process.stdout.write(part)) await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
  }
}

/**
 * Reads images from a .npy file: uint8 from 0 to 255, bool, or floats.
 *
 * @param place the file, or `-`
 * @throws UserError if it is none, or holds something else
 */
export async function readImages(place: string): Promise<HostArray> {
  const { bytes, name } = await readPlace(place);
  const { dtype, shape, data } = parseNpy(bytes, name);
  if (dtype === "uint8" && data instanceof Uint8Array) return { data, shape };
  if (dtype === "bool") return { data: Uint8Array.from(data, (bit) => 255 * bit), shape };
  if (dtype.startsWith("float")) return { data: toFloats(data), shape };
  throw new UserError(
    `${name} holds ${dtype}. Images are uint8 from 0 black to 255 white, or floats from 0 to 1: np.save(file, x.astype("uint8")).`,
  );
}

/**
 * Reads latents from a .npy file, or from JSON lines.
 *
 * @param place the file, or `-`
 * @throws UserError if it is neither
 */
export async function readLatents(place: string): Promise<HostArray<Float32Array>> {
  const { bytes, name } = await readPlace(place);
  if (bytes.length === 0) throw new UserError(`${name} is empty: latents as .npy or as JSON lines were expected.`);
  const isNpy = bytes[0] === 0x93 || path.extname(place).toLowerCase() === ".npy";
  if (!isNpy) return parseLatentLines(bytes, name);
  const { data, shape } = parseNpy(bytes, name);
  return { data: toFloats(data), shape };
}

/** The first so many images, or all. @throws UserError if there are fewer */
export function firstOf(images: datasets.ImageSet | HostArray, wanted?: number): datasets.ImageSet | HostArray {
  if (wanted === undefined) return images;
  if (!("data" in images)) return { ...images, count: countOf(images, wanted) };
  const [count, ...rest] = images.shape;
  const first = countOf({ count }, wanted);
  return { data: images.data.subarray(0, first * sizeOf(rest)), shape: [first, ...rest] };
}

/** A .npy file of so many rows, part by part. It begins when the first part is there, so that there is none if that fails. */
export async function* npyParts(
  count: number,
  parts: AsyncIterable<HostArray<Float32Array>>,
): AsyncGenerator<Uint8Array, void> {
  let first = true;
  for await (const { data, shape } of parts) {
    if (first) yield npyHeader("float32", [count, ...shape.slice(1)]);
    first = false;
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
}

function toFloats(data: ArrayLike<number>): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

async function readPlace(place: string): Promise<{ bytes: Uint8Array; name: string }> {
  if (place === PIPE) {
    if (process.stdin.isTTY) throw new UserError("Nothing comes in by a pipe. Give a file: --input FILE.");
    const chunks: Uint8Array[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), name: "standard input" };
  }
  try {
    return { bytes: await readFile(place), name: place };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") throw new UserError(`--input ${place}: there is no such file.`);
    if (code === "EISDIR") throw new UserError(`--input ${place} is a folder. Give a file.`);
    throw error;
  }
}
