// Layout of help pages. Imports commander alone, since vae --help waits for it.
import { type Help, type HelpConfiguration, Option } from "commander";

/** Longer lines are hard to read. */
const MAX_WIDTH = 100;
const USUAL_WIDTH = 80;
/** Of the column of descriptions. */
const MIN_DESCRIPTION = 20;

/** Columns of a help page that goes to this stream. */
export function helpWidth({ isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number }): number {
  return Math.min((isTTY && columns) || USUAL_WIDTH, MAX_WIDTH);
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
    return Math.min(longest, Math.floor((help.helpWidth ?? USUAL_WIDTH) / 3));
  },
  formatItem,
};

/** A term and its description: beside it, or below a term that is wider than the column. */
function formatItem(this: Help, term: string, width: number, description: string): string {
  const column = width + 4;
  const room = (this.helpWidth ?? USUAL_WIDTH) - column;
  const lines = this.boxWrap(description, room).split("\n");
  const first = term.length > width ? [`  ${term}`] : [`  ${term.padEnd(width)}  ${lines.shift()}`.trimEnd()];
  return [...first, ...lines.map((line) => " ".repeat(column) + line)].join("\n");
}

/** `--help`, under the last heading of a page. */
export function helpOption(heading = "Options:"): Option {
  return new Option("-h, --help", "show this help").helpGroup(heading);
}
