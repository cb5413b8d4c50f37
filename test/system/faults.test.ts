// Makes the file-system calls of every command fail, one at a time. See test/reliability/faults.js.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { LAUNCHER } from "../vae.js";

const [PRELOAD, FAULTS] = ["faults.cjs", "faults.js"].map((name) =>
  fileURLToPath(new URL(`../reliability/${name}`, import.meta.url)),
);
/** Without `group`, which trains as `train` does but takes minutes. `npm run test:faults` includes it. */
const PARTS = [
  "train sample export zipped parquet data encode decode manifold",
  "resume photos evaluate reconstruct latent interpolate explore runs cache each compare",
];

describe.concurrent("a file system with a failing call", () => {
  it.each(PARTS)("causes one correct line, and keeps saved files: %s", { timeout: 600_000 }, async (scenarios) => {
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
    const { calls, faults, reported, tolerated } = JSON.parse(totals);
    expect(faults).toBeGreaterThan(calls);
    expect(reported).toBeGreaterThan(tolerated);
  });
});

it("images are decoded if the free space of the cache's disk is unknown", () => {
  const home = mkdtempSync(path.join(tmpdir(), "vae-statfs-"));
  const [cache, photos] = ["cache", "photos"].map((name) => path.join(home, name));
  try {
    mkdirSync(photos);
    for (let i = 0; i < 12; i++)
      writeFileSync(path.join(photos, `${i}.png`), PNG.sync.write(new PNG({ width: 8, height: 8 })));
    const fail =
      `faults.root = ${JSON.stringify(cache)};` +
      "faults.codeOf = ({ name }) => name === 'statfs' ? 'EIO' : undefined;" +
      "process.on('exit', () => console.error('failed:', faults.calls.filter(({ code }) => code).length));";
    const preload = ["--require", PRELOAD, "--import", `data:text/javascript,${encodeURIComponent(fail)}`];
    const { status, stderr } = spawnSync(process.execPath, [...preload, LAUNCHER, "data", photos], {
      encoding: "utf8",
      env: { ...process.env, VAE_CACHE: cache },
    });
    expect([status, stderr]).toEqual([0, expect.stringMatching(/^failed: [1-9]$/m)]);
    expect(readdirSync(cache)).toContainEqual(expect.stringMatching(/\.data$/));
  } finally {
    rmSync(home, { recursive: true });
  }
});
