// Layout of help pages. Imports only commander, to keep vae --help fast.
import { type Help, type HelpConfiguration, Option } from "commander";

/** Longer lines are hard to read. */
const MAX_WIDTH = 100;
const DEFAULT_WIDTH = 80;
/** Minimum width of the descriptions. */
const MIN_DESCRIPTION = 20;

/** Width of a help page on this stream. */
export function helpWidth({ isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number }): number {
  return Math.min((isTTY && columns) || DEFAULT_WIDTH, MAX_WIDTH);
}

export const HELP_FORMAT: HelpConfiguration = {
  minWidthToWrap: MIN_DESCRIPTION,
  subcommandTerm: (command) => `${command.name()} ${command.usage()}`.replace(" [options]", ""),
  optionDescription: ({ description, defaultValue }) =>
    defaultValue === undefined ? description : `${description} (default: ${defaultValue})`,
  padWidth(command, help) {
    const longest = Math.max(
      help.longestOptionTermLength(command, help),
      help.longestSubcommandTermLength(command, help),
      help.longestArgumentTermLength(command, help),
    );
    return Math.min(longest, Math.floor((help.helpWidth ?? DEFAULT_WIDTH) / 3));
  },
  formatItem,
};

/** A term and its description, on the next line if the term is wider than its column. */
function formatItem(this: Help, term: string, width: number, description: string): string {
  const column = width + 4;
  const room = (this.helpWidth ?? DEFAULT_WIDTH) - column;
  const lines = this.boxWrap(description, room).split("\n");
  const first = term.length > width ? [`  ${term}`] : [`  ${term.padEnd(width)}  ${lines.shift()}`.trimEnd()];
  return [...first, ...lines.map((line) => " ".repeat(column) + line)].join("\n");
}

/** `--help`, under the last heading of a page. */
export function helpOption(heading = "Options:"): Option {
  return new Option("-h, --help", "show this help").helpGroup(heading);
}
