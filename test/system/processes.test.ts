// Training and evaluation in several processes, with each installed implementation of MPI.
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { copyTiny } from "../helpers.js";
import { checkpointsOf, outcomeOf } from "../outcome.js";
import { LAUNCHER, start, startProgram } from "../vae.js";

const MPIS = inject("mpis");
const LEAVE = fileURLToPath(new URL("../distributed/leave.js", import.meta.url));
const PARITY = fileURLToPath(new URL("../distributed/parity.js", import.meta.url));
/** Open MPI refuses root by default, but tests in containers run as root. */
const ENV = { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };
const SETTINGS = "--n-hidden 24,16 --batch-size 50 --noise --seed 3 --epochs 2 --set checkpointSeconds=0".split(" ");

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const train = (name: string, ...args: string[]) => ["train", "--dataset", "many", ...SETTINGS, "--run", name, ...args];

beforeAll(async () => {
  home = realpathSync(mkdtempSync(path.join(tmpdir(), "vae-processes-")));
  copyTiny(home);
  await writeTinyMnist(at("many"), 6000, 120);
});
afterAll(() => rmSync(home, { recursive: true }));

it.skipIf(MPIS.length > 0)("needs Open MPI or MPICH, which are not installed here", () => {});

describe.each(MPIS)("$name", ({ name, mpirun }) => {
  const node = [process.execPath, LAUNCHER];
  const startTogether = (count: number, args: readonly string[], env = {}) =>
    startProgram([...mpirun, "-n", String(count), ...node, ...args], home, { ...ENV, ...env });
  const together = (count: number, args: readonly string[], env = {}) => startTogether(count, args, env).outcome;
  /** Starts two processes with different arguments. */
  const apart = (first: readonly string[], second: readonly string[]) =>
    startProgram([...mpirun, "-n", "1", ...node, ...first, ":", "-n", "1", ...node, ...second], home, ENV).outcome;
  /** The program's own lines of stderr, without those of mpirun. */
  const errorsOf = ({ stderr }: { stderr: string }) => stderr.match(/^(error:|Stopped by).*$/gm) ?? [];
  const run = (what: string) => `${what}-${name.replace(" ", "")}`;

  it.each([
    [2, "memory"],
    [3, "memory"],
    [4, "memory"],
    [3, "messages"],
  ])("%i processes make the same steps as one by %s, and average correctly", { timeout: 180_000 }, async (...given) => {
    const command = [...mpirun, "-n", String(given[0]), process.execPath, PARITY, given[1]];
    const { code, stdout, stderr } = await startProgram(command, home, ENV).outcome;
    expect(code, stderr).toBe(0);
    const models: [string, { weights: number; metrics: number }[]][] = Object.entries(JSON.parse(stdout));
    expect(models.length).toBeGreaterThan(5);
    for (const [model, differences] of models) {
      expect(differences.length, model).toBeGreaterThanOrEqual(50);
      for (const { weights, metrics } of differences) {
        expect(weights, model).toBeLessThan(1e-5);
        expect(metrics, model).toBeLessThan(1e-4); // of about 40 nats
      }
    }
  });

  it("stops all processes at once at a signal, saves, and resumes with another number", {
    timeout: 120_000,
  }, async () => {
    const { outcome } = startTogether(2, train(run("stopped")));
    while (checkpointsSoFar(run("stopped")) < 2) await setTimeout(5);
    const pids = pidsIn(home);
    expect(pids.length).toBe(2);
    process.kill(Math.max(...pids), "SIGTERM");
    const stopped = await outcome;
    expect(errorsOf(stopped)).toEqual([
      expect.stringMatching(/^Stopped by SIGTERM, and saved\. Resume: .* train --resume stopped-/),
    ]);
    expect(stopped.code).toBe(143);

    const resumed = await together(3, ["train", "--resume", run("stopped"), "--json"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stderr).toMatch(/1 thread in each of 3 processes on 1 host/);
    expect((await start(train(run("alone"), "--threads", "1"), home).outcome).code).toBe(0);
    const [results, alone] = [run("stopped"), run("alone")].map((name) => metricsOf(at(name)));
    for (const [i, { validation }] of results.entries()) {
      expect(validation.elbo).toBeCloseTo(alone[i].validation.elbo, 1);
    }
  });

  // mpirun of Open MPI kills its processes one second after the signal, which may be too early here.
  it.runIf(name === "MPICH")("saves if mpirun is interrupted", { timeout: 60_000 }, async () => {
    const { child, outcome } = startTogether(2, train(run("interrupted")));
    while (checkpointsSoFar(run("interrupted")) < 2) await setTimeout(5);
    child.kill("SIGINT");
    // The exit code is not checked: under load, this mpirun exits with 0 although its processes exit with 130.
    expect(errorsOf(await outcome)).toEqual([expect.stringMatching(/^Stopped by SIGINT, and saved\./)]);
  });

  it("writes the same bytes each time", { timeout: 120_000 }, async () => {
    for (const name of [run("first"), run("second")]) expect((await together(2, train(name))).code).toBe(0);
    expect(outcomeOf(at(run("first")))).toEqual(outcomeOf(at(run("second"))));
  });

  it("trains with local steps, and improves", { timeout: 120_000 }, async () => {
    const { code, stderr } = await together(2, train(run("local"), "--sync-every", "7"));
    expect(code, stderr).toBe(0);
    const [first, second] = metricsOf(at(run("local")));
    expect(second.validation.elbo).toBeGreaterThan(first.validation.elbo);
  });

  it("evaluates to the same numbers as one process", { timeout: 120_000 }, async () => {
    const images = ["--split", "train", "--n", "1300"]; // two batches and a partial one
    const args = ["evaluate", "--run", run("binary"), ...images, "--importance-samples", "20", "--json"];
    const binary = "--dataset many --n-hidden 300 --batch-size 50 --epochs 1 --binarize dynamic".split(" ");
    expect((await start(["train", ...binary, "--run", run("binary")], home).outcome).code).toBe(0);
    // Uses one thread like the processes above, as the number of threads changes the last bits.
    const alone = JSON.parse(
      (await startProgram(["taskset", "--cpu-list", "0", ...node, ...args], home).outcome).stdout,
    );
    for (const count of [2, 3]) {
      const { code, stdout, stderr } = await together(count, args);
      expect(code, stderr).toBe(0);
      const { seconds, klPerDimension, ...numbers } = JSON.parse(stdout);
      expect({ ...alone, ...numbers, seconds: 0 }).toEqual({ ...alone, seconds: 0 });
      for (const [i, nats] of klPerDimension.entries()) expect(nats).toBeCloseTo(alone.klPerDimension[i], 12);
    }
  });

  const refused: [string, string[], Record<string, string>?][] = [
    ["nowhere does not exist", ["--dataset", "nowhere"]],
    ["2 processes cannot share a batch of 1", ["--batch-size", "1"]],
    ["This objective depends on all images of a batch", ["--objective", "free-bits"]],
    ["The runs of a group train one after the other", ["--repeat", "2"]],
    ["cannot be loaded. Give the path of an MPI library", [], { VAE_MPI_LIBRARY: "/nowhere/libmpi.so" }],
  ];
  it.each(refused)("prints once: %s", { timeout: 60_000 }, async (problem, args, env = {}) => {
    const outcome = await together(2, ["train", "--dataset", "tiny", "--run", "none", ...args], env);
    expect([outcome.code, outcome.stdout, errorsOf(outcome)]).toEqual([2, "", [expect.stringContaining(problem)]]);
  });

  it("names the process that differs, and the difference", { timeout: 60_000 }, async () => {
    const other = (...args: string[]) => ["train", "--dataset", "tiny", "--run", "none", ...args];
    for (const [problem, first, second] of [
      [/process 1 on \S+ differs from process 0 on \S+ in seed\./, other("--seed", "1"), other("--seed", "2")],
      [/in the data\./, other(), ["train", "--dataset", "many", "--run", "none"]],
      [/in the command\./, other(), ["evaluate", "--run", "run"]],
      [/^error: nowhere does not exist.* \(process 1 on \S+\)$/, other(), other("--dataset", "nowhere")],
    ] as const) {
      const outcome = await apart(first, second);
      expect([outcome.code, errorsOf(outcome)]).toEqual([2, [expect.stringMatching(problem)]]);
    }
  });

  it("ends all processes if one leaves the training, and stops all if one aborts", { timeout: 120_000 }, async () => {
    const leave = (how: string) =>
      startProgram([...mpirun, "-n", "2", process.execPath, LEAVE, how, "tiny", run(how)], home, ENV).outcome;
    for (const how of ["break", "retry"]) expect((await leave(how)).code, how).not.toBe(0);
    const { code, stdout } = await leave("abort");
    const lines = stdout.trim().split("\n").sort();
    expect([code, lines]).toEqual([
      0,
      [expect.stringMatching(/^0 Error .*abort/), expect.stringMatching(/^1 AbortError .*abort/)],
    ]);
    expect(checkpointsSoFar(`${run("abort")}-first`)).toBeGreaterThan(0);
  });

  it("deletes the lock of the run at a second signal", { timeout: 60_000 }, async () => {
    const { outcome } = startTogether(2, train(run("twice"), "--epochs", "200"));
    while (checkpointsSoFar(run("twice")) < 2) await setTimeout(5);
    const first = Math.min(...pidsIn(home));
    process.kill(first, "SIGTERM");
    process.kill(first, "SIGINT");
    expect((await outcome).code).not.toBe(0);
    expect(readdirSync(at(run("twice")))).not.toContain("lock");
  });

  it("ends all processes if the folder of the run is moved", { timeout: 60_000 }, async () => {
    const { outcome } = startTogether(2, train(run("moved"), "--epochs", "50"));
    while (checkpointsSoFar(run("moved")) < 2) await setTimeout(5);
    renameSync(at(run("moved")), at(`${run("moved")}-elsewhere`));
    const ended = await outcome;
    expect(ended.code).not.toBe(0);
    expect(errorsOf(ended)).toEqual([expect.stringContaining("was moved or deleted")]);
  });

  it("runs other commands in one process, or in each with --distributed off", { timeout: 60_000 }, async () => {
    const { code, stdout } = await together(2, ["evaluate", "--run", "run", "--json", "--distributed", "off"]);
    expect([code, stdout.trim().split("\n").length]).toEqual([0, 2]);
    const listed = await together(2, ["runs", "--json"]);
    expect([listed.code, listed.stdout.trim().split("\n").length]).toEqual([0, 1]);
  });
});

it.runIf(MPIS.some(({ name }) => name === "MPICH"))("explains that npx does not work with MPICH", async () => {
  const args = ["train", "--dataset", "tiny", "--run", "none"];
  const { code, stderr } = await start(args, home, { PMI_RANK: "0", PMI_SIZE: "2", PMI_FD: "99" }).outcome;
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/^error: npx or another wrapper has closed the connection to MPICH's mpirun.*\n$/),
  ]);
});

