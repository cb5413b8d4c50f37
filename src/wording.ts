// Words of messages.

/** "1 file", "2 files" */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

const MAX_NAME_LENGTH = 100;

/** Shortens a text of a file for a message, and replaces characters that would break the line. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, "?").slice(0, MAX_NAME_LENGTH);
}

/** Joins texts of a file with commas, and ends in … if there are more than `max`. */
export function listSome(items: readonly string[], max: number): string {
  return [...items.slice(0, max).map(printable), ...(items.length > max ? ["…"] : [])].join(", ");
}
