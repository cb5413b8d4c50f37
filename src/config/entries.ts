// Constructors of settings, which parse, validate, describe and encode values. SETTINGS lists all settings.
import { UserError } from "../errors.js";
import { describeValue } from "../wording.js";

export type JsonSchema = { readonly [keyword: string]: unknown };

/** Validates values. */
export interface Checker<Value> {
  /** Converts a value from JSON or the library. @throws UserError that says which values are valid */
  check(value: unknown): Value;
}

/** The values that a setting may have. */
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
  /** The value's name in `needs` of other settings: by default, its text. */
  kindOf?(value: Value): string;
}

export interface Described {
  /** One sentence for the help of commands. */
  readonly help: string;
  /** Details for docs/settings.md. */
  readonly details?: string;
  /** The argument of the flag of `vae train`, empty for a toggle; undefined if the setting has no flag. */
  readonly flag?: string;
  /** Values of other settings that this one requires to take effect. */
  readonly needs?: { readonly [name: string]: readonly string[] };
}

export interface Setting<Value> extends Domain<Value>, Described {
  readonly default: Value;
}

/** Settings by name. */
export type SettingTable = { readonly [name: string]: Setting<unknown> };

export type ValuesOf<Table> = {
  readonly [name in keyof Table]: Table[name] extends Setting<infer Value> ? Value : never;
};

/**
 * Values as the library accepts them. Nullable values may also be their JSON text, such as "haze:0.5". Sizes may be a
 * number for both sides, or [width, height].
 */
export type Given<Values> = {
  readonly [name in keyof Values]?:
    | Values[name]
    | (null extends Values[name] ? string : never)
    | (Size extends Values[name] ? number | readonly [width: number, height: number] : never)
    | undefined;
};

/** Validates settings (values or their JSON), and adds a preset and defaults. @throws UserError for an invalid one */
export function checkSettings<Table extends SettingTable>(
  table: Table,
  given: object,
  preset: object = {},
): ValuesOf<Table> {
  for (const settings of [given, preset]) checkNames(table, settings);
  const values: Record<string, unknown> = { ...preset };
  for (const [name, value] of Object.entries(given)) if (value !== undefined) values[name] = value;
  const entries = Object.entries(table).map(([name, setting]) => [name, checkSetting(name, setting, values[name])]);
  return Object.fromEntries(entries) as ValuesOf<Table>;
}

function checkNames(table: SettingTable, settings: unknown): void {
  if (!isRecord(settings)) throw new UserError("Settings must be an object of names and values.");
  const unknown = Object.keys(settings).find((name) => !Object.hasOwn(table, name));
  if (unknown === undefined) return;
  const like = similar(unknown, Object.keys(table));
  throw new UserError(`Unknown setting ${describeValue(unknown)}.${like ? ` Is it ${like}?` : ""}`);
}

/**
 * Suggests a name for a misspelled text, ignoring case and hyphens: the shortest with this prefix, or else the one with
 * the smallest edit distance, at most a third of the letters.
 */
export function similar(text: string, names: readonly string[]): string | undefined {
  if (text.length < 3 || text.length > MAX_COMPARED) return undefined;
  const plain = (name: string) => name.replace(/[-_]/g, "").toLowerCase();
  const begins = names.filter((name) => plain(name).startsWith(plain(text)));
  if (begins.length > 0) return begins.sort((a, b) => a.length - b.length)[0];
  const errors = names.map((name) => typingErrors(plain(text), plain(name)));
  const fewest = Math.min(...errors);
  return fewest <= plain(text).length / 3 ? names[errors.indexOf(fewest)] : undefined;
}

/** Longer texts are not compared. */
const MAX_COMPARED = 50;

