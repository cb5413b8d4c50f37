// Validates arguments of the library's functions.
import { UserError } from "./errors.js";
import { type Checker, checkValue, isRecord } from "./values/checker.js";
import { describeValue } from "./wording.js";

type Checkers = { readonly [name: string]: Checker<unknown> };
type Checked<Fields> = { readonly [name in keyof Fields]: Fields[name] extends Checker<infer Value> ? Value : never };

/** Validates options. @throws UserError that names an invalid or unknown option */
export function checkOptions<const Options extends Checkers>(options: Options, given: unknown): Checked<Options> {
  if (!isRecord(given)) throw new UserError(`The options are ${describeValue(given)}. They must be an object.`);
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(options, name));
  if (unknown !== undefined) {
    throw new UserError(
      `Unknown option ${describeValue(unknown)}. The options are ${Object.keys(options).join(", ")}.`,
    );
  }
  return checkFields(options, given, "The option");
}

function checkFields<Fields extends Checkers>(fields: Fields, given: object, what: string): Checked<Fields> {
  const values = given as Readonly<Record<string, unknown>>;
  const entries = Object.entries(fields).map(([name, field]) => [
    name,
    checkValue(`${what} ${name}`, field, values[name]),
  ]);
  return Object.fromEntries(entries) as Checked<Fields>;
}

/** An optional value; `fallback` if it is undefined. */
export function maybe<Value>(checker: Checker<Value>): Checker<Value | undefined>;
export function maybe<Value>(checker: Checker<Value>, fallback: Value): Checker<Value>;
export function maybe<Value>({ check }: Checker<Value>, fallback?: Value): Checker<Value | undefined> {
  return { check: (value) => (value === undefined ? fallback : check(value)) };
}

/** Accepts values that pass `test`. The error reads "It must" + `must`. */
export function satisfying<Value>(must: string, test: (value: unknown) => value is Value): Checker<Value> {
  return {
    check(value) {
      if (!test(value)) throw new UserError(`It must ${must}.`);
      return value;
    },
  };
}

/** An array of `min` items or more. */
export function listOf<Item>(item: Checker<Item>, min = 0): Checker<readonly Item[]> {
  return {
    check(value) {
      if (!Array.isArray(value) || value.length < min) {
        throw new UserError(`It must be an array${min > 0 ? ", and not empty" : ""}.`);
      }
      for (let i = 0; i < value.length; i++) checkValue(`Item ${i}`, item, value[i]);
      return value;
    },
  };
}

/** An object with at least these fields. */
export function objectWith<Value extends object>(
  fields: {
    readonly [name in keyof Value]?: Checker<Value[name]>;
  },
): Checker<Value> {
  return {
    check(value) {
      if (!isRecord(value)) throw new UserError("It must be an object.");
      checkFields(fields as Checkers, value, "Its");
      return value as Value;
    },
  };
}

/** An object that maps any names to items. */
export function objectOf<Item>(item: Checker<Item>): Checker<{ readonly [name: string]: Item }> {
  return {
    check(value) {
      if (!isRecord(value)) throw new UserError("It must be an object.");
      for (const name in value) checkValue(`Its ${name}`, item, value[name]);
      return value as { readonly [name: string]: Item };
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: accepts every function
type AnyFunction = (...given: any[]) => any;

/** A function; its parameters and result are not checked. */
export function func<Value extends AnyFunction>(): Checker<Value> {
  return satisfying("be a function", (value): value is Value => typeof value === "function");
}

export const SIGNAL = satisfying("be an AbortSignal", (value) => value instanceof AbortSignal);
