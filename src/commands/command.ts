// Declares commands for commander.
import { type Command, InvalidArgumentError, Option } from "commander";
import { UserError } from "../errors.js";
import { flagOf } from "../shell.js";
import type { Flag } from "./flags.js";
import { helpOption } from "./help.js";
import type { Io } from "./io.js";

type ValuesOf<Flags> = { [name in keyof Flags]: Flags[name] extends Flag<infer Value> ? Value : never };
export type Tools = typeof import("./tools.js");

/** Declares a command: its flags and its action. `tools` is imported only when the command runs. */
export function declare<Flags extends { readonly [name: string]: Flag<unknown> }>(declared: {
  /** Help for the arguments, if there are any. */
  readonly argument?: string;
  readonly flags: Flags;
  readonly examples: readonly string[];
  run(io: Io, flags: ValuesOf<Flags>, tools: Tools, ...words: string[]): Promise<void>;
}): (command: Command, io: Io) => void {
  const { argument = "", flags, examples, run } = declared;
  return (command, io) => {
    for (const registered of command.registeredArguments) registered.description = argument;
    for (const [name, flag] of Object.entries(flags)) command.addOption(createOption(name, flag));
    command.addHelpOption(helpOption(command.options.at(-1)?.helpGroupHeading));
    command.addHelpText("after", `\nExample:\n${examples.map((line) => `  ${line}`).join("\n")}`).action(async () => {
      const values = command.opts<ValuesOf<Flags>>();
      for (const name in values) flags[name].check?.(values[name]);
      await run(io, values, await import("./tools.js"), ...command.args);
    });
  };
}

function createOption(name: string, flag: Flag<unknown>): Option {
  const { argument, help, heading = "Options:", parse, choices, ...details } = flag;
  const option = new Option(`${flagOf(name)} ${argument}`.trim(), help)
    .helpGroup(heading)
    .default(details.default)
    .preset(details.preset)
    .conflicts(details.conflicts ?? [])
    .makeOptionMandatory(details.isRequired ?? false);
  if (choices) option.argChoices = choices.map(String); // for shell completion; `parse` validates values
  if (!parse) return option;
  return option.argParser((text, before) => {
    try {
      return parse(text, before) ?? text; // commander replaces null, so it stays text: "none" or "own"
    } catch (error) {
      if (error instanceof UserError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  });
}