/** Edit distance: insertions, deletions, substitutions and swaps of adjacent letters (Damerau 1964). */
function typingErrors(text: string, name: string): number {
  const rows = [Array.from({ length: name.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= text.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= name.length; j++) {
      const isSame = text[i - 1] === name[j - 1];
      const isSwap = i > 1 && j > 1 && text[i - 1] === name[j - 2] && text[i - 2] === name[j - 1];
      rows[i][j] = Math.min(
        rows[i - 1][j] + 1,
        rows[i][j - 1] + 1,
        rows[i - 1][j - 1] + (isSame ? 0 : 1),
        isSwap ? rows[i - 2][j - 2] + 1 : Infinity,
      );
    }
  }
  return rows[text.length][name.length];
}

function checkSetting<Value>(name: string, setting: Setting<Value>, value: unknown): Value {
  return value === undefined ? setting.default : checkValue(`The setting ${name}`, setting, value);
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

type Options<Value> = Described & { readonly default: Value };
/** Bounds of a list. */
type Length = { readonly maxLength: number };
/** The bounds are inclusive, except `above`. */
type Range = { readonly max: number } & ({ readonly min: number } | { readonly above: number });

export function integer(options: Options<number> & Range): Setting<number> {
  return { ...options, ...wholeNumber(options) };
}

export function real(options: Options<number> & Range): Setting<number> {
  return { ...options, ...number(options) };
}

/** One or more integers, separated by commas on the command line. */
export function integers(options: Options<readonly number[]> & Range & Length): Setting<readonly number[]> {
  const values = `${describeLength(options)} whole numbers ${describeRange(options)}`;
  const pick = pickList(pickInteger(options), options);
  const schema = listSchema(rangeSchema("integer", options), options);
  return { ...options, ...domain(values, schema, pick, (text) => text.split(",").map(parseNumber)) };
}

/** Sizes of one or two layers of latents. */
export type Latents = number | readonly [number, number];

/** The value of `dimZ` in `needs` of settings for two layers. */
export const TWO_NUMBERS = "Z1,Z2";

/** An integer, or two separated by a comma on the command line. */
export function latents(options: Options<Latents> & { readonly max: number }): Setting<Latents> {
  const range = { min: 1, max: options.max };
  const one = pickInteger(range);
  const two = pickList(one, { maxLength: 2 });
  const pick = (value: unknown): Latents | undefined => {
    const [first, second] = (Array.isArray(value) ? two(value) : undefined) ?? [one(value)];
    return first === undefined || second === undefined ? first : [first, second];
  };
  const read = (text: string) => text.split(",").map(parseNumber);
  const kindOf = (value: Latents) => (typeof value === "number" ? "one number" : TWO_NUMBERS);
  const item = rangeSchema("integer", range);
  const schema = { anyOf: [item, listSchema(item, { maxLength: 2 })] };
  return { ...options, kindOf, ...domain(`one or two whole numbers ${describeRange(range)}`, schema, pick, read) };
}

export function choice<const Choice extends string>(
  choices: readonly Choice[],
  options: Options<NoInfer<Choice>>,
): Setting<Choice> & { readonly choices: readonly Choice[] } {
  return { ...options, ...oneOf(choices), choices };
}

/** One or more choices, separated by commas on the command line. */
export function choices<const Choice extends string>(
  choices: readonly Choice[],
  options: Options<readonly NoInfer<Choice>[]> & Length,
): Setting<readonly Choice[]> & { readonly choices: readonly Choice[] } {
  const values = `${describeLength(options)} of ${choices.join(", ")}`;
  const read = (text: string) => text.split(",").map((item) => item.trim());
  const { check, ...others } = domain(
    values,
    listSchema({ enum: choices }, options),
    pickList(pickOne(choices), options),
    read,
  );
  const wrongItem = (value: unknown) => (Array.isArray(value) ? value.find((item) => !choices.includes(item)) : value);
  const checkAll = (value: unknown) => withSuggestion(() => check(value), wrongItem(value), choices);
  return { ...options, ...others, choices, words: choices, check: checkAll, parse: (text) => checkAll(read(text)) };
}

export function text(options: Options<string>): Setting<string> {
  return { ...options, ...TEXT };
}

/**
 * One or more texts, separated by commas on the command line. The text `alone` excludes others. A quoted text keeps its
 * quotes, may contain commas, and is never `alone`. `unquote` removes the quotes.
 */
export function texts(
  options: Options<readonly string[]> & Length & { readonly alone: string },
): Setting<readonly string[]> {
  const { alone } = options;
  const pick = (value: unknown) => {
    const texts = pickList(pickText, options)(value);
    if (texts && texts.length > 1 && texts.includes(alone)) {
      throw new UserError(`${alone} excludes others; the text "${alone}", in quotes, does not.`);
    }
    return texts;
  };
  const all = listSchema({ type: "string", minLength: 1 }, options);
  const schema = { ...all, anyOf: [{ maxItems: 1 }, { not: { contains: { const: alone } } }] };
  return { ...options, ...domain(`${describeLength(options)} non-empty texts`, schema, pick, splitTexts) };
}

/** A quoted text. "" escapes a quote, as in CSV. */
const QUOTED = /^"(?:[^"]|"")*"$/;
/** A comma and the list item after it. */
const LISTED = /,(?:\s*("(?:[^"]|"")*")\s*(?=,|$)|([^,]*))/g;

