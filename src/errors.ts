// Errors shown to the user as one line. Anything else is a bug or a system error.

/**
 * A mistake in what the user gave. The message says what is wrong with it and what to do, in one line; the command
 * line prints it without a stack trace and exits with 2.
 */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** Whether the operating system failed: a full disk, no permission, a file too large to read. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && ("syscall" in error || ("code" in error && error.code === "ERR_FS_FILE_TOO_LARGE"));
}

/** The user's wish to stop, by a signal. It is no failure: what was done is saved, and the message says how to go on. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  constructor(
    message: string,
    /** 128 and the signal's number, as shells have it. */
    readonly exitCode: number,
  ) {
    super(message);
  }
}
