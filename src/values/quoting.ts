// Lists of texts on the command line: items are separated by commas, and may be quoted, as in CSV.

/** A quoted text. "" escapes a quote, as in CSV. */
const QUOTED = /^"(?:[^"]|"")*"$/;
/** A comma and the list item after it. */
const LISTED = /,(?:\s*("(?:[^"]|"")*")\s*(?=,|$)|([^,]*))/g;

/** The items of a list. Quoted ones keep their quotes. */
export function splitItems(text: string): string[] {
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

/** Quotes a text, so that it has no special meaning. */
export function quoteText(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
