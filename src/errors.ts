// What is answered to the user in one line. Anything else that is thrown is a bug, or the operating system's.

/**
 * A mistake in what the user gave. The message says what is wrong with it and what to do, in one line; the command
 * line prints it without a stack trace and exits with 2.
 */
export class UserError extends Error {
  override readonly name = "UserError";
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
