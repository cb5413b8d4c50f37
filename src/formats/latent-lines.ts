// Latents as JSON lines: an object an image, {"image":0,"label":7,"z":[…],"sigma":[…]}, of which z alone is read. Does not touch the disk.
import { UserError } from "../errors.js";
import type { HostArray } from "../tree.js";

const [LINE_END, BRACE] = Buffer.from("\n{");
const BLANK = Buffer.from(" \t\n\v\f\r");

/** What a line says of an image. */
export interface LatentLine {
  readonly image: number;
  readonly label?: number | undefined;
  readonly z: Float32Array;
  readonly sigma?: Float32Array | undefined;
}

export function formatLatentLine({ z, sigma, ...rest }: LatentLine): string {
  return `${JSON.stringify({ ...rest, z: digits(z), sigma: sigma && digits(sigma) })}\n`;
}

/** Nine digits are those that tell any two floats apart. */
function digits(floats: Float32Array): number[] {
  return Array.from(floats, (float) => Number(float.toPrecision(9)));
}

/**
 * Reads latents, one a line; blank lines are passed over.
 *
 * @param file what to call the file in errors
 * @returns `[N, Z]`; `[0, 0]` of no lines
 * @throws UserError that says what is wrong in which line
 */
export function parseLatentLines(bytes: Uint8Array, file: string): HostArray<Float32Array> {
  const values: number[] = [];
  let width = 0;
  let count = 0;
  let number = 0;
  for (const line of linesOf(bytes)) {
    number++;
    if (line.trim() === "") continue;
    const z = parseLine(line);
    if (!z) refuse(file, number);
    if (count > 0 && z.length !== width) {
      throw new UserError(`${file}, line ${number}: this z has ${z.length} numbers, and those before it ${width}.`);
    }
    width = z.length;
    count++;
    for (const value of z) values.push(value);
  }
  return { data: Float32Array.from(values), shape: [count, width] };
}

/**
 * @param bytes the beginning of a file
 * @throws UserError if no latents can begin so
 */
export function checkLatentStart(bytes: Uint8Array, file: string): void {
  const first = bytes.findIndex((byte) => !BLANK.includes(byte));
  if (first >= 0 && bytes[first] !== BRACE) {
    refuse(file, 1 + bytes.subarray(0, first).filter((byte) => byte === LINE_END).length);
  }
}

function refuse(file: string, line: number): never {
  throw new UserError(
    `${file} is not a .npy file, nor one of latents as JSON lines: line ${line} must be such as {"z":[0.5,-1]}.`,
  );
}

/** A line at a time, since a file may be longer than a string can be. */
function* linesOf(bytes: Uint8Array): Generator<string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let start = 0; start < buffer.length; ) {
    const found = buffer.indexOf("\n", start);
    const end = found < 0 ? buffer.length : found;
    yield buffer.toString("utf8", start, end);
    start = end + 1;
  }
}

/** @returns the numbers of z, one at least; undefined if the line has none */
function parseLine(line: string): readonly number[] | undefined {
  try {
    const z = JSON.parse(line)?.z;
    return Array.isArray(z) && z.length > 0 && z.every((value) => typeof value === "number") ? z : undefined;
  } catch {
    return undefined;
  }
}
