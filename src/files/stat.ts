// Looks at files and folders without opening them.
import { type Stats, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { isSystemError, UserError } from "../errors.js";
import { isMissing } from "./errors.js";

/** @returns undefined if nothing is there, or a link that leads nowhere or to itself */
export function statIfThere(place: string): Stats | undefined {
  try {
    return statSync(place);
  } catch (error) {
    if (isMissing(error) || (isSystemError(error) && error.code === "ELOOP")) return undefined;
    throw error;
  }
}

export function isFolder(place: string): boolean {
  return statIfThere(place)?.isDirectory() ?? false;
}

/** @returns the names in a folder; none if there is no such folder */
export async function listNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** @throws UserError if the place is a folder, or something that may block when opened. Accepts a place where nothing is. */
export function checkRegular(file: string): void {
  const found = statIfThere(file);
  if (found?.isDirectory()) throw new UserError(`${file} is a folder, not a file.`);
  if (found && !found.isFile()) throw new UserError(`${file} is a pipe, a socket or a device, not a file.`);
}
