// Runs contenders, each a process, in turns of alternating order. A process waits while others run.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const THREADS = 2;
export const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Times contenders { label, command, steps }.
 *
 * @param args further arguments for every command
 *
 * @returns milliseconds per step of each contender: { label, low, median, high }
 */
export async function race(contenders, rounds, args, what) {
  const running = await Promise.all(contenders.map((contender) => start(contender, args)));
  // The first two rounds compile and allocate memory, so they are not counted.
  for (let round = -2; round < rounds; round++) {
    for (const contender of round % 2 ? running : running.toReversed()) {
      const seconds = await contender.run(round === -2 ? Math.min(contender.steps, 4) : contender.steps);
      if (round >= 0) contender.times.push((1000 * seconds) / contender.steps);
      await setTimeout(50); // lets its threads go idle
    }
    process.stderr.write(`${what}: round ${round + 1} of ${rounds}\n`);
  }
  for (const { stop } of running) stop();
  return running.map(({ label, times }) => ({ label, ...spread(times) }));
}

/** Starts a contender and waits until it is ready. */
async function start({ label, command, steps }, more) {
  const [program, ...args] = [...command, ...more];
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${label} ended: run it by hand, ${[program, ...args].join(" ")}`);
    return value;
  };
  while ((await read()) !== "ready");
  const run = async (count) => {
    child.stdin.write(`${count}\n`);
    return Number(await read());
  };
  return { label, steps, run, times: [], stop: () => child.kill() };
}

export function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return { low: sorted[0], median: sorted[Math.floor(sorted.length / 2)], high: sorted[sorted.length - 1] };
}

export function digits(milliseconds) {
  return milliseconds < 100 ? milliseconds.toFixed(1) : milliseconds.toFixed(0);
}
