// Domains of values: texts, booleans, numbers, choices, and lists of them. A domain parses, validates, describes and
// encodes its values.
import { UserError } from "../errors.js";
import type { Checker } from "./checker.js";
import { splitItems } from "./quoting.js";
import { withSuggestion } from "./suggestions.js";

type JsonSchema = { readonly [keyword: string]: unknown };

/** The values that a setting or an argument may have. */
export interface Domain<Value> extends Checker<Value> {
  /** Describes the values for help and docs. */
  readonly values: string;
  /** JSON Schema (draft 7) of the JSON that `check` accepts, for editors. */
  readonly schema: JsonSchema;
  /** Parses command-line text. @throws UserError that says which values are valid */
  parse(text: string): Value;
  /** Values for shell completion: all, or only the words. */
  readonly words?: readonly (string | number)[] | undefined;
  /** Encodes the value as JSON, for config.json and checkpoints. */
  encode(value: Value): unknown;
}

/** Returns the value, or undefined if it is invalid. */
type Picker<Value> = (value: unknown) => Value | undefined;

/**
 * A domain whose values `pick` accepts.
 *
 * @param read converts command-line text for `pick`
 * @param must completes the error "It must"
 */
export function domain<Value>(
  values: string,
  schema: JsonSchema,
  pick: Picker<Value>,
  read: (text: string) => unknown = (text) => text,
  must = `be ${values}`,
): Domain<Value> {
  const check = (value: unknown) => {
    const picked = pick(value);
    if (picked === undefined) throw new UserError(`It must ${must}.`);
    return picked;
  };
  return { values, schema, check, parse: (text) => check(read(text)), encode: (value) => value };
}

/** A non-empty text without NUL, which paths cannot contain. */
export const TEXT: Domain<string> = {
  values: "text",
  schema: { type: "string", pattern: "^[^\\u0000]+$" },
  check: checkText,
  parse: checkText,
  encode: (value) => value,
};

function checkText(value: unknown): string {
  if (typeof value !== "string") throw new UserError("It must be a string.");
  if (value === "") throw new UserError("It must not be empty.");
  if (value.includes("\0")) throw new UserError("It must not contain a NUL character.");
  return value;
}

export const BOOLEAN: Domain<boolean> = domain(
  "true, false",
  { type: "boolean" },
  (value) => (typeof value === "boolean" ? value : undefined),
  (text) => ({ true: true, false: false })[text],
  "be true or false",
);

/** The bounds are inclusive, except `above`. */
export type Range = { readonly max: number } & ({ readonly min: number } | { readonly above: number });

export function wholeNumber(range: Range): Domain<number> {
  return domain(
    `a whole number ${describeRange(range)}`,
    rangeSchema("integer", range),
    pickInteger(range),
    parseNumber,
  );
}

export function number(range: Range): Domain<number> {
  return domain(`a number ${describeRange(range)}`, rangeSchema("number", range), pickNumber(range), parseNumber);
}

/** Parses a decimal number; NaN if invalid. */
export function parseNumber(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}

function pickNumber(range: Range): Picker<number> {
  const isAbove = (value: number) => ("above" in range ? value > range.above : value >= range.min);
  return (value) => (typeof value === "number" && isAbove(value) && value <= range.max ? value : undefined);
}

export function pickInteger(range: Range): Picker<number> {
  const pick = pickNumber(range);
  return (value) => (Number.isInteger(value) ? pick(value) : undefined);
}

export function rangeSchema(type: "integer" | "number", range: Range): JsonSchema {
  const least = "above" in range ? { exclusiveMinimum: range.above } : { minimum: range.min };
  return { type, ...least, maximum: range.max };
}

function describeRange(range: Range): string {
  return "above" in range ? `above ${range.above} and at most ${range.max}` : `from ${range.min} to ${range.max}`;
}

