// The command line: assembles the commands, catches all errors and chooses the exit code.
import { Command, CommanderError } from "commander";
import { HELP_FORMAT, helpOption, helpWidth } from "./commands/help.js";
import type { Io } from "./commands/io.js";
import { findLaunch } from "./distributed/launch.js";
import { Interruption, isSystemError, Reported, UserError } from "./errors.js";
import { VERSION } from "./version.js";
import { printableLine, visibleLines } from "./wording.js";

const EXIT = { success: 0, failure: 1, mistake: 2 };

/** Commands that several processes run together. Only the first process runs any other command. */
const SHARED_COMMANDS = ["train", "evaluate"];

type Load = () => Promise<{ define(command: Command, io: Io): void }>;
type Entry = [usage: string, description: string, Load];

/** Commands by heading of the help page. `Load` imports one command, so that startup loads only the given one. */
const COMMANDS: Readonly<Record<string, Entry[]>> = {
  "Train:": [
    ["train", "train a model, and draw images after every epoch", () => import("./commands/train.js")],
    ["data <path>", "inspect a data set before training: list unusable files", () => import("./commands/data.js")],
  ],
  "Look at a model:": [
    ["explore", "explore a model in the browser, also during training", () => import("./commands/explore.js")],
    ["reconstruct", "draw images above their reconstructions", () => import("./commands/reconstruct.js")],
    ["sample", "draw new images: decoded draws of z", () => import("./commands/sample.js")],
    ["manifold", "draw images decoded from a grid over a latent plane", () => import("./commands/manifold.js")],
    ["latent", "plot the latents of test images, coloured by label", () => import("./commands/latent.js")],
    ["interpolate", "draw images decoded between test images", () => import("./commands/interpolate.js")],
    ["report", "write an offline web page about a run", () => import("./commands/report.js")],
  ],
  "Measure and compare:": [
    ["evaluate", "measure a model: ELBO, active units and likelihood", () => import("./commands/evaluate.js")],
    ["runs", "list runs, the newest first, with settings and results", () => import("./commands/runs.js")],
    ["compare <run...>", "compare runs: settings, numbers, learning curves", () => import("./commands/compare.js")],
  ],
  "Move data and models to other programs:": [
    ["encode", "write the latents of images: JSON lines, CSV, NumPy", () => import("./commands/encode.js")],
    ["decode", "decode latents to images: a PNG file or NumPy", () => import("./commands/decode.js")],
    [
      "export",
      "write the encoder and the decoder as ONNX files, or a run for TensorBoard",
      () => import("./commands/export.js"),
    ],
  ],
  "This machine:": [
    ["engines", "show which engines run here, how to install others", () => import("./commands/engines.js")],
    ["complete <shell>", "print a completion script for bash, zsh or fish", () => import("./commands/complete.js")],
    ["cache", "show or clear the decoded images on the disk", () => import("./commands/cache.js")],
  ],
};

const EXAMPLES_AND_CODES = `
Example:
  vae train --epochs 20 --dim-z 2
  vae reconstruct
  vae sample --n 100

Exit codes:
  0    success
  1    system error, such as a full disk, or a bug in vae
  2    mistake in the command or the data: the message says what to do
  128+ stopped by a signal: 130 by Ctrl-C, 143 by kill, 129 by a closed terminal`;

/**
 * Runs the words after `vae`.
 *
 * @returns the exit code: 0, 1 for a system error or a bug, 2 for a user's mistake, 128 + N after signal N
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  // A closed pipe (vae … | head) is not an error; a full disk is. Errors of stderr cannot be reported.
  io.stdout.on("error", async ({ code, message }: NodeJS.ErrnoException) => {
    process.exit(code === "EPIPE" ? EXIT.success : await printError(io, `stdout: ${message}`, EXIT.failure));
  });
  io.stderr.on("error", () => {});
  try {
    return await run(argv, io);
  } catch (error) {
    return report(io, error);
  }
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  const launch = findLaunch(io.env);
  const rank = launch?.rank ?? 0;
  if (launch && !SHARED_COMMANDS.includes(argv[0])) {
    if (rank > 0) return EXIT.success;
    io.stderr.write("Only the first process runs this command; the others exit.\n");
  }
  const program = await createProgram(argv, io, rank === 0);
  try {
    if (argv.length > 0) await program.parseAsync(argv, { from: "user" });
    else program.outputHelp();
    return EXIT.success;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.success;
    if (rank > 0) return EXIT.mistake;
    const { explain } = await import("./commands/mistakes.js");
    return printError(io, explain(error, program, argv), EXIT.mistake);
  }
}

async function createProgram(argv: readonly string[], io: Io, prints: boolean): Promise<Command> {
  const program = new Command("vae")
    .description("Train variational autoencoders from Node.js, and look at their images.")
    .version(VERSION)
    .addHelpOption(helpOption())
    .addHelpText("after", EXAMPLES_AND_CODES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void (prints && io.stdout.write(visibleLines(text))),
      writeErr: () => {},
      getOutHelpWidth: () => helpWidth(io.stdout),
    })
    .configureHelp(HELP_FORMAT);
  const words = argv.filter((word) => !word.startsWith("-"));
  // `vae complete -- train …` also loads train, for its flags.
  const wanted = words.slice(0, ["help", "complete"].includes(words[0]) ? 2 : 1);
  for (const [heading, commands] of Object.entries(COMMANDS)) {
    program.commandsGroup(heading);
    for (const [usage, description, load] of commands) {
      const command = program.command(usage).description(description);
      if (wanted.includes(command.name())) (await load()).define(command, io);
    }
  }
  return program.helpCommand("help [command]", "show the help of a command");
}

/** Prints an error. @returns the exit code */
async function report(io: Io, error: unknown): Promise<number> {
  if (error instanceof Interruption) {
    io.stderr.write(`${printableLine(error.message)}\n`);
    return error.exitCode;
  }
  if (error instanceof Reported) return error.exitCode;
  if (error instanceof UserError) return printError(io, error.message, EXIT.mistake);
  if (isSystemError(error)) return printError(io, error.message, EXIT.failure);
  io.stderr.write(`${visibleLines(String(error instanceof Error ? error.stack : error))}\n`);
  return EXIT.failure;
}

async function printError(io: Io, message: string, exitCode: number): Promise<number> {
  const { colourOf, withFlags } = await import("./commands/io.js"); // lazy: vae --help does not need it
  io.stderr.write(`${colourOf(io).red("error:")} ${printableLine(withFlags(message))}\n`);
  return exitCode;
}
