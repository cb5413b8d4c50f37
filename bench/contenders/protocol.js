// The protocol of the contenders, as in contender.py: reads a number of steps per line, prints the seconds they took.
import { createInterface } from "node:readline";

export async function serve(run) {
  process.stdout.write("ready\n");
  for await (const line of createInterface({ input: process.stdin })) {
    const started = performance.now();
    const seconds = await run(Number(line));
    process.stdout.write(`${seconds ?? (performance.now() - started) / 1000}\n`);
  }
}
