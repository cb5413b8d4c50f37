// Shell commands that messages suggest.
import path from "node:path";
import { visible } from "../wording.js";
import type { Io } from "./io.js";

/** The command that resumes a run. */
export function resumeCommand(io: Io, folder: string): string {
  return `${programName(io)} train --resume ${quote(folder)}`;
}

/** The command that starts this program: npx vae, node …/vae.js, or else vae. */
export function programName({ env, argv = [] }: Io): string {
  if (["start", "npx"].includes(env.npm_lifecycle_event ?? "")) return "npx vae";
  const [, file = ""] = argv;
  return path.basename(file) === "vae.js" ? `node ${quote(path.relative("", file))}` : "vae";
}

/** Quotes a word for a shell. Hidden characters become \U0000001b in $'…', which bash and zsh read. */
export function quote(word: string): string {
  if (word.startsWith("-")) return quote(`./${word}`);
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
