// vae complete: prints a completion script for a shell, and the candidates that this script requests.
import { readdirSync } from "node:fs";
import path from "node:path";
import type { Command, Option } from "commander";
import { SETTINGS } from "../config/settings.js";
import { UserError } from "../errors.js";
import { isFolder, statIfThere } from "../files/read.js";
import { CONFIG } from "../run/config.js";
import { RUNS } from "../run/find.js";
import { GROUP } from "../run/group.js";
import { oneOf } from "../values/domains.js";
import { helpOption } from "./help.js";
import type { Io } from "./io.js";

const SHELLS = ["bash", "zsh", "fish"] as const;

const EXAMPLES = `
Example:
  vae complete bash > ~/.vae.bash; echo '. ~/.vae.bash' >> ~/.bashrc
  vae complete zsh > ~/.vae.zsh; echo '. ~/.vae.zsh' >> ~/.zshrc
  vae complete fish > ~/.config/fish/completions/vae.fish`;

/** Directives to the script, as bit flags. */
const NO_SPACE = 2;
const NO_FILES = 4;

interface Completion {
  readonly value: string;
  readonly description?: string;
}

type Completions = { readonly words: readonly Completion[]; readonly directive: number };

/** @param command registered by cli.ts, next to the command whose words are completed */
export function define(command: Command, io: Io): void {
  command.registeredArguments[0].description = SHELLS.join(", ");
  command
    .allowExcessArguments()
    .addHelpOption(helpOption())
    .addHelpText("after", EXAMPLES)
    .action(async () => {
      const program = command.parent as Command & { readonly rawArgs: readonly string[] };
      const [, mark] = program.rawArgs;
      if (mark === "--") return writeCompletions(io, complete(program, command.args));
      if (command.args.length > 1) throw new UserError("vae complete takes one shell.");
      await printScript(io, checkShell(command.args[0]));
    });
}

function checkShell(shell: string): (typeof SHELLS)[number] {
  try {
    return oneOf(SHELLS).parse(shell);
  } catch (error) {
    throw error instanceof UserError ? new UserError(`The shell is ${shell}. ${error.message}`) : error;
  }
}

async function printScript(io: Io, shell: (typeof SHELLS)[number]): Promise<void> {
  const { script } = await import("@bomb.sh/tab");
  // The script declares readonly variables: bash reports an error if another program's script declared them.
  if (shell === "bash") io.stdout.write("{\n");
  script(shell, "vae", "vae");
  // -o default: bash completes files where vae offers no candidates.
  if (shell === "bash") io.stdout.write("} 2>/dev/null\ncomplete -o default -F __vae_complete vae\n");
}

/** Writes a line for each candidate, then the directive. */
function writeCompletions(io: Io, { words, directive }: Completions): void {
  const lines = words.map(({ value, description = "" }) => `${value}\t${description.replace(/\s+/g, " ")}\n`);
  io.stdout.write(`${lines.join("")}:${directive}\n`);
}

/** @param words the words after `vae`; the last is partial or empty */
function complete(program: Command, words: readonly string[]): Completions {
  const begun = words.at(-1) ?? "";
  const [name, ...before] = words.slice(0, -1);
  const commands = program.commands.map((command) => ({ value: command.name(), description: command.description() }));
  const topFlags = ["--version", "--help"].map((value) => ({ value }));
  if (name === undefined) return startingWith(begun, begun.startsWith("-") ? topFlags : commands);
  if (name === "help") return startingWith(begun, commands);
  const command = program.commands.find((command) => command.name() === name);
  if (!command) return { words: [], directive: NO_FILES };
  const [, flag, value] = /^(--[\w-]+)=(.*)$/s.exec(begun) ?? [undefined, before.at(-1), begun];
  const option = command.options.find(({ long, required, optional }) => long === flag && (required || optional));
  const isFlag = value.startsWith("-") && value === begun;
  if (option && !(option.optional && isFlag)) return valuesOf(option, value);
  const given = before.filter((word) => !REPEATABLE.includes(word));
  const flags = [...command.options, helpOption()].filter(({ long }) => !given.includes(long ?? ""));
  const described = flags.map(({ long, description }) => ({ value: long ?? "", description }));
  if (isFlag || command.registeredArguments.length === 0) return startingWith(begun, described);
  return ofArgument(name, begun);
}

const REPEATABLE: readonly string[] = ["--set", "--sweep"];

function startingWith(begun: string, words: readonly Completion[], directive = NO_FILES): Completions {
  return { words: words.filter(({ value }) => value.startsWith(begun)), directive };
}

function valuesOf({ flags, long, argChoices = [] }: Option, begun: string): Completions {
  if (REPEATABLE.includes(long ?? "")) {
    const names = Object.entries(SETTINGS).map(([name, { help }]) => ({ value: `${name}=`, description: help }));
    return startingWith(begun, names, NO_FILES + NO_SPACE);
  }
  const runs = long === "--run" || long === "--resume" ? findRuns() : [];
  const data = flags.includes("<mnist|") ? ["mnist"] : [];
  const words = [...argChoices, ...data, ...runs].map((value) => ({ value }));
  return startingWith(begun, words, /folder|file|path/.test(flags) ? 0 : NO_FILES);
}

function ofArgument(command: string, begun: string): Completions {
  if (command === "complete")
    return startingWith(
      begun,
      SHELLS.map((value) => ({ value })),
    );
  const words = command === "data" ? ["mnist"] : findRuns();
  return startingWith(
    begun,
    words.map((value) => ({ value })),
    0,
  );
}

/** Runs and groups in runs/. Skips names with special characters, which bash would expand. */
function findRuns(): string[] {
  if (!isFolder(RUNS)) return [];
  const places = readdirSync(RUNS).map((name) => `${RUNS}/${name}`);
  const isRun = (place: string) => [CONFIG, GROUP].some((file) => statIfThere(path.join(place, file)));
  return places.filter((place) => /^[\w./+-]+$/.test(place) && isRun(place));
}
