// Writes arrays to files or standard output.
import path from "node:path";
import { UserError } from "../errors.js";
import { writeFileAtomically } from "../files/write.js";
import { npyHeader } from "../formats/npy.js";
import type { HostArray } from "../index.js";
import { visibleLines } from "../wording.js";
import { checkPlace } from "./flags.js";
import type { Io } from "./io.js";
import { print } from "./output.js";

/** Standard output. */
const PIPE = "-";
const TEXT_FORMATS = ["jsonl", "csv"];

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
  else if (stdout.isTTY && !TEXT_FORMATS.includes(format)) {
    throw new UserError(`Binary data would go to the terminal. Give a file, --out FILE.${format}, or pipe it.`);
  }
  return { out, format };
}

type Parts = Uint8Array | AsyncIterable<string | Uint8Array>;

/** Writes parts as they come, and prints the file's name if there is one. Only a terminal gets escaped text. */
export async function writeParts(io: Io, { out }: { out: string }, parts: Parts): Promise<void> {
  if (out !== PIPE) {
    await writeFileAtomically(out, parts);
    print(io, out);
    return;
  }
  for await (const part of parts instanceof Uint8Array ? [parts] : parts) {
    const shown = io.stdout.isTTY && typeof part === "string" ? visibleLines(part) : part;
    if (!io.stdout.write(shown)) await new Promise<void>((resolve) => io.stdout.once("drain", resolve));
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
