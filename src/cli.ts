// The command line: puts the commands together, and is the only place that catches errors and sets the exit code.
import { Command, CommanderError } from "commander";
import { dataCommand } from "./commands/data.js";
import { decodeCommand } from "./commands/decode.js";
import { encodeCommand } from "./commands/encode.js";
import { enginesCommand } from "./commands/engines.js";
import { evaluateCommand } from "./commands/evaluate.js";
import { exportCommand } from "./commands/export.js";
import { interpolateCommand } from "./commands/interpolate.js";
import { latentCommand } from "./commands/latent.js";
import { manifoldCommand } from "./commands/manifold.js";
import { reconstructCommand } from "./commands/reconstruct.js";
import { runsCommand } from "./commands/runs.js";
import { sampleCommand } from "./commands/sample.js";
import { trainCommand } from "./commands/train.js";
import { Interruption, UserError } from "./errors.js";
import { VERSION } from "./version.js";

const EXIT = { failure: 1, mistake: 2 };

const program = new Command("vae")
  .description("Train variational autoencoders from Node.js alone, and look at what they make.")
  .version(VERSION)
  .addHelpText("after", "\nExample:\n  vae train --epochs 20 --dim-z 2\n  vae reconstruct\n  vae sample --n 100");

const commands = [
  trainCommand(),
  reconstructCommand(),
  sampleCommand(),
  manifoldCommand(),
  latentCommand(),
  interpolateCommand(),
  encodeCommand(),
  decodeCommand(),
  evaluateCommand(),
  dataCommand(),
  exportCommand(),
  runsCommand(),
  enginesCommand(),
];
for (const command of commands) program.addCommand(command);

for (const command of [program, ...program.commands]) {
  command.exitOverride().configureOutput({ writeErr: () => {} });
}

// A reader that has seen enough, such as head, is not an error; a full disk is. Without stderr there is nobody to tell.
process.stdout.on("error", async (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : await complain(`stdout: ${error.message}`, EXIT.failure));
});
process.stderr.on("error", () => {});

try {
  if (process.argv.length > 2) await program.parseAsync();
  else program.outputHelp();
} catch (error) {
  process.exitCode = await report(error);
}

/** Says what went wrong, and gives the exit code. */
async function report(error: unknown): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code === "commander.help") return complain("There is no such command. See vae --help.", EXIT.mistake);
    return complain(error.message.replace(/^error: /, ""), EXIT.mistake);
  }
  if (error instanceof Interruption) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof UserError) return complain(error.message, EXIT.mistake);
  if (isOfTheWorld(error)) return complain(error.message, EXIT.failure);
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  return EXIT.failure;
}

/** Whether an error is the operating system's: a full disk, no permission, a file too large to read. */
function isOfTheWorld(error: unknown): error is Error {
  return error instanceof Error && ("syscall" in error || ("code" in error && error.code === "ERR_FS_FILE_TOO_LARGE"));
}

async function complain(message: string, exitCode: number): Promise<number> {
  const { colour } = await import("./commands/colour.js"); // here, so that vae --help does not wait for it
  process.stderr.write(`${colour.red("error:")} ${message.replace(/\s*\n\s*/g, " ")}\n`);
  return exitCode;
}
