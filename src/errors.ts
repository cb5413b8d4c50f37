// Errors shown to the user as one line. Anything else is a bug or a system error.

/**
 * A mistake of the user: one line, what is wrong and what to do. The command line prints it without a stack and exits
 * with 2.
 */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** The loss, the weights or their gradients became infinite or NaN: this training ended, others can go on. */
export class Divergence extends UserError {}

/** Whether the operating system failed: a full disk, no permission. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

/**
 * A signal stopped the training: no failure. The message says how to resume; exitCode is 128 plus the signal's number.
 */
export class Interruption extends Error {
  override readonly name = "Interruption";
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}
