// Runs the real command line in a process of its own.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const LAUNCHER = fileURLToPath(new URL("../../bin/vae.js", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  /** That ended it. */
  readonly signal?: NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** `vae …args` in a folder, without a terminal. */
export function vae(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Outcome> {
  return start(args, cwd, env).outcome;
}

/** The same, while it runs. */
export function start(args: readonly string[], cwd: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
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
  const outcome = new Promise<Outcome>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, ...(signal && { signal }), stdout, stderr }));
  });
  return { child, outcome };
}
