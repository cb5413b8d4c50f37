// Completion in real shells on a terminal: the typed line, the tab key, and the command that the shell then runs.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LAUNCHER } from "../vae.js";

let home: string;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-complete-"));
  for (const name of ["first", "second words", "$(touch harm)"]) {
    mkdirSync(path.join(home, "runs", name), { recursive: true });
    writeFileSync(path.join(home, "runs", name, "config.json"), "{}");
  }
  writeFileSync(path.join(home, "latents.npy"), "");
  mkdirSync(path.join(home, "bin"));
  // Runs `vae complete`, and writes the words of any other command to a file.
  const program = `#!/bin/sh
[ "$1" = complete ] && exec "${process.execPath}" "${LAUNCHER}" "$@"
printf '%s\\n' "$@" > words
`;
  writeFileSync(path.join(home, "bin/vae"), program, { mode: 0o755 });
  env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, TERM: "dumb" };
  env.PATH = `${path.join(home, "bin")}:${process.env.PATH}`;
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
const BASH_COMPLETION = "/usr/share/bash-completion/bash_completion";

/** How each shell starts in a terminal, and loads the completion script. */
const SHELLS = {
  bash: {
    isHere: existsSync(BASH_COMPLETION),
    command: "bash --norc --noprofile -i",
    load: `. ${BASH_COMPLETION}; . <(vae complete bash); . <(vae complete bash)`,
  },
  zsh: { isHere: has("zsh"), command: "zsh -f -i", load: "autoload -U compinit; compinit -u; . <(vae complete zsh)" },
};

/** Types a line with a tab in a shell. @returns the words after `vae` that the shell ran, and its output */
async function type({ command, load }: { command: string; load: string }, line: string): Promise<[string[], string]> {
  const words = path.join(home, "words");
  rmSync(words, { force: true });
  const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: home, env });
  let shown = "";
  child.stdout.on("data", (text) => {
    shown += text;
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  const until = async (isDone: () => boolean) => {
    for (let i = 0; i < 300 && !isDone(); i++) await new Promise((resolve) => setTimeout(resolve, 100));
  };
  child.stdin.write(`${load}; echo "rea""dy"\n`);
  await until(() => shown.includes("ready\r\n"));
  const before = shown.length;
  child.stdin.write(`${line}\t`);
  // The shell shows the completed line after the typed line.
  await until(() => shown.length > before + line.length);
  child.stdin.write("\n");
  await until(() => existsSync(words));
  child.stdin.write("exit\n");
  child.stdin.end();
  await ended;
  return [existsSync(words) ? readFileSync(words, "utf8").trimEnd().split("\n") : [], shown];
}

describe.each(Object.entries(SHELLS))("in %s, the tab key", (_, shell) => {
  const on = it.runIf(shell.isHere && existsSync("/usr/bin/script"));

  on.each([
    ["vae eva", ["evaluate"]],
    ["vae train --obj", ["train", "--objective"]],
    ["vae train --objective iw", ["train", "--objective", "iwae"]],
    ["vae train --json --noise ha", ["train", "--json", "--noise", "haze"]],
    ["vae evaluate --run ru", ["evaluate", "--run", "runs/first"]],
    ["vae train --dataset mn", ["train", "--dataset", "mnist"]],
    ["vae train --set klW", ["train", "--set", "klWarmUp="]],
    ["vae decode --input lat", ["decode", "--input", "latents.npy"]],
  ])("completes %s", async (line, words) => {
    const [typed, shown] = await type(shell, line);
    expect(typed).toEqual(words);
    expect(shown).not.toMatch(/readonly|not found|error/);
    expect(existsSync(path.join(home, "harm"))).toBe(false);
  });
});

describe("in fish, the tab key", () => {
  const ask = (line: string) => {
    const script = `vae complete fish | source; complete -C '${line}'`;
    const { stdout } = spawnSync("fish", ["--no-config", "-c", script], { cwd: home, env, encoding: "utf8" });
    return stdout
      .trimEnd()
      .split("\n")
      .map((word) => word.split("\t")[0]);
  };

  it.runIf(has("fish")).each([
    ["vae eva", ["evaluate"]],
    ["vae train --obj", ["--objective"]],
    ["vae train --objective ", ["beta-tc", "elbo", "free-bits", "iwae", "mmd"]],
    ["vae train --objective=iw", ["--objective=iwae"]],
    ["vae evaluate --run ru", ["runs/first"]],
    ["vae decode --input lat", ["latents.npy"]],
  ])("completes %s", (line, words) => {
    expect(ask(line).sort()).toEqual(words);
  });
});
