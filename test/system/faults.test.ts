// Every file-system call of every command fails once. See test/reliability/faults.js.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const [PRELOAD, FAULTS] = ["faults.cjs", "faults.js"].map((name) =>
  fileURLToPath(new URL(`../reliability/${name}`, import.meta.url)),
);
const HALVES = [
  "train sample export zipped parquet data encode decode",
  "resume photos evaluate reconstruct latent runs cache each",
];

describe.concurrent("a file system of which a call fails", () => {
  it.each(HALVES)("gives one true line, and leaves what was saved: %s", { timeout: 600_000 }, async (scenarios) => {
    const args = ["--require", PRELOAD, FAULTS, "short", ...scenarios.split(" ")];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    const [totals, ...lines] = stdout.trim().split("\n").reverse();
    expect(lines.reverse().filter((line) => !line.endsWith(" calls"))).toEqual([]);
    expect(code).toBe(0);
    const { calls, faults, told, tolerated } = JSON.parse(totals);
    expect(faults).toBeGreaterThan(calls);
    expect(told).toBeGreaterThan(tolerated);
  });
});
