// Explains mistakes in a command line, with a remedy.
import path from "node:path";
import type { Command, CommanderError } from "commander";
import { SETTINGS, type SettingName } from "../config/settings.js";
import { isFolder, statIfThere } from "../files/read.js";
import { CONFIG } from "../run/config.js";
import { GROUP } from "../run/group.js";
import { flagOf, quotePath } from "../shell.js";
import { similar } from "../values/suggestions.js";
import { printable } from "../wording.js";
import { settingOf } from "./io.js";
import { commandForName, flagsForName, plainName, remedyFor, remedyForValue, settingForName } from "./other-names.js";

/** Explains an error of commander in one line. @param program after it parsed `words` */
export function explain({ code, message }: CommanderError, program: Command, words: readonly string[]): string {
  const name = words.find((word) => !word.startsWith("-"));
  const command = program.commands.find((command) => command.name() === name);
  switch (code) {
    case "commander.help": // of `vae help trian`
      return explainCommand(words.find((word) => !word.startsWith("-") && word !== "help") ?? "", program);
    case "commander.unknownCommand":
      return explainCommand(name ?? "", program);
    case "commander.unknownOption":
      return explainOption(message.match(/'(-[^'=]*)/)?.[1] ?? "", command ?? program);
    case "commander.excessArguments":
      return explainWord(command ?? program) ?? `${plainMessage(message)} See ${pageOf(command ?? program)}.`;
    case "commander.missingArgument":
      return `${plainMessage(message)}. See ${pageOf(command ?? program)}.`;
    case "commander.invalidArgument":
      return explainValue(plainMessage(message));
    default:
      return plainMessage(message);
  }
}

/** A message of commander on one line, with a printable value. */
function plainMessage(message: string): string {
  return message
    .replace(/^error: /, "")
    .replace(/(?<= argument ').*(?=' is invalid\. )/s, (value) => printable(value))
    .replace(/\n(?=\()/, " ");
}

function explainCommand(name: string, program: Command): string {
  const called = commandForName(name);
  const names = program.commands.map((command) => command.name());
  const like = called ?? similar(name, names);
  const remedy = like === undefined ? "See vae --help." : `Use vae ${like}.`;
  return name === "" ? `No command given. ${remedy}` : `Unknown command ${printable(name)}. ${remedy}`;
}

function explainOption(option: string, command: Command): string {
  return `Unknown option ${printable(option)}${remedyOfOption(option, command) ?? `. See ${pageOf(command)}.`}`;
}

function pageOf(command: Command): string {
  return command.parent === null ? "vae --help" : `vae ${command.name()} --help`;
}

function remedyOfOption(option: string, command: Command): string | undefined {
  const flags = command.options.flatMap(({ long }) => long ?? []);
  const same = flags.find((flag) => plainName(flag) === plainName(option));
  const called = same === undefined ? flagsForName(option) : [same];
  const here = called.find((flag) => flags.includes(flag));
  if (here === "--keep-prob") return `. Use ${here}, the rate of units that dropout keeps.`;
  if (here !== undefined) return `. Use ${here}.`;
  const setting = settingOf(option) ?? settingForName(option);
  if (setting !== undefined) return `. Give this setting to vae train as --set ${setting}=VALUE.`;
  const general = remedyFor(option);
  if (general !== undefined) return `. ${general}`;
  const begun = similar(
    option.replace(/^-+/, ""),
    flags.map((flag) => flag.slice(2)),
  );
  if (begun !== undefined) return `. Use --${begun}.`;
  const ofTrain = trainFlag([...called, option]);
  return ofTrain === undefined ? undefined : `. Give ${ofTrain} to vae train.`;
}

/** The first option that names a flag of vae train for a setting, apart from case and hyphens. */
function trainFlag(options: readonly string[]): string | undefined {
  const flags = (Object.keys(SETTINGS) as SettingName[]).filter((name) => "flag" in SETTINGS[name]).map(flagOf);
  return options.flatMap((option) => flags.find((flag) => plainName(flag) === plainName(option)) ?? [])[0];
}

/** Explains an extra word by suggesting the flag that was probably omitted. */
function explainWord(command: Command): string | undefined {
  const word = command.args[command.registeredArguments.length];
  const kind = /^\d+$/.test(word) ? "number" : "word";
  const remedy = kind === "number" ? remedyOfNumber(command, word) : remedyOfWord(command, word);
  return remedy === undefined ? undefined : `vae ${command.name()} takes no bare ${kind}. Use ${remedy}.`;
}

/** Flags to suggest for a bare number. */
const NUMBERS = ["--epochs", "--n"];

function remedyOfNumber(command: Command, word: string): string | undefined {
  if (command.name() === "manifold") return `--size ${word}x${word}`;
  const flag = NUMBERS.find((flag) => hasFlag(command, flag));
  return flag && `${flag} ${word}`;
}

function remedyOfWord(command: Command, word: string): string | undefined {
  const flag = `--${word}`;
  if (hasFlag(command, flag)) return flag;
  const candidates = /^\d+x\d+$/.test(word) ? ["--size"] : flagsOfPlace(word);
  const found = candidates.find((flag) => hasFlag(command, flag));
  return found && `${found} ${printable(quotePath(word))}`;
}

/** Flags to suggest for a path, by its content. */
function flagsOfPlace(place: string): string[] {
  if (place === "mnist") return ["--dataset"];
  if (!isFolder(place)) return statIfThere(place) ? ["--input", "--dataset"] : [];
  const isRun = [CONFIG, GROUP].some((file) => statIfThere(path.join(place, file)));
  return isRun ? ["--resume", "--run"] : ["--dir", "--dataset", "--run"];
}

function hasFlag(command: Command, flag: string): boolean {
  return command.options.some(({ long }) => long === flag);
}

/** @param message … option '--model <vae|ae>' argument 'cvae' is invalid. … */
function explainValue(message: string): string {
  const [, flag = "", value = ""] = /^option '(--[\w-]+)[^']*' argument '(.*)' is invalid\. /s.exec(message) ?? [];
  const remedy = remedyForValue(flag, value);
  return remedy === undefined ? message : `${message.replace(/ Did you mean [^?]*\?$/, "")} ${remedy}`;
}
