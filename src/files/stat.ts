// What stands at a place on the disk, and errors that say where.
import type { Stats } from "node:fs";
import { statSync } from "node:fs";
import { UserError } from "../errors.js";

/** What stands at a place, if anything does: a link to nothing, or to itself, leads nowhere. */
export function statIfThere(place: string): Stats | undefined {
  try {
    return statSync(place, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ELOOP") return undefined;
    throw error;
  }
}

/** @throws UserError if something else stands there: to open a pipe may never end. Where nothing does, who opens it says so. */
export function checkRegular(file: string): void {
  const found = statIfThere(file);
  if (found?.isDirectory()) throw new UserError(`${file} is a folder, not a file.`);
  if (found && !found.isFile()) throw new UserError(`${file} is a pipe, a socket or a device, not a file.`);
}

/** Does something with a file, and puts its name into the errors of the system that lack it: those of files that are open. */
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

/** The same error, with the file's name. */
export function addFileName(error: unknown, file: string, done: "read" | "written"): unknown {
  if (error instanceof Error && "syscall" in error && !("path" in error)) {
    error.message = `${file} could not be ${done} (${error.message})`;
  }
  return error;
}
