// Colours for stderr, where all that is coloured goes. See https://no-color.org.
import type { ChalkInstance } from "chalk";
import { Chalk, chalkStderr } from "chalk";
import type { Io } from "./io.js";

export function colourOf({ env, stderr }: Io): ChalkInstance {
  const knows = stderr === process.stderr; // of other streams, chalk does not know what they show
  return new Chalk({ level: knows && !env.NO_COLOR ? chalkStderr.level : 0 });
}
