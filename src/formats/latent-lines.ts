// Parses latents from JSON lines, one per image: {"image":0,"z":[0.5,-1],"class":"cat"}. Only z is required.
import { UserError } from "../errors.js";
import type { HostArray } from "../tree.js";

const [LINE_END] = Buffer.from("\n");
/** About ten times a line of 4,096 dimensions with σ. JSON.parse takes 20 times as much memory. */
const MAX_LINE_BYTES = 2e6;

/** Latents `[N, Z]`, and the names of their classes if each has one. */
export interface LatentLines extends HostArray<Float32Array> {
  readonly classes?: readonly string[];
}

/**
 * Parses latents, and names of classes from `class` or `label`. Skips blank lines.
 *
 * @throws UserError with the number of the wrong line
 */
export function parseLatentLines(bytes: Uint8Array, file: string): LatentLines {
  const values: number[] = [];
  const classes: string[] = [];
  let width = 0;
  let number = 0;
  for (const line of linesOf(bytes)) {
    number++;
    if (line?.trim() === "") continue;
    const parsed = line && parseLine(line);
    if (!parsed) refuse(file, number);
    const { z, name } = parsed;
    if (name !== undefined) classes.push(name);
    width ||= z.length;
    if (z.length !== width) {
      throw new UserError(`${file}, line ${number}: this z has ${z.length} numbers, but earlier ones have ${width}.`);
    }
    for (const value of z) values.push(value);
  }
  const rows = width && values.length / width;
  return { data: Float32Array.from(values), shape: [rows, width], ...(classes.length === rows && { classes }) };
}

function refuse(file: string, line: number): never {
  throw new UserError(`${file} does not hold latents as JSON lines: line ${line} must look like {"z":[0.5,-1]}.`);
}

/**
 * Decodes line by line, since the file may exceed the maximum length of a string. Yields undefined for a line that is
 * too long.
 */
function* linesOf(bytes: Uint8Array): Generator<string | undefined> {
  const decoder = new TextDecoder();
  for (let start = 0, end: number; start < bytes.length; start = end + 1) {
    end = bytes.indexOf(LINE_END, start);
    if (end < 0) end = bytes.length;
    yield end - start > MAX_LINE_BYTES ? undefined : decoder.decode(bytes.subarray(start, end));
  }
}

/** @returns undefined unless z is a list of one or more numbers */
function parseLine(line: string): { z: readonly number[]; name?: string } | undefined {
  try {
    const { z, label, class: named = label } = JSON.parse(line);
    if (!Array.isArray(z) || z.length === 0 || !z.every((value) => typeof value === "number")) return undefined;
    return { z, ...(["string", "number"].includes(typeof named) && { name: String(named) }) };
  } catch {
    return undefined;
  }
}
