// Trainings stopped by a signal, in real processes. After resuming, they end with the same bytes.
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { ENGINES } from "../helpers.js";
import { checkpointsOf, outcomeOf } from "../outcome.js";
import { start, vae } from "../vae.js";

const STEPS_PER_EPOCH = 110;

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const run = (...args: string[]) => vae(args, home);
const madeBy = (name: string) => outcomeOf(at(name));
const checkpointsAt = (name: string) => checkpointsOf(at(name));
const train = (name: string, ...args: string[]) => [
  "train",
  ...(args.includes("--dataset") ? [] : ["--dataset", "tiny"]),
  ..."--n-hidden 24,16 --batch-size 50 --noise --seed 3 --threads 1 --set checkpointSeconds=0".split(" "),
  ...["--run", name, ...args],
];

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-signals-"));
  await writeTinyMnist(at("tiny"), 6000, 120);
  // Validation takes longer than the steps, so a signal after the last step arrives during validation.
  await writeTinyMnist(at("long-validation"), 50 * STEPS_PER_EPOCH, 120);
  await writeTinyMnist(at("many"), 40_000, 1);
  renameSync(at("many/train-images-idx3-ubyte"), at("long-validation/val-images-idx3-ubyte"));
});
afterAll(() => rmSync(home, { recursive: true }));

/** Starts a training and sends a signal after a checkpoint at `steps` or later, by default in the second epoch. */
async function stopped(signal: NodeJS.Signals, args: string[], steps = STEPS_PER_EPOCH + 1) {
  const { child, outcome } = start(args, home);
  const name = args[args.indexOf("--run") + 1];
  const isFar = () => {
    try {
      return Number(/\d+/.exec(checkpointsAt(name).at(-1) as string)?.[0]) >= steps;
    } catch {
      return false; // the run has no folder yet
    }
  };
  while (!isFar()) await setTimeout(2);
  child.kill(signal);
  return outcome;
}

describe.each(ENGINES.filter((name) => name === "compiled" || name === "wasm"))("on engine %s", (engine) => {
  const whole = `whole-${engine}`;
  beforeAll(async () => {
    expect((await run(...train(whole, "--engine", engine, "--epochs", "4"))).code).toBe(0);
  });

  it.each([
    ["SIGHUP", 129],
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s saves a checkpoint, prints how to resume, and loses nothing", async (signal, code) => {
    const name = `${signal} ${engine}`;
    const outcome = await stopped(signal, train(name, "--engine", engine, "--epochs", "4"));
    expect([outcome.code, outcome.stdout]).toEqual([code, ""]);
    expect(outcome.stderr).toMatch(
      new RegExp(`\nStopped by ${signal}, and saved. Resume: node \\S*bin/vae.js train --resume '${name}'\n$`),
    );
    expect(readdirSync(at(name))).not.toContain("lock");
    const resumed = await run("train", "--resume", name);
    expect(resumed.stderr).toMatch(/^Resuming (in epoch [234], after \d+ steps?|at epoch [234])\.$/m);
    expect(resumed.code).toBe(0);
    expect(madeBy(name)).toEqual(madeBy(whole));
  });

  it("a second signal ends it at once, and leaves no lock and no temporary files", async () => {
    const name = `twice-signalled ${engine}`;
    const { child, outcome } = start(train(name, "--engine", engine, "--epochs", "50"), home);
    while (!existsSync(at(name, "model.safetensors"))) await setTimeout(5);
    child.kill("SIGINT");
    child.kill("SIGINT");
    await setTimeout(1);
    child.kill("SIGINT");
    expect((await outcome).code).toBe(130);
    expect(readdirSync(at(name)).sort()).not.toContain("lock");
    expect(readdirSync(at(name)).filter((entry) => entry.endsWith(".tmp"))).toEqual([]);
  });

  it("a signal between the last step of an epoch and the first of the next loses nothing", async () => {
    const name = `validating ${engine}`;
    const settings = ["--dataset", "long-validation", "--engine", engine, "--epochs", "2"];
    const long = `long-${engine}`;
    expect((await run(...train(long, ...settings))).code).toBe(0);
    const { code, stderr } = await stopped("SIGINT", train(name, ...settings), STEPS_PER_EPOCH);
    expect(code).toBe(130);
    expect(stderr).toContain("and saved");
    const resumed = await run("train", "--resume", name);
    expect(resumed.stderr).toMatch(/^Resuming (in epoch 1, after 110 steps|at epoch 2)\.$/m);
    expect(madeBy(name)).toEqual(madeBy(long));
  });

  it("SIGKILL loses only the steps after the last checkpoint", async () => {
    const name = `killed-${engine}`;
    const { signal } = await stopped("SIGKILL", train(name, "--engine", engine, "--epochs", "4"));
    expect(signal).toBe("SIGKILL");
    expect(readdirSync(at(name))).toContain("lock");
    expect((await run("train", "--resume", name)).code).toBe(0);
    expect(madeBy(name)).toEqual(madeBy(whole));
    expect(checkpointsAt(name)).toHaveLength(2);
  });
});

