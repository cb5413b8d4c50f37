// Formats numbers and words for messages, and untrusted texts as one short line without hidden characters.
import { inspect } from "node:util";

/** "1 file", "2 files", "2 classes" */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
}

/** Nats, or another number, with a typographic minus. */
export function formatNats(nats: number, digits = 2): string {
  return nats.toFixed(digits).replace("-", "−");
}

export function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function formatCount(count: number): string {
  return count.toLocaleString("en");
}

/** "10,000 images" */
export function formatPlural(count: number, noun: string): string {
  return plural(count, noun).replace(String(count), formatCount(count));
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
 * Characters that control a terminal, end a line, change the direction of text, or are invisible; and lone surrogates.
 * Excludes the two joiners, which scripts and emoji need.
 */
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/gu;
/** Lone surrogates, which remain where a text was cut inside a character. */
export const LONE_SURROGATES = /\p{Cs}/gu;

/** Escapes hidden characters as \u001b, which JSON decodes to the same text. */
export function visible(text: string): string {
  const code = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return text.replace(HIDDEN, (character) => character.split("").map(code).join(""));
}

/** Escapes hidden characters, except line ends. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}

const MAX_NAME_LENGTH = 100;

/** Formats a text from a file for a message: escapes hidden characters, and cuts it to 100 characters. */
export function printable(text: string): string {
  const shown = visible(text.slice(0, MAX_NAME_LENGTH + 1));
  return shown.length > MAX_NAME_LENGTH
    ? `${shown.slice(0, MAX_NAME_LENGTH - 1).replace(LONE_SURROGATES, "")}…`
    : shown;
}

const MAX_LINE_LENGTH = 2000;
const LINE_END_LENGTH = 400;

/** Formats a message as one line of at most 2,000 characters. Cuts the middle, since the end says what to do. */
export function printableLine(text: string): string {
  const line = visible(text);
  if (line.length <= MAX_LINE_LENGTH) return line;
  const start = line.slice(0, MAX_LINE_LENGTH - LINE_END_LENGTH - 3);
  return `${start} … ${line.slice(-LINE_END_LENGTH)}`.replace(LONE_SURROGATES, "");
}

/** Joins up to `max` texts of a file with commas. Ends in … if there are more. */
export function listSome(items: readonly string[], max: number): string {
  return [...items.slice(0, max).map(printable), ...(items.length > max ? ["…"] : [])].join(", ");
}

const INSPECT_OPTIONS = {
  depth: 1,
  maxArrayLength: 5,
  maxStringLength: 50,
  breakLength: Infinity,
  compact: true,
} as const;

/** Formats a caller's value of any type, short and on one line. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return printable(JSON.stringify(value.slice(0, MAX_NAME_LENGTH)));
  return printable(inspect(value, { ...INSPECT_OPTIONS, customInspect: false })).replace(/^\[ (.*) \]$/, "[$1]");
}
