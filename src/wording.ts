// Words of messages, and texts from outside as one short, visible line.
import { inspect } from "node:util";

/** "1 file", "2 files", "2 classes" */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
}

/** "850 kB", "1.2 GB" */
export function formatBytes(bytes: number): string {
  const units = ["kB", "MB", "GB", "TB"];
  let [value, unit] = [Math.ceil(bytes / 1e3), 0];
  while (value >= 1000 && unit < units.length - 1) {
    value = bytes / 1000 ** (++unit + 1);
    value = value < 9.95 ? Math.round(10 * value) / 10 : Math.round(value);
  }
  return `${value.toLocaleString("en")} ${units[unit]}`;
}

/**
 * Characters that steer a terminal, end a line, change the direction of text, or show nothing; and lone surrogates. Not
 * the two joiners, which scripts and emoji need.
 */
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/gu;
/** The halves of characters that a cut leaves. */
export const HALVES = /\p{Cs}/gu;

/** Writes hidden characters as \u001b: in JSON, the same text. */
export function visible(text: string): string {
  const code = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return text.replace(HIDDEN, (character) => character.split("").map(code).join(""));
}

/** The same for a text of several lines. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}

const MAX_NAME_LENGTH = 100;

/** A text from inside a file for a message: visible, and cut to 100 characters. */
export function printable(text: string): string {
  const shown = visible(text.slice(0, MAX_NAME_LENGTH + 1));
  return shown.length > MAX_NAME_LENGTH ? `${shown.slice(0, MAX_NAME_LENGTH - 1).replace(HALVES, "")}…` : shown;
}

const MAX_LINE_LENGTH = 2000;
const LINE_END_LENGTH = 400;

/** A message as one visible line of at most 2,000 characters. Cuts the middle: the end of a message says what to do. */
export function printableLine(text: string): string {
  const line = visible(text);
  if (line.length <= MAX_LINE_LENGTH) return line;
  const start = line.slice(0, MAX_LINE_LENGTH - LINE_END_LENGTH - 3);
  return `${start} … ${line.slice(-LINE_END_LENGTH)}`.replace(HALVES, "");
}

/** Joins texts of a file with commas, and ends in … if there are more than `max`. */
export function listSome(items: readonly string[], max: number): string {
  return [...items.slice(0, max).map(printable), ...(items.length > max ? ["…"] : [])].join(", ");
}

const BRIEF = { depth: 1, maxArrayLength: 5, maxStringLength: 50, breakLength: Infinity, compact: true } as const;

/** Any value that a caller gave, short and on one line. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return printable(JSON.stringify(value.slice(0, MAX_NAME_LENGTH)));
  return printable(inspect(value, { ...BRIEF, customInspect: false })).replace(/^\[ (.*) \]$/, "[$1]");
}
