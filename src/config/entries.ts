// Constructors of settings, and their validation. SETTINGS lists all settings.
import { UserError } from "../errors.js";
import { checkValue, isRecord } from "../values/checker.js";
import {
  BOOLEAN,
  type Domain,
  type Length,
  number,
  oneOf,
  type Range,
  someOf,
  TEXT,
  textList,
  wholeNumber,
  wholeNumbers,
} from "../values/domains.js";
import { quoteItem } from "../values/quoting.js";
import type { Size } from "../values/size.js";
import { similar } from "../values/suggestions.js";
import { describeValue } from "../wording.js";

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
  /** The value's name in `needs` of other settings: by default, its text. */
  kindOf?(value: Value): string;
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
  throw new UserError(`Unknown setting ${describeValue(unknown)}.${like ? ` Did you mean ${like}?` : ""}`);
}

function checkSetting<Value>(name: string, setting: Setting<Value>, value: unknown): Value {
  return value === undefined ? setting.default : checkValue(`The setting ${name}`, setting, value);
}

type Options<Value> = Described & { readonly default: Value };

export function integer(options: Options<number> & Range): Setting<number> {
  return { ...options, ...wholeNumber(options) };
}

export function real(options: Options<number> & Range): Setting<number> {
  return { ...options, ...number(options) };
}

/** One or more integers, separated by commas on the command line. */
export function integers(options: Options<readonly number[]> & Range & Length): Setting<readonly number[]> {
  return { ...options, ...wholeNumbers(options) };
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
  return { ...options, ...someOf(choices, options), choices };
}

export function text(options: Options<string>): Setting<string> {
  return { ...options, ...TEXT };
}

/** One or more texts, separated by commas on the command line. The text `alone` excludes others. See `textList`. */
export function texts(
  options: Options<readonly string[]> & Length & { readonly alone: string },
): Setting<readonly string[]> {
  return { ...options, ...textList(options, options.alone) };
}

/** A boolean, by default false. */
export function toggle(options: Described): Setting<boolean> {
  return { ...options, default: false, ...BOOLEAN };
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

/** Formats a setting's JSON in command-line syntax. */
export function describeSetting(value: unknown): string {
  return Array.isArray(value) ? value.map((item) => quoteItem(String(item))).join() : String(value);
}
