// Errors shown to the user as one line. Anything else is a bug or a system error.

/**
 * A user's mistake. The message is one line: what is wrong, then what to do. The command line prints it without a stack
 * trace and exits with 2.
 */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** The loss, the weights or their gradients became infinite or NaN. Ends this training, but not others of its group. */
export class Divergence extends UserError {}

/** Whether an error comes from the operating system: a full disk, no permission. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

/**
 * A signal stopped the training, which is no failure. The message says how to resume. exitCode: 128 plus the signal's
 * number.
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

/** Ends a process whose error another process of the same command has printed. */
export class Reported extends Error {
  override readonly name = "Reported";
  constructor(readonly exitCode: number) {
    super("Another process has printed the error");
  }
}

/** An error as JSON, for another process. */
export interface EncodedError {
  readonly kind: "Divergence" | "UserError" | "Interruption" | "system" | "bug";
  readonly message: string;
  readonly stack?: string;
  readonly exitCode?: number;
}

export function encodeError(error: unknown): EncodedError {
  if (!(error instanceof Error)) return { kind: "bug", message: String(error) };
  const { message, stack = "" } = error;
  if (error instanceof Interruption) return { kind: "Interruption", message, exitCode: error.exitCode };
  if (error instanceof Divergence) return { kind: "Divergence", message };
  if (error instanceof UserError) return { kind: "UserError", message };
  return isSystemError(error) ? { kind: "system", message } : { kind: "bug", message, stack };
}

export function decodeError({ kind, message, stack, exitCode = 1 }: EncodedError): Error {
  switch (kind) {
    case "Divergence":
      return new Divergence(message);
    case "UserError":
      return new UserError(message);
    case "Interruption":
      return new Interruption(message, exitCode);
    case "system":
      return Object.assign(new Error(message), { syscall: "" });
    case "bug":
      return Object.assign(new Error(message), { stack });
  }
}
