// Writes arrays to files or standard output.
import path from "node:path";
import { UserError } from "../errors.js";
import { writeFileAtomically } from "../files/write.js";
import { npyHeader } from "../formats/npy.js";
import type { HostArray } from "../index.js";
import { visibleLines } from "../wording.js";
import { checkOutputFile } from "./flags.js";
import type { Io } from "./io.js";
import { print } from "./output.js";

/** The file name that means standard output. */
const PIPE = "-";
const TEXT_FORMATS = ["jsonl", "csv"];

/** Chooses file and format: `given`, else by the extension, else (for standard output) the first of `formats`. */
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
  if (out !== PIPE) checkOutputFile(out);
  else if (stdout.isTTY && !TEXT_FORMATS.includes(format)) {
    throw new UserError(`Binary data would go to the terminal. Give a file, --out FILE.${format}, or pipe it.`);
  }
  return { out, format };
}

type Parts = Uint8Array | AsyncIterable<string | Uint8Array>;

/** Streams parts to a file, and prints its name, or to standard output. Escapes text only for a terminal. */
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

/** Streams `count` rows as a .npy file. The header waits for the first rows, so that an early error writes nothing. */
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
