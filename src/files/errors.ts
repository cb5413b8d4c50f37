// System errors that name their file.
import { isSystemError } from "../errors.js";

/** Whether the file, or a folder above it, does not exist. */
export function isMissing(error: unknown): boolean {
  return isSystemError(error) && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** Runs `act`, and adds the file name to its system errors. */
export async function withFileName<Result>(
  file: string,
  done: "read" | "written",
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw addFileName(error, file, done);
  }
}

/** Adds the file name to the message of a system error, unless the system did: it names no file that is already open. */
export function addFileName(error: unknown, file: string, done: "read" | "written"): unknown {
  if (isSystemError(error) && error.path !== file) error.message = `${file} could not be ${done} (${error.message})`;
  return error;
}