describe("a group of runs", () => {
  const group = (name: string) => [...train(name, "--epochs", "3", "--repeat", "2"), "--sweep", "dimZ=2,3"];
  const runs = ["dimZ=2_seed=3", "dimZ=2_seed=4", "dimZ=3_seed=3", "dimZ=3_seed=4"];
  const madeByAll = (name: string) => runs.map((run) => madeBy(`${name}/${run}`));
  beforeAll(async () => {
    expect((await run(...group("all"))).code).toBe(0);
  });

  it.each([
    ["SIGINT", 1],
    ["SIGTERM", 2],
  ] as const)("%s during a run saves a checkpoint, prints how to resume, and loses nothing", async (signal, i) => {
    const name = `group ${signal}`;
    const { child, outcome } = start(group(name), home);
    const isFar = () => existsSync(at(name, runs[i], "model.safetensors"));
    while (!isFar()) await setTimeout(2);
    child.kill(signal);
    const { code, stdout, stderr } = await outcome;
    expect([code, stdout]).toEqual([signal === "SIGINT" ? 130 : 143, ""]);
    expect(stderr).toMatch(
      new RegExp(`\nStopped by ${signal}, and saved. Resume: node \\S*bin/vae.js train --resume '${name}'\n$`),
    );
    expect(readdirSync(at(name)).sort()).toEqual([...runs.slice(0, i + 1), "group.json"]);
    expect(existsSync(at(name, runs[i], "lock"))).toBe(false);
    const resumed = await run("train", "--resume", name, "--json");
    expect(resumed.code).toBe(0);
    expect(madeByAll(name)).toEqual(madeByAll("all"));
  });

  it("SIGKILL leaves a group that can be resumed, by one process at a time", async () => {
    const name = "group-killed";
    const { child, outcome } = start(group(name), home);
    while (!existsSync(at(name, runs[1], "model.safetensors"))) await setTimeout(2);
    expect((await run("train", "--resume", name)).stderr).toMatch(/^error: group-killed is in use by process \d+ on /);
    child.kill("SIGKILL");
    await outcome;
    expect((await run("train", "--resume", name)).code).toBe(0);
    expect(madeByAll(name)).toEqual(madeByAll("all"));
    expect(readdirSync(at(name)).sort()).toEqual(["compare.svg", ...runs, "group.json"]);
  });
});

describe("a second Ctrl-C", () => {
  it("ends a training without saving, even within one step", async () => {
    const slow = ["--engine", "cpu", "--epochs", "500", "--n-hidden", "500,500", "--batch-size", "500"];
    const args = train("twice", ...slow);
    const { child, outcome } = start(args, home);
    while (!readdirSync(home).includes("twice")) await setTimeout(5);
    await setTimeout(1000); // steps take seconds
    child.kill("SIGINT");
    await setTimeout(100);
    child.kill("SIGINT");
    const { code, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).not.toContain("saved");
    expect((await run("train", "--resume", "twice", "--seed", "4")).stderr).toContain("--seed 3, not 4");
  });

  it("ends it while the test images are evaluated too", async () => {
    await writeTinyMnist(at("much-test"), 40, 3000);
    const slow = ["--engine", "cpu", "--epochs", "1", "--n-hidden", "500", "--batch-size", "30", "--mc-samples", "40"];
    const { child, outcome } = start(train("scored", ...slow, "--dataset", "much-test"), home);
    const isScoring = () => existsSync(at("scored/pictures/progress.png")) && checkpointsAt("scored").length === 2;
    while (!isScoring()) await setTimeout(20);
    await setTimeout(1000); // evaluation takes many times longer
    child.kill("SIGINT");
    await setTimeout(100);
    child.kill("SIGINT");
    const killed = performance.now();
    const { code, stdout } = await outcome;
    expect([code, stdout]).toEqual([130, ""]);
    expect(performance.now() - killed).toBeLessThan(10_000);
  });
});
