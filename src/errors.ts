// Errors that are answered to the user in one line. Anything else that is thrown is a bug.

/**
 * A mistake in what the user gave. The message says what is wrong with it and what to do, in one line; the command
 * line prints it without a stack trace and exits with 2.
 */
export class UserError extends Error {
  override readonly name = "UserError";
}
