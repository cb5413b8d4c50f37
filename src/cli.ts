// The command line: puts the commands together, and is the only place that catches errors and sets the exit code.
import chalk from "chalk";
import { Command, CommanderError } from "commander";
import { reconstructCommand } from "./commands/reconstruct.js";
import { sampleCommand } from "./commands/sample.js";
import { trainCommand } from "./commands/train.js";
import { UserError } from "./errors.js";
import { VERSION } from "./version.js";

const EXIT = { failure: 1, mistake: 2 };

const program = new Command("vae")
  .description("Train variational autoencoders from Node.js alone, and look at what they make.")
  .version(VERSION)
  .addHelpText("after", "\nExample:\n  vae train --epochs 20 --dim-z 2\n  vae reconstruct\n  vae sample --n 100");

for (const command of [trainCommand(), reconstructCommand(), sampleCommand()]) program.addCommand(command);

for (const command of [program, ...program.commands]) {
  command.exitOverride().configureOutput({ writeErr: () => {} });
}

// A reader that has seen enough, such as head, is not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  if (process.argv.length > 2) await program.parseAsync();
  else program.outputHelp();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong, and gives the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    return complain(error.message.replace(/^error: /, ""), EXIT.mistake);
  }
  if (error instanceof UserError) return complain(error.message, EXIT.mistake);
  if (error instanceof Error && "syscall" in error) return complain(error.message, EXIT.failure);
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  return EXIT.failure;
}

function complain(message: string, exitCode: number): number {
  process.stderr.write(`${chalk.red("error:")} ${message.replace(/\s*\n\s*/g, " ")}\n`);
  return exitCode;
}
