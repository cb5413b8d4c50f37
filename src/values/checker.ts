// Checkers of values: settings, arguments and options of the library, fields of JSON.
import { UserError } from "../errors.js";
import { describeValue } from "../wording.js";

/** Validates values. */
export interface Checker<Value> {
  /** Converts a value from JSON or the library. @throws UserError that says which values are valid */
  check(value: unknown): Value;
}

/** Validates a value. @param what its name in the message. @throws UserError with the value and what is valid */
export function checkValue<Value>(what: string, checker: Checker<Value>, value: unknown): Value {
  try {
    return checker.check(value);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${what} is ${describeValue(value)}. ${error.message}`);
  }
}

/** Whether a value is a plain object, not an array, map, date or the like. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return Object.prototype.toString.call(value) === "[object Object]";
}
