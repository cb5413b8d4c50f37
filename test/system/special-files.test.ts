// Pipes, devices and links in the folder of a run, in real processes, as reading a pipe can block forever.
import { type ChildProcess, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyTiny } from "../helpers.js";
import { lastCheckpointOf } from "../outcome.js";
import { start, vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-special-"));
  copyTiny(home);
});
afterAll(() => rmSync(home, { recursive: true }));

/** Kills the process if it hangs. */
const kill = (child: ChildProcess) => globalThis.setTimeout(() => child.kill("SIGKILL"), 30_000);
const makePipe = (place: string) => expect(spawnSync("mkfifo", [place]).status).toBe(0);
const copy = (name: string) => {
  cpSync(at("run"), at(name), { recursive: true });
  return at(name);
};

/** Expects a command to be refused in one line. */
async function refused(args: string, problem: string): Promise<void> {
  const { child, outcome } = start(args.split(" "), home);
  const killer = kill(child);
  const { code, signal, stdout, stderr } = await outcome;
  clearTimeout(killer);
  expect({ code, signal, stdout }).toEqual({ code: 2, signal: undefined, stdout: "" });
  expect(stderr).toMatch(/^error: [^\n]*\n$/);
  expect(stderr).toContain(problem);
}

describe.skipIf(process.platform === "win32").each([
  ["pipe", (place: string) => makePipe(place)],
  ["device", (place: string) => symlinkSync("/dev/zero", place)],
])("a %s is refused at once", (kind, make) => {
  it.each([
    ["config.json", "sample --run"],
    ["model.safetensors", "sample --run"],
    ["config.json", "train --resume"],
    ["lock", "train --resume"],
    ["checkpoint", "train --resume"],
  ])("as %s by vae %s", async (name, command) => {
    const run = copy(`${kind} ${name} ${command.slice(0, 5)}`.replaceAll(" ", "-"));
    const file = name === "checkpoint" ? lastCheckpointOf(run) : path.join(run, name);
    rmSync(file, { force: true });
    make(file);
    await refused(`${command} ${run}`, `${file} is a pipe, a socket or a device, not a file.`);
  });

  it("as metrics.jsonl, test.json, lock and config.json by vae runs, which lists the other runs", async () => {
    const runs = path.basename(mkdtempSync(at("runs-")));
    cpSync(at("run"), at(runs, "good"), { recursive: true });
    for (const name of ["config.json", "lock", "metrics.jsonl", "test.json"]) {
      cpSync(at("run"), at(runs, name), { recursive: true });
      rmSync(at(runs, name, name), { force: true });
      make(at(runs, name, name));
    }
    const { child, outcome } = start(["runs", "--dir", runs], home);
    const killer = kill(child);
    const { code, stdout, stderr } = await outcome;
    clearTimeout(killer);
    expect(code).toBe(0);
    expect(stdout.split("\n").filter((line) => line.startsWith(runs))).toHaveLength(1);
    expect(stderr.match(/Cannot be read: .* is a pipe, a socket or a device, not a file\.\n/g)).toHaveLength(4);
  });
});

describe.skipIf(process.platform === "win32")("a pipe without a writer", () => {
  it.each([
    ["SIGINT", "train --preset"],
    ["SIGTERM", "train --preset"],
    ["SIGINT", "decode --run run --input"],
    ["SIGHUP", "encode --run run --out x.npy --input"],
  ] as const)("does not prevent %s from ending vae %s", async (signal, args) => {
    const pipe = at(`pipe-${signal}-${args.slice(0, 5)}`);
    makePipe(pipe);
    const { child, outcome } = start([...args.split(" "), pipe], home);
    const killer = kill(child);
    await setTimeout(1000); // vae is waiting for the pipe by then
    child.kill(signal);
    expect((await outcome).signal).toBe(signal);
    clearTimeout(killer);
  });
});

describe("folders of a run that are files or links", () => {
  const elsewhere = () => {
    const folder = mkdtempSync(at("elsewhere-"));
    writeFileSync(path.join(folder, "step-000000001.safetensors"), "not ours");
    return folder;
  };
  it.each(["pictures", "checkpoint"])("%s: a file in its place is named", async (name) => {
    const run = copy(`file-${name}`);
    rmSync(path.join(run, name), { recursive: true });
    writeFileSync(path.join(run, name), "");
    await refused(`train --resume ${run}`, `${path.join(run, name)} is a file, not a folder.`);
  });

  it("the newest run is not skipped if its checkpoints are unreadable", async () => {
    const folder = mkdtempSync(at("newest-"));
    cpSync(at("run"), path.join(folder, "runs/a"), { recursive: true });
    rmSync(path.join(folder, "runs/a/checkpoint"), { recursive: true });
    writeFileSync(path.join(folder, "runs/a/checkpoint"), "");
    const { code, stderr } = await vae(["train", "--resume"], folder);
    expect(code).toBe(2);
    expect(stderr).toContain(`${path.join("runs", "a", "checkpoint")} is a file, not a folder`);
  });

  it.each([
    ["pictures", "sample --run"],
    ["pictures", "train --resume"],
    ["checkpoint", "train --resume"],
  ])("%s: nothing is written through a link by vae %s", async (name, command) => {
    const run = copy(`link-${name}-${command.slice(0, 5)}`);
    const target = elsewhere();
    rmSync(path.join(run, name), { recursive: true });
    symlinkSync(target, path.join(run, name));
    await refused(`${command} ${run}`, `${path.join(run, name)} is a link, not a folder.`);
    expect(readdirSync(target)).toEqual(["step-000000001.safetensors"]);
    expect(readlinkSync(path.join(run, name))).toBe(target);
  });

  it("a link instead of a file is replaced, and its target unchanged", async () => {
    const run = copy("linked-file");
    for (const name of ["config.json", "metrics.jsonl", "model.safetensors", "test.json"]) {
      writeFileSync(at(`target-${name}`), "");
      cpSync(path.join(run, name), at(`target-${name}`));
      rmSync(path.join(run, name));
      symlinkSync(at(`target-${name}`), path.join(run, name));
    }
    const { code } = await vae(["train", "--resume", run, "--epochs", "3", "--quiet"], home);
    expect(code).toBe(0);
    for (const name of ["config.json", "metrics.jsonl", "model.safetensors", "test.json"]) {
      cpSync(at("run", name), at("expected"));
      expect(spawnSync("cmp", [at("expected"), at(`target-${name}`)]).status).toBe(0);
    }
  });

  it("a missing pictures/ is created", async () => {
    const run = copy("without-pictures");
    rmSync(path.join(run, "pictures"), { recursive: true });
    const { code, stdout } = await vae(["sample", "--run", run, "--n", "1"], home);
    expect([code, stdout]).toEqual([0, `${path.join(run, "pictures", "samples-n1-seed0.png")}\n`]);
  });

  it("a folder with the name of a temporary file is deleted on resume", async () => {
    const run = copy("odd-temporary");
    mkdirSync(path.join(run, ".1-0123456789ab.tmp", "inside"), { recursive: true });
    expect((await vae(["train", "--resume", run, "--quiet"], home)).code).toBe(0);
    expect(readdirSync(run)).not.toContain(".1-0123456789ab.tmp");
  });
});
