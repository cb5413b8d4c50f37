// Shell commands that messages suggest.
import path from "node:path";
import { quotePath } from "../shell.js";
import type { Io } from "./io.js";

/** The command that resumes a run. */
export function resumeCommand(io: Io, folder: string): string {
  return `${programName(io)} train --resume ${quotePath(folder)}`;
}

/** The command that starts this program: npx vae, node …/vae.js, or else vae. */
export function programName({ env, argv = [] }: Io): string {
  if (["start", "npx"].includes(env.npm_lifecycle_event ?? "")) return "npx vae";
  const [, file = ""] = argv;
  return path.basename(file) === "vae.js" ? `node ${quotePath(path.relative("", file))}` : "vae";
}
