// Runs the command line in this process or, for signals, terminals and exit codes, in a child process.
import { spawn } from "node:child_process";
import { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { main } from "../src/cli.js";

export const LAUNCHER = fileURLToPath(new URL("../bin/vae.js", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `vae …args` in a folder, in this process. */
export async function vae(args: readonly string[], cwd: string, input?: string | Uint8Array): Promise<Outcome> {
  const { code, stdout, stderr } = await vaeBytes(args, cwd, input);
  return { code, stdout: stdout.toString(), stderr };
}

/** Like `vae`, with stdout as bytes. */
export async function vaeBytes(args: readonly string[], cwd: string, input: string | Uint8Array = "") {
  const [stdout, stderr] = [collector(), collector()];
  const io = { env: {}, stdin: Readable.from([Buffer.from(input)]), stdout: stdout.stream, stderr: stderr.stream };
  const before = process.cwd();
  process.chdir(cwd);
  try {
    const code = await main(args, io);
    return { code, stdout: stdout.bytes(), stderr: stderr.bytes().toString() };
  } finally {
    process.chdir(before);
  }
}

function collector() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream, bytes: () => Buffer.concat(chunks) };
}

/** Starts `vae …args` in a child process. */
export function start(args: readonly string[], cwd: string, env: Record<string, string> = {}) {
  return startProgram([process.execPath, LAUNCHER, ...args], cwd, env);
}

export function startProgram([program, ...args]: readonly string[], cwd: string, env: Record<string, string> = {}) {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, FORCE_COLOR: undefined, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const outcome = new Promise<Outcome & { signal?: NodeJS.Signals }>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, ...(signal && { signal }), stdout, stderr }));
  });
  return { child, outcome };
}
