// Looks at files and reads them. System errors name the file.
import { createReadStream, type Stats, statSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { isSystemError, UserError } from "../errors.js";

/** Whether the file, or a folder above it, does not exist. */
export function isMissing(error: unknown): boolean {
  return isSystemError(error) && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** @returns undefined if the file that is read does not exist */
export async function ifPresent<Result>(reading: Promise<Result>): Promise<Result | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Adds the file name to the message of a system error, unless the system did: it names no file that is already open.
 */
export function addFileName(error: unknown, file: string, done: "read" | "written"): unknown {
  if (isSystemError(error) && error.path !== file) error.message = `${file} could not be ${done} (${error.message})`;
  return error;
}

/** @returns undefined if nothing is there, or a link that leads nowhere or to itself */
export function statIfThere(place: string): Stats | undefined {
  try {
    return statSync(place);
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === "ELOOP") return undefined;
    throw error;
  }
}

export function isFolder(place: string): boolean {
  return statIfThere(place)?.isDirectory() ?? false;
}

/** @returns the names in a folder; none if there is no such folder */
export async function listNames(folder: string): Promise<string[]> {
  return (await ifPresent(readdir(folder))) ?? [];
}

/** @throws UserError if the file is a folder, or something that may block when opened. It may be missing. */
export function checkRegular(file: string): void {
  const found = statIfThere(file);
  if (found?.isDirectory()) throw new UserError(`${file} is a folder, not a file.`);
  if (found && !found.isFile()) throw new UserError(`${file} is a pipe, a socket or a device, not a file.`);
}

export function readBytes(file: string): Promise<Uint8Array> {
  return readFile(file).catch((error) => {
    throw addFileName(error, file, "read");
  });
}

/** Reads up to `most` bytes from a file or a pipe. */
export async function readStart(file: string, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of createReadStream(file, { end: most - 1 })) chunks.push(chunk);
  } catch (error) {
    throw addFileName(error, file, "read");
  }
  return Buffer.concat(chunks);
}

/** Reads a text from a file or a pipe. `what`: what it should be. @throws UserError if it has more than `most` bytes */
export async function readText(file: string, most: number, what: string): Promise<string> {
  const bytes = await readStart(file, most + 1);
  if (bytes.length > most) throw new UserError(`${file} is not ${what}: it has more than ${most / 1e6} MB.`);
  return new TextDecoder().decode(bytes);
}
