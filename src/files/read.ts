// Files that somebody may have put there: too large to be what they should, or none at all.
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { UserError } from "../errors.js";
import { addFileName, withFileName } from "./stat.js";

/**
 * A text of no more than so many bytes, from a file or a pipe.
 *
 * @param what it should be, for the message
 * @throws UserError if it is longer; else the system's error, with the file's name in its message
 */
export async function readText(file: string, most: number, what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of createReadStream(file, { end: most })) chunks.push(chunk); // a byte more, if there is one
  } catch (error) {
    throw addFileName(error, file, "read");
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length > most) throw new UserError(`${file} is not ${what}: it has more than ${most / 1e6} MB.`);
  return new TextDecoder().decode(bytes);
}

/** @throws the system's error, with the file's name in its message */
export function readBytes(file: string): Promise<Uint8Array> {
  return withFileName(file, "read", () => readFile(file));
}
