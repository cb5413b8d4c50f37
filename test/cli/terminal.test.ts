// What a terminal gets to see. `script` (util-linux) makes one; macOS has another of that name, Windows none.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { vae } from "./vae.js";

const LAUNCHER = fileURLToPath(new URL("../../bin/vae.js", import.meta.url));
const ESCAPE = "\u001b";

let home: string;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-tty-"));
  await writeTinyMnist(path.join(home, "digits"), 1200, 120);
});
afterAll(() => rmSync(home, { recursive: true }));

/** `node vae …` on a terminal of 80 columns; `keys` are typed after a while. */
async function onTerminal(command: string, env: Record<string, string> = {}, keys?: string) {
  const line = `trap : INT; stty cols 80; node '${LAUNCHER}' ${command}; echo "exit code $?"`;
  const child = spawn("script", ["-qec", line, "/dev/null"], {
    cwd: home,
    env: { ...process.env, CI: undefined, FORCE_COLOR: undefined, NO_COLOR: undefined, TERM: "xterm", ...env },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  if (keys) {
    while (!output.includes("images/s  ") && child.exitCode === null) await setTimeout(50); // the bar is there
    child.stdin.write(keys);
  }
  await new Promise((resolve) => child.on("close", resolve));
  return output;
}

const SMALL = "--dataset digits --n-hidden 16 --batch-size 50";

describe.runIf(process.platform === "linux")("on a terminal", () => {
  it("training shows a bar below a table, within the terminal's width", async () => {
    const output = await onTerminal(`train ${SMALL} --epochs 3 --run a`);
    expect(output).toContain("exit code 0");
    expect(output).toMatch(
      /1\/3 [█░]+ −ELBO [\d.]+ {2}reconstruction −[\d.]+ {2}KL [\d.]+ {2}\d+ images\/s {2}0:\d\d left/,
    );
    expect(output).toContain(`${ESCAPE}[32mbest`);
    const bars = output.split(new RegExp(`[\\r\\n]|${ESCAPE}\\[[\\d;?]*[A-Za-z]`)).filter((line) => line.includes("░"));
    expect(bars.length).toBeGreaterThan(0);
    for (const bar of bars) expect(bar.length).toBeLessThan(80);
  });

  it("NO_COLOR is respected", async () => {
    const output = await onTerminal(`train ${SMALL} --epochs 1 --run b`, { NO_COLOR: "1" });
    expect(output).toContain("exit code 0");
    expect(output).not.toMatch(new RegExp(`${ESCAPE}\\[\\d+m`));
  });

  it("Ctrl-C ends training with exit code 130, and leaves the terminal as it was", async () => {
    const output = await onTerminal(`train ${SMALL} --epochs 100000 --run c`, {}, "\u0003");
    expect(output).toContain("exit code 130");
    for (const mode of ["7", "25"]) expect(output).not.toContain(`${ESCAPE}[?${mode}l`); // wrapping, cursor
  });
});

describe("not on a terminal", () => {
  it("there is no escape code in what is redirected", async () => {
    const { code, stdout, stderr } = await vae(["train", ...SMALL.split(" "), "--epochs", "1", "--run", "d"], home);
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain(ESCAPE);
  });

  it("a reader that stops reading is no error", async () => {
    const child = spawn("sh", ["-c", `node '${LAUNCHER}' train --help | head -n 1; echo done`], { cwd: home });
    let [output, errors] = ["", ""];
    child.stdout.on("data", (text) => {
      output += text;
    });
    child.stderr.on("data", (text) => {
      errors += text;
    });
    await new Promise((resolve) => child.on("close", resolve));
    expect([output, errors]).toEqual(["Usage: vae train [options]\ndone\n", ""]);
  });
});
