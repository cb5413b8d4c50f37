// Runs commands in several processes started by mpirun or srun. Only the first process prints.
import { Writable } from "node:stream";
import { Interruption, Reported, UserError } from "../errors.js";
import { joinProcesses, type Processes } from "../index.js";
import { VERSION } from "../version.js";
import type { Io } from "./io.js";

/**
 * Runs a command together with the processes that mpirun or srun started, if any.
 *
 * @param name of the command
 * @param distributed off: do not join other processes
 */
export async function runInProcesses(
  io: Io,
  name: string,
  distributed: "auto" | "off",
  work: (io: Io, processes: Processes | undefined) => Promise<void>,
): Promise<void> {
  const processes = distributed === "off" ? undefined : await joinProcesses();
  if (!processes) return work(io, undefined);
  try {
    processes.checkSame({ "the version of vae": VERSION, "the command": name });
    await work(processes.rank === 0 ? io : silent(io), processes);
    processes.close();
  } catch (error) {
    if (!processes.isAgreed(error)) throw processes.locate(error);
    processes.close();
    throw processes.rank === 0 ? error : new Reported(exitCodeOf(error));
  }
}

function silent(io: Io): Io {
  const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
  return { ...io, stdout: nowhere(), stderr: nowhere() };
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Interruption) return error.exitCode;
  return error instanceof UserError ? 2 : 1;
}
