// Helpers for fuzzing the readers. FUZZ_SECONDS is the time for each property: 0.5 by default, 300 by npm run fuzz.
import fc from "fast-check";
import { expect } from "vitest";
import { UserError } from "../../src/errors.js";

const seconds = Number(process.env.FUZZ_SECONDS ?? 0.5);
export const limits = {
  numRuns: Number.MAX_SAFE_INTEGER,
  interruptAfterTimeLimit: 1000 * seconds,
  markInterruptAsFailure: false,
};
export const timeout = 1000 * (seconds + 60);

/** The result of `read`, or undefined if it throws a UserError. */
export function result<T>(read: () => T): T | undefined {
  const before = process.cpuUsage(); // unlike wall time, independent of other processes
  try {
    return read();
  } catch (error) {
    return explained(error);
  } finally {
    checkTime(before);
  }
}

/** The asynchronous variant, with its own time limit. */
export async function asyncResult<T>(read: () => Promise<T>, seconds: number): Promise<T | undefined> {
  const before = process.cpuUsage();
  try {
    return await read();
  } catch (error) {
    return explained(error);
  } finally {
    checkTime(before, seconds);
  }
}

function explained(error: unknown): undefined {
  if (!(error instanceof UserError)) throw error;
  expect(error.message).toMatch(/^.+$/); // one line
}

function checkTime(before: NodeJS.CpuUsage, seconds = 1): void {
  const { user, system } = process.cpuUsage(before);
  expect(user + system).toBeLessThan(1_000_000 * seconds);
}

/** Mutations of a file: sets a byte, deletes or inserts bytes, truncates, or writes an eight-byte number. */
const change = fc.oneof(
  fc.record({ kind: fc.constant("set"), at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 1 }) }),
  fc.record({ kind: fc.constant("cut"), at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
  fc.record({ kind: fc.constant("put"), at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
  fc.record({ kind: fc.constant("end"), at: fc.nat(), bytes: fc.constant(new Uint8Array()) }),
  fc.record({ kind: fc.constant("set"), at: fc.nat(24), bytes: fc.uint8Array({ minLength: 4, maxLength: 8 }) }),
);

/** One of these files after one to four mutations. */
export function mutants(...files: Uint8Array[]) {
  return fc
    .tuple(fc.constantFrom(...files), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([file, changes]) => changes.reduce(mutate, file));
}

export function mutate(
  file: Uint8Array,
  { kind, at, bytes }: { kind: string; at: number; bytes: Uint8Array },
): Uint8Array {
  const place = file.length === 0 ? 0 : at % file.length;
  const end = kind === "end" ? file.length : kind === "put" ? place : Math.min(file.length, place + bytes.length);
  const between = kind === "set" || kind === "put" ? bytes : new Uint8Array();
  return Uint8Array.from([...file.subarray(0, place), ...between, ...file.subarray(end)]);
}