function splitTexts(text: string): string[] {
  return Array.from(`,${text}`.matchAll(LISTED), ([, quoted, plain]) => quoted ?? plain.trim());
}

/** Removes the quotes of a list item: "a,b" → a,b. */
export function unquote(item: string): string {
  return QUOTED.test(item) ? item.slice(1, -1).replaceAll('""', '"') : item;
}

/** A list item in command-line syntax. */
export function quoteItem(item: string): string {
  return QUOTED.test(item) || !/^$|^\s|\s$|[",]/.test(item) ? item : quoteText(item);
}

/** Formats a setting's JSON in command-line syntax. */
export function describeSetting(value: unknown): string {
  return Array.isArray(value) ? value.map((item) => quoteItem(String(item))).join() : String(value);
}

/** Quotes a text, so that it has no special meaning. */
export function quoteText(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** A boolean, by default false. */
export function toggle(options: Described): Setting<boolean> {
  const pick = (value: unknown) => (typeof value === "boolean" ? value : undefined);
  const read = (text: string) => ({ true: true, false: false })[text];
  const accepted = domain("true, false", { type: "boolean" }, pick, read, "be true or false");
  return { ...options, default: false, ...accepted };
}

/** A nullable setting. `word` means null in JSON and on the command line. */
export function optional<Value>(word: string, inner: Domain<Value>, options: Described): Setting<Value | null> {
  return {
    ...options,
    default: null,
    values: `${word}, ${inner.values}`,
    schema: { anyOf: [{ enum: [word, null] }, inner.schema] },
    words: inner.words && [word, ...inner.words],
    check: (value) => (value === null || value === word ? null : inner.check(value)),
    parse: (text) => (text === word ? null : inner.parse(text)),
    encode: (value) => (value === null ? word : String(inner.encode(value))),
  };
}

/** A non-empty text without NUL, which paths cannot contain. */
export const TEXT: Domain<string> = {
  values: "text",
  schema: { type: "string", pattern: "^[^\\u0000]+$" },
  check: checkText,
  parse: checkText,
  encode: (value) => value,
};

export function oneOf<const Choice extends string | number>(choices: readonly Choice[]): Domain<Choice> {
  const all = choices.join(", ");
  const schema = { enum: [...new Set([...choices, ...choices.map(String)])] };
  const { check, ...others } = domain(all, schema, pickOne(choices), undefined, `be one of ${all}`);
  const checkOne = (value: unknown) => withSuggestion(() => check(value), value, choices.map(String));
  return { ...others, words: choices, check: checkOne, parse: checkOne };
}

/** Adds to the error of `check` a name that is similar to the invalid value. */
export function withSuggestion<Value>(check: () => Value, value: unknown, names: readonly string[]): Value {
  try {
    return check();
  } catch (error) {
    const like = typeof value === "string" && error instanceof UserError ? similar(value, names) : undefined;
    throw like === undefined ? error : new UserError(`${(error as UserError).message} Is it ${like}?`);
  }
}

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

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Maximum side of an image, in pixels. */
export const MAX_SIDE = 4096;

const SIDE_SCHEMA = rangeSchema("integer", { min: 1, max: MAX_SIDE });
/** Matches 1 to 4096. */
const SIDE_PATTERN = "0*([1-9]\\d{0,2}|[1-3]\\d{3}|40[0-8]\\d|409[0-6])";
const SIZE_SCHEMA = {
  anyOf: [
    SIDE_SCHEMA,
    { type: "string", pattern: `^${SIDE_PATTERN}(x${SIDE_PATTERN})?$` },
    { type: "array", items: SIDE_SCHEMA, minItems: 2, maxItems: 2 },
    { type: "object", properties: { width: SIDE_SCHEMA, height: SIDE_SCHEMA }, required: ["width", "height"] },
  ],
};

/** Image size in pixels: { width, height }, in JSON "28x20". Also accepts [28, 20], 28 and "28". */
export const SIZE: Domain<Size> = {
  ...domain(`WIDTHxHEIGHT, or one number for both, each from 1 to ${MAX_SIDE}`, SIZE_SCHEMA, pickSize),
  encode: ({ width, height }) => `${width}x${height}`,
};

/** Parses 28x20, or 28 as only a width; undefined if invalid, or if a side is 0 or above `max`. */
export function parseSides(text: string, max: number): [width: number, height?: number] | undefined {
  if (!/^\d+(x\d+)?$/.test(text)) return undefined;
  const sides = text.split("x").map(Number);
  return sides.every((side) => side >= 1 && side <= max) ? (sides as [number, number?]) : undefined;
}

/** Parses a decimal number; NaN if invalid. */
export function parseNumber(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}

/** Returns the value, or undefined if it is invalid. */
type Pick<Value> = (value: unknown) => Value | undefined;

function domain<Value>(
  values: string,
  schema: JsonSchema,
  pick: Pick<Value>,
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

function pickNumber(range: Range): Pick<number> {
  const isAbove = (value: number) => ("above" in range ? value > range.above : value >= range.min);
  return (value) => (typeof value === "number" && isAbove(value) && value <= range.max ? value : undefined);
}

function pickInteger(range: Range): Pick<number> {
  const pick = pickNumber(range);
  return (value) => (Number.isInteger(value) ? pick(value) : undefined);
}

function checkText(value: unknown): string {
  if (typeof value !== "string") throw new UserError("It must be a string.");
  if (value === "") throw new UserError("It must not be empty.");
  if (value.includes("\0")) throw new UserError("It must not contain a NUL character.");
  return value;
}

function pickText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Accepts a choice or its text. */
function pickOne<Choice extends string | number>(choices: readonly Choice[]): Pick<Choice> {
  return (value) => choices.find((choice) => choice === value || String(choice) === value);
}

function pickList<Item>(pick: Pick<Item>, { maxLength }: Length): Pick<readonly Item[]> {
  return (value) => {
    const items = Array.isArray(value) && value.length <= maxLength ? value.map(pick) : [];
    return items.length > 0 && !items.includes(undefined) ? (items as Item[]) : undefined;
  };
}

function pickSize(value: unknown): Size | undefined {
  if (typeof value === "string" || typeof value === "number") {
    const [width, height = width] = parseSides(String(value), MAX_SIDE) ?? [];
    return width && height ? { width, height } : undefined;
  }
  const pick = pickInteger({ min: 1, max: MAX_SIDE });
  const sides = Array.isArray(value) && value.length === 2 ? { width: value[0], height: value[1] } : Object(value);
  const width = pick(sides.width);
  const height = pick(sides.height);
  return width && height ? { width, height } : undefined;
}

function rangeSchema(type: "integer" | "number", range: Range): JsonSchema {
  const least = "above" in range ? { exclusiveMinimum: range.above } : { minimum: range.min };
  return { type, ...least, maximum: range.max };
}

function listSchema(items: JsonSchema, { maxLength }: Length): JsonSchema {
  return { type: "array", items, minItems: 1, maxItems: maxLength };
}

function describeRange(range: Range): string {
  return "above" in range ? `above ${range.above} and at most ${range.max}` : `from ${range.min} to ${range.max}`;
}

function describeLength({ maxLength }: Length): string {
  return `a list of up to ${maxLength.toLocaleString("en")}`;
}
