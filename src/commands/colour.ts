// Colours for stderr. stdout has none. See https://no-color.org.
import { Chalk, type ChalkInstance, chalkStderr } from "chalk";
import type { Io } from "./io.js";

export function colourOf({ env, stderr }: Io): ChalkInstance {
  const isProcessStderr = stderr === process.stderr; // the only stream whose colours chalk detects
  return new Chalk({ level: isProcessStderr && !env.NO_COLOR ? chalkStderr.level : 0 });
}
