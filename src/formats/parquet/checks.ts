// Checks of Parquet files, and their errors.
import { UserError } from "../../errors.js";

export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

export function toCount(value: unknown, file: string): number {
  const count = typeof value === "bigint" ? Number(value) : Number.NaN;
  if (!isCount(count)) fail(file, "its footer is damaged");
  return count;
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Calls a parser, and turns all errors into UserErrors. It must not read files: system errors would change, too. */
export function check<Result>(file: string, what: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (cause) {
    throw new UserError(`${file} is not a valid Parquet file: ${what} is damaged.`, { cause });
  }
}

/** Throws an error that `check` turns into a UserError. */
export function assert(condition: boolean): asserts condition {
  if (!condition) throw new Error("damaged");
}

/** A page has an encoding that is not supported. */
export class UnsupportedEncoding extends UserError {
  constructor(
    file: string,
    readonly encoding: string,
  ) {
    super(`${file} has the encoding ${encoding}, which is not supported. Save it with the default encodings.`);
  }
}

export function refuseEncrypted(file: string): never {
  throw new UserError(`${file} is encrypted. Save it again without encryption.`);
}

export function fail(file: string, problem: string): never {
  throw new UserError(`${file} is not a valid Parquet file: ${problem}.`);
}
