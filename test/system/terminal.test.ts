// The output on a terminal, which `script` of util-linux provides. macOS has a different `script`, Windows none.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeNpy } from "../../src/formats/npy.js";
import { array, copyTiny } from "../helpers.js";
import { LAUNCHER, start } from "../vae.js";

const ESCAPE = "\u001b";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-tty-"));
  copyTiny(home);
});
afterAll(() => rmSync(home, { recursive: true }));

/** Runs `vae …` on a terminal, and types `keys` once the bar appears. */
async function onTerminal(command: string, env: Record<string, string> = {}, keys?: string, columns = 80) {
  const line = `trap : INT; stty cols ${columns}; node '${LAUNCHER}' ${command}; echo "exit code $?"`;
  const child = spawn("script", ["-qec", line, "/dev/null"], {
    cwd: home,
    env: { ...process.env, CI: undefined, FORCE_COLOR: undefined, NO_COLOR: undefined, TERM: "xterm", ...env },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  if (keys) {
    while (!output.includes("░") && child.exitCode === null) await setTimeout(50);
    child.stdin.write(keys);
  }
  await new Promise((resolve) => child.on("close", resolve));
  return output;
}

const SMALL = "--dataset tiny --n-hidden 16 --batch-size 50";

describe.runIf(process.platform === "linux")("on a terminal", () => {
  it("training shows a bar below a table, within the terminal's width", async () => {
    const output = await onTerminal(`train ${SMALL} --epochs 3 --run a`);
    expect(output).toContain("exit code 0");
    expect(output).toMatch(/1\/3 [█░]{30} −ELBO +[\d.]+ +\d+ images\/s/);
    expect(output).toMatch(/3\/3 [█░]{30} −ELBO +[\d.]+ +\d+ images\/s +0:\d\d left/);
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

  it("Ctrl-C ends training with exit code 130, and restores the terminal", async () => {
    const output = await onTerminal(`train ${SMALL} --epochs 100000 --run c`, {}, "\u0003");
    expect(output).toContain("exit code 130");
    for (const mode of ["7", "25"]) expect(output).not.toContain(`${ESCAPE}[?${mode}l`); // wrapping, cursor
  });

  it("JSON lines are shown, and binary output is refused", async () => {
    const env = { NO_COLOR: "1" };
    expect(await onTerminal("encode --run run --n 1", env)).toMatch(/^\{"image":0,[^\n]*\}\r\nexit code 0\r\n$/);
    writeFileSync(at("z.npy"), encodeNpy(array([1, 2], [1, 2])));
    for (const args of ["encode --format npy", "decode --input z.npy", "decode --format png --input z.npy"]) {
      const output = await onTerminal(`${args} --run run`, env);
      expect(output).toMatch(/^error: Binary data would go to the terminal\. .*\r\nexit code 2\r\n$/);
    }
  });

  it("a command that reads standard input refuses a terminal at once", async () => {
    const output = await onTerminal("decode --run run --out x.npy", { NO_COLOR: "1" });
    expect(output).toMatch(/^error: Standard input is a terminal\. .*\r\nexit code 2\r\n$/);
  });

  it("the list of runs fits the width", async () => {
    mkdirSync(at("runs"));
    cpSync(at("run"), at("runs", `${"long-".repeat(20)}20260101`), { recursive: true });
    const config = JSON.parse(readFileSync(at("run/config.json"), "utf8"));
    const settings = { ...config.settings, dataset: `/${"long/".repeat(30)}` };
    cpSync(at("run"), at("runs/b"), { recursive: true });
    writeFileSync(at("runs/b/config.json"), JSON.stringify({ ...config, settings }));
    for (const columns of [80, 120]) {
      const output = await onTerminal("runs", {}, undefined, columns);
      const lines = output.split("\r\n");
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      expect(lines.filter((line) => /^runs\/(long-)+.*….*-20260101 +2\/2 +\d+\.\d\d /.test(line))).toHaveLength(1);
      expect(lines.filter((line) => line.includes("nHidden=16"))).toHaveLength(2);
    }
  });
});

it("redirected output contains no escape codes", async () => {
  const { code, stdout, stderr } = await start(`train ${SMALL} --epochs 1 --run d`.split(" "), home).outcome;
  expect(code).toBe(0);
  expect(stdout + stderr).not.toContain(ESCAPE);
});
