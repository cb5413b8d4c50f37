// Words of messages.

/** "1 file", "2 files" */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Joins items with commas, and ends in … if there are more than `max`. */
export function listSome(items: readonly string[], max: number): string {
  return [...items.slice(0, max), ...(items.length > max ? ["…"] : [])].join(", ");
}
