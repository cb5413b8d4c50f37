// Reads whole files. System errors name the file.
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { UserError } from "../errors.js";
import { addFileName, withFileName } from "./errors.js";

/**
 * Reads a text from a file or a pipe.
 *
 * @param what what the file should be, for the error
 * @throws UserError if it has more than `most` bytes
 */
export async function readText(file: string, most: number, what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of createReadStream(file, { end: most })) chunks.push(chunk); // reads up to most + 1 bytes
  } catch (error) {
    throw addFileName(error, file, "read");
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length > most) throw new UserError(`${file} is not ${what}: it has more than ${most / 1e6} MB.`);
  return new TextDecoder().decode(bytes);
}

export function readBytes(file: string): Promise<Uint8Array> {
  return withFileName(file, "read", () => readFile(file));
}
