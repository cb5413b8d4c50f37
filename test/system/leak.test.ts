// Trains 200 epochs in a separate process, whose tensors, sessions and memory must not grow.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { ENGINES } from "../helpers.js";

type Held = { tensors: number; sessions: number; rss: number };

const SCRIPT = fileURLToPath(new URL("../fixtures/leak.mjs", import.meta.url));

let home: string;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-leak-"));
  await writeTinyMnist(path.join(home, "digits"), 300, 20);
});
afterAll(() => rmSync(home, { recursive: true }));

// Only on the first engine, as it is slow. step.test.ts counts the tensors of every engine.
it.each(ENGINES.slice(0, 1))(
  "200 epochs on engine %s leak no tensor, no session and no memory",
  async (engine) => {
    const args = ["--expose-gc", SCRIPT, engine, path.join(home, "digits")];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: home });
    const { held, sessionsAfterwards }: { held: Held[]; sessionsAfterwards: number } = JSON.parse(stdout);
    // V8 compiles until about the twentieth epoch.
    const [second, twentieth, last] = [held[1], held[19], held[199]];
    expect([last.tensors, last.sessions]).toEqual([second.tensors, second.sessions]);
    expect(second.sessions > 0).toBe(engine === "compiled");
    expect(sessionsAfterwards).toBe(0);
    expect(last.rss).toBeLessThan(1.2 * second.rss);
    expect(last.rss).toBeLessThan(1.1 * twentieth.rss);
  },
  300_000,
);
