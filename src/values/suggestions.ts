// Suggests names for misspelled texts.
import { UserError } from "../errors.js";

/** Adds to the error of `check` a name that is similar to the invalid value. */
export function withSuggestion<Value>(check: () => Value, value: unknown, names: readonly string[]): Value {
  try {
    return check();
  } catch (error) {
    const like = typeof value === "string" && error instanceof UserError ? similar(value, names) : undefined;
    throw like === undefined ? error : new UserError(`${(error as UserError).message} Did you mean ${like}?`);
  }
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
