// Words of a command line.
import { visible } from "./wording.js";

/** The flag of a setting or an option: dimZ → --dim-z */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Quotes a path for a shell, so that it does not begin like a flag. */
export function quotePath(path: string): string {
  return quote(path.startsWith("-") ? `./${path}` : path);
}

/** Quotes a word for a shell. Hidden characters become \U0000001b in $'…', which bash and zsh read. */
export function quote(word: string): string {
  if (/^[\w./-]+$/.test(word)) return word;
  if (isPlain(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const code = (character: string) => `\\U${character.codePointAt(0)?.toString(16).padStart(8, "0")}`;
  const coded = [...word].map((character) =>
    isPlain(character) && !/[\\']/.test(character) ? character : code(character),
  );
  return `$'${coded.join("")}'`;
}

/** `withFlags` would read a backquote as the start of a setting. */
function isPlain(text: string): boolean {
  return visible(text) === text && !text.includes("`");
}
