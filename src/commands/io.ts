// Streams, environment and arguments of a command, from the process or a test.
import { Chalk, type ChalkInstance, chalkStderr } from "chalk";
import { SETTINGS, type SettingName } from "../config/settings.js";
import { flagOf } from "../shell.js";

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `process.argv`: Node.js, the script, and the words of the command line. */
  readonly argv?: readonly string[];
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Ends a command that otherwise runs until a signal. */
  readonly stop?: AbortSignal;
  /** For results. */
  readonly stdout: Output;
  /** For progress, notes and errors. */
  readonly stderr: Output;
}

type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  /** Width of a terminal. */
  readonly columns?: number;
};

/** Columns of a terminal; 80 if unknown or not a terminal. */
export function widthOf({ isTTY, columns }: Output): number {
  return (isTTY && columns) || 80;
}

/** The setting without a flag that an unknown option names: --prior → prior. */
export function settingOf(option: string): SettingName | undefined {
  const names = Object.keys(SETTINGS) as SettingName[];
  return names.find((name) => !("flag" in SETTINGS[name]) && [flagOf(name), `--${name}`].includes(option));
}

/** Replaces settings in a library message by flags: `size: 64` → --size 64. */
export function withFlags(message: string): string {
  return message.replace(/`([a-z]\w*)(?:: ([^`]*))?`/gi, (_, name, value) => {
    const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name as SettingName] : undefined;
    if (setting && !("flag" in setting)) return `--set ${name}${value === undefined ? "" : `=${value}`}`;
    return value === undefined ? flagOf(name) : `${flagOf(name)} ${value}`;
  });
}

/** Colours for stderr. stdout has none. NO_COLOR: https://no-color.org. */
export function colourOf({ env, stderr }: Io): ChalkInstance {
  const isProcessStderr = stderr === process.stderr; // the only stream whose colours chalk detects
  return new Chalk({ level: isProcessStderr && !env.NO_COLOR ? chalkStderr.level : 0 });
}