export function oneOf<const Choice extends string | number>(choices: readonly Choice[]): Domain<Choice> {
  const all = choices.join(", ");
  const schema = { enum: [...new Set([...choices, ...choices.map(String)])] };
  const { check, ...others } = domain(all, schema, pickOne(choices), undefined, `be one of ${all}`);
  const checkOne = (value: unknown) => withSuggestion(() => check(value), value, choices.map(String));
  return { ...others, words: choices, check: checkOne, parse: checkOne };
}

/** Accepts a choice or its text. */
function pickOne<Choice extends string | number>(choices: readonly Choice[]): Picker<Choice> {
  return (value) => choices.find((choice) => choice === value || String(choice) === value);
}

/** Bounds of a list, which is separated by commas on the command line. */
export type Length = { readonly maxLength: number };

/** One or more whole numbers. */
export function wholeNumbers(range: Range & Length): Domain<readonly number[]> {
  const values = `${describeLength(range)} whole numbers ${describeRange(range)}`;
  const schema = listSchema(rangeSchema("integer", range), range);
  return domain(values, schema, pickList(pickInteger(range), range), parseNumbers);
}

/** One whole number, or a list of two. */
export function oneOrTwo(range: Range): Domain<number | readonly [number, number]> {
  const one = pickInteger(range);
  const two = pickList(one, { maxLength: 2 });
  const pick = (value: unknown) => {
    const [first, second] = (Array.isArray(value) ? two(value) : undefined) ?? [one(value)];
    return first === undefined || second === undefined ? first : ([first, second] as const);
  };
  const item = rangeSchema("integer", range);
  const schema = { anyOf: [item, listSchema(item, { maxLength: 2 })] };
  return domain(`one or two whole numbers ${describeRange(range)}`, schema, pick, parseNumbers);
}

function parseNumbers(text: string): number[] {
  return text.split(",").map(parseNumber);
}

/** One or more choices. */
export function someOf<const Choice extends string>(
  choices: readonly Choice[],
  length: Length,
): Domain<readonly Choice[]> {
  const read = (text: string) => text.split(",").map((item) => item.trim());
  const { check, ...others } = domain(
    `${describeLength(length)} of ${choices.join(", ")}`,
    listSchema({ enum: choices }, length),
    pickList(pickOne(choices), length),
  );
  const wrongItem = (value: unknown) => (Array.isArray(value) ? value.find((item) => !choices.includes(item)) : value);
  const checkAll = (value: unknown) => withSuggestion(() => check(value), wrongItem(value), choices);
  return { ...others, words: choices, check: checkAll, parse: (text) => checkAll(read(text)) };
}

/**
 * One or more texts. The text `alone` excludes others. A quoted text keeps its quotes, may contain commas, and is never
 * `alone`. `unquote` removes the quotes.
 */
export function textList(length: Length, alone: string): Domain<readonly string[]> {
  const pick = (value: unknown) => {
    const texts = pickList(pickText, length)(value);
    if (texts && texts.length > 1 && texts.includes(alone)) {
      throw new UserError(
        `${alone} cannot be combined with other texts. If it is a name, put it in double quotes: "${alone}".`,
      );
    }
    return texts;
  };
  const all = listSchema({ type: "string", minLength: 1 }, length);
  const schema = { ...all, anyOf: [{ maxItems: 1 }, { not: { contains: { const: alone } } }] };
  return domain(`${describeLength(length)} non-empty texts`, schema, pick, splitItems);
}

function pickText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function pickList<Item>(pick: Picker<Item>, { maxLength }: Length): Picker<readonly Item[]> {
  return (value) => {
    const items = Array.isArray(value) && value.length <= maxLength ? value.map(pick) : [];
    return items.length > 0 && !items.includes(undefined) ? (items as Item[]) : undefined;
  };
}

function listSchema(items: JsonSchema, { maxLength }: Length): JsonSchema {
  return { type: "array", items, minItems: 1, maxItems: maxLength };
}

function describeLength({ maxLength }: Length): string {
  return `a list of up to ${maxLength.toLocaleString("en")}`;
}
