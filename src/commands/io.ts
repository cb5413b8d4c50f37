// The surroundings of a command: those of the process, or of a test.
import { Chalk, type ChalkInstance, chalkStderr } from "chalk";

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** For results. */
  readonly stdout: Output;
  /** For progress, notes and errors. */
  readonly stderr: Output;
}

type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  /** The width of a terminal. */
  readonly columns?: number;
};

/** Colours for stderr. stdout has none. See https://no-color.org. */
export function colourOf({ env, stderr }: Io): ChalkInstance {
  const isProcessStderr = stderr === process.stderr; // the only stream whose colours chalk detects
  return new Chalk({ level: isProcessStderr && !env.NO_COLOR ? chalkStderr.level : 0 });
}