it.runIf(MPIS.length > 1)("names a library and a launcher that do not match", { timeout: 60_000 }, async () => {
  for (const [{ mpirun }, library] of [
    [MPIS[0], "libmpich.so.12"],
    [MPIS[1], "libmpi.so.40"],
  ] as const) {
    const command = [...mpirun, "-n", "2", process.execPath, LAUNCHER, "train", "--dataset", "tiny", "--run", "none"];
    const { code, stderr } = await startProgram(command, home, { ...ENV, VAE_MPI_LIBRARY: library }).outcome;
    expect(stderr.match(/^error: .*$/gm), stderr).toEqual([
      expect.stringMatching(/mpirun.* started 2 processes, but (Open MPI|MPICH)\b.* sees only this one/),
    ]);
    expect(code).toBe(2);
  }
});

/** The ids of the Node.js processes whose working directory is this folder. */
function pidsIn(folder: string): number[] {
  const pids = readdirSync("/proc").filter((pid) => {
    try {
      const [cwd, program] = ["cwd", "exe"].map((name) => readlinkSync(`/proc/${pid}/${name}`));
      return /^\d+$/.test(pid) && cwd === folder && program === process.execPath;
    } catch {
      return false; // no process, or one that has ended
    }
  });
  return pids.map(Number);
}

function checkpointsSoFar(name: string): number {
  try {
    return checkpointsOf(at(name)).length;
  } catch {
    return 0; // the run has no folder yet
  }
}

function metricsOf(run: string): { validation: { elbo: number } }[] {
  return readFileSync(path.join(run, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
