// vae train --repeat and --sweep: groups of runs. Groups stopped by a signal: test/system/signals.test.ts.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flagOf } from "../../src/shell.js";
import { copyTiny } from "../helpers.js";
import { outcomeOf } from "../outcome.js";
import { type Outcome, vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const run = (...args: string[]) => vae(args, home);
const SMALL = "--dataset tiny --n-hidden 8 --batch-size 50 --threads 1 --epochs 2 --quiet".split(" ");
const train = (...args: string[]) => run("train", ...SMALL, ...args);
const runsOf = (group: string) =>
  readdirSync(at(group), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
const settingsOf = (folder: string) => JSON.parse(readFileSync(at(folder, "config.json"), "utf8")).settings;
const outcomesOf = (group: string) =>
  Object.fromEntries(runsOf(group).map((name) => [name, outcomeOf(at(group, name))]));

beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-groups-"));
  copyTiny(home);
});
afterAll(() => rmSync(home, { recursive: true }));

async function expectRefused(problem: string, ...args: string[]) {
  const before = readdirSync(home);
  const { code, stdout, stderr } = await train(...args);
  expect(stderr).toContain(problem);
  expect([code, stdout, stderr.trim().split("\n").length]).toEqual([2, "", 1]);
  expect(readdirSync(home)).toEqual(before);
}

describe("vae train --repeat", () => {
  let outcome: Outcome;
  beforeAll(async () => {
    outcome = await train("--repeat", "3", "--seed", "7", "--run", "seeds", "--json");
  });
  const result = () => JSON.parse(outcome.stdout);

  it("trains consecutive seeds, each to the bytes of a single run", async () => {
    expect(outcome.code).toBe(0);
    expect(runsOf("seeds")).toEqual(["seed=7", "seed=8", "seed=9"]);
    expect(runsOf("seeds").map((name) => settingsOf(`seeds/${name}`).seed)).toEqual([7, 8, 9]);
    expect((await train("--seed", "8", "--run", "alone")).code).toBe(0);
    expect(outcomeOf(at("alone"))).toEqual(outcomeOf(at("seeds/seed=8")));
  });

  it("prints all results as one JSON value, with means and sample deviations", () => {
    const { group, runs, repeats } = result();
    expect([group, runs.map(({ run }: { run: string }) => run)]).toEqual([
      "seeds",
      ["seeds/seed=7", "seeds/seed=8", "seeds/seed=9"],
    ]);
    expect(repeats).toHaveLength(1);
    expect(repeats[0].n).toBe(3);
    for (const of of ["test", "validation"] as const) {
      for (const term of ["objective", "elbo", "reconstruction", "kl"]) {
        const numbers: number[] = runs.map((one: Record<string, Record<string, number>>) =>
          of === "test" ? one.test[term] : (one.best.validation as unknown as Record<string, number>)[term],
        );
        const mean = (numbers[0] + numbers[1] + numbers[2]) / 3;
        const deviation = Math.hypot(...numbers.map((number) => number - mean)) / Math.SQRT2;
        expect(repeats[0][of][term].mean).toBeCloseTo(mean, 9);
        expect(repeats[0][of][term].deviation).toBeCloseTo(deviation, 9);
        expect(deviation).toBeGreaterThan(0);
      }
    }
  });

  it("measures the test images as vae evaluate does", async () => {
    const { stdout } = await run("evaluate", "--run", "seeds/seed=9", "--json", "--importance-samples", "1");
    expect(result().runs[2].test.elbo).toBeCloseTo(JSON.parse(stdout).elbo, 9);
  });

  it("draws the curves of all runs", () => {
    const svg = readFileSync(at("seeds/compare.svg"), "utf8");
    for (const seed of [7, 8, 9]) expect(svg).toContain(`>seed=${seed}<`);
  });

  it("prints a table without --json", async () => {
    const { code, stdout, stderr } = await train("--repeat", "2", "--run", "table");
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    const numbers = (count: number, deviation = "") => `( +−?\\d+\\.\\d\\d${deviation}){${count}}`;
    for (const [i, line] of [
      "Best validation epoch, nats per image of grey pixels:",
      /^run +seed +best epoch +−ELBO +reconstruction +KL$/,
      new RegExp(`^seed=0 +0 +[12]/2${numbers(3)}$`),
      new RegExp(`^seed=1 +1 +[12]/2${numbers(3)}$`),
      "",
      "Test with the weights of that epoch:",
      /^run +−ELBO +reconstruction +KL$/,
      new RegExp(`^seed=0${numbers(3)}$`),
      new RegExp(`^seed=1${numbers(3)}$`),
      "",
      "Finished runs that differ only in the seed, mean ± standard deviation (n − 1):",
      /^settings +runs +−ELBO +reconstruction +KL$/,
      new RegExp(`^all the same +2${numbers(3, " ± \\d+\\.\\d\\d")}$`),
      "",
      "Test of these:",
      /^settings +runs +−ELBO +reconstruction +KL$/,
      new RegExp(`^all the same +2${numbers(3, " ± \\d+\\.\\d\\d")}$`),
    ].entries()) {
      expect(lines[i]).toEqual(typeof line === "string" ? line : expect.stringMatching(line));
    }
    expect(lines.at(-1)).toBe(path.join("table", "compare.svg"));
  });
});

describe("vae train --sweep", () => {
  it("trains all combinations and seeds, in folders named after them", async () => {
    const sweeps = ["--sweep", "beta=0.5,4", "--sweep", "nHidden=8,4;6", "--repeat", "2", "--epochs", "1"];
    const args = SMALL.filter((word, i) => word !== "--n-hidden" && SMALL[i - 1] !== "--n-hidden");
    const { code, stdout } = await run("train", ...args, ...sweeps, "--run", "sweep");
    expect(code).toBe(0);
    expect(runsOf("sweep")).toEqual(
      ["0.5", "4"].flatMap((beta) =>
        ["6", "8,4"].flatMap((hidden) => [0, 1].map((seed) => `beta=${beta}_nHidden=${hidden}_seed=${seed}`)),
      ),
    );
    expect(settingsOf("sweep/beta=4_nHidden=8,4_seed=1")).toMatchObject({ beta: 4, nHidden: [8, 4], seed: 1 });
    expect(stdout).toMatch(/^nHidden=8,4 beta=0\.5 +2 /m);
  });

  it("creates the group in runs/, where vae runs finds it", async () => {
    const { code } = await train("--sweep", "dimZ=2,3", "--epochs", "1");
    expect(code).toBe(0);
    const [group] = readdirSync(at("runs"));
    expect(group).toMatch(/^tiny-\d{8}-\d{6}$/);
    const listed = JSON.parse((await run("runs", "--json")).stdout);
    expect(listed.runs.map((one: { run: string }) => one.run)).toEqual(
      ["dimZ=3", "dimZ=2"].map((name) => path.join("runs", group, name)),
    );
    expect((await run("sample", "--n", "1")).stdout).toContain(path.join(group, "dimZ=3", "pictures"));
    expect((await run("sample", "--run", path.join("runs", group))).stderr).toContain(
      "It is a group of runs: give the folder of one of them.",
    );
    const resumed = await run("train", "--resume", "--json", "--quiet");
    expect(JSON.parse(resumed.stdout).group).toBe(path.join("runs", group));
  });

  it("replaces characters that folder names cannot have", async () => {
    cpSync(at("tiny"), at("other: data"), { recursive: true });
    const args = SMALL.slice(2);
    const { code, stdout } = await run(
      "train",
      ...args,
      "--sweep",
      "dataset=tiny;other: data",
      "--run",
      "data",
      "--json",
    );
    expect(code).toBe(0);
    expect(runsOf("data")).toEqual(["dataset=other--data", "dataset=tiny"]);
    expect(JSON.parse(stdout).runs[1].config.dataset).toBe(at("other: data"));
  });

  it.each([
    ["two values or more", ["--sweep", "beta=1"]],
    ['separated by ";"', ["--sweep", "nHidden=300,100"]],
    ['The value of beta is "x". It must be a number from 0 to 1000.', ["--sweep", "beta=1,x"]],
    ['The value of beta is "". It must be a number', ["--sweep", "beta=1,,2"]],
    ["beta has the value 1.0 twice", ["--sweep", "beta=1,1.0"]],
    ['Unknown setting "foo"', ["--sweep", "foo=1,2"]],
    ["It must be NAME=VALUE,VALUE", ["--sweep", "beta"]],
    ["beta is given twice, by --sweep and by --beta.", ["--sweep", "beta=1,2", "--beta", "3"]],
    ["beta is given twice, by --sweep and by --set.", ["--sweep", "beta=1,2", "--set", "beta=3"]],
    ["beta is given twice.", ["--sweep", "beta=1,2", "--sweep", "beta=3,4"]],
    ["seed is given twice, by --sweep and by --repeat.", ["--sweep", "seed=1,2", "--repeat", "2"]],
    [
      "objective=elbo: --importance-samples needs --objective iwae.",
      ["--sweep", "objective=iwae,elbo", "--importance-samples", "5"],
    ],
    ["objective=iwae mcSamples=1: --mc-samples needs ", ["--sweep", "objective=elbo,iwae", "--sweep", "mcSamples=1,2"]],
    [
      "These are 10,000 runs, but a group has at most 1,000.",
      ["--sweep", `beta=${Array.from({ length: 100 }, (_, i) => i)}`, "--repeat", "100"],
    ],
    ["leave out --sweep and --repeat", ["--resume", "seeds", "--repeat", "2"]],
    ["argument '0' is invalid", ["--repeat", "0"]],
    ["The setting seed is 9007199254740992.", ["--repeat", "2", "--seed", "9007199254740991"]],
  ])("refuses before any training: %s", async (problem, args) => {
    await expectRefused(problem, ...args, ...(args.includes("--resume") ? [] : ["--run", "refused"]));
  });

  it.each([
    [
      "batchSize",
      "50,551",
      "A batch of 551 is larger than the training set: 550 images, after 50 for validation and 120 for",
    ],
    ["threads", "1,250", "--threads 250 exceeds the"],
  ])("checks the data and the machine before any training: %s", async (name, values, problem) => {
    const own = flagOf(name);
    const args = SMALL.filter((word, i) => word !== own && SMALL[i - 1] !== own);
    const { code, stderr } = await run("train", ...args, "--sweep", `${name}=${values}`, "--run", "refused");
    expect([code, stderr]).toEqual([2, expect.stringContaining(`error: ${name}=${values.split(",")[1]}: ${problem}`)]);
    expect(existsSync(at("refused"))).toBe(false);
  });

  it("reports a run that diverges, trains the others, and ends with exit code 2", async () => {
    const args = ["--sweep", "learningRate=1e30,0.001", "--run", "diverged"];
    const { code, stdout, stderr } = await train(...args, "--json");
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^learningRate=1e\+30 diverged\. The loss, .*\nerror: 1 of 2 runs diverged: learningRate=1e\+30\.\n$/,
    );
    const [bad, good] = JSON.parse(stdout).runs;
    expect(bad.diverged).toContain("became infinite or NaN");
    expect([bad.state, "test" in bad, good.state, good.test.elbo]).toEqual([
      "stopped",
      false,
      "finished",
      expect.any(Number),
    ]);
  });

  it("retrains a diverged run only with changed settings, or after its folder is deleted", async () => {
    expect((await train("--sweep", "learningRate=1e30,1e29,0.001", "--run", "again")).code).toBe(2);
    const trained = (folder: string) => readdirSync(at("again", folder, "checkpoint"));
    const resumed = await run("train", "--resume", "again", "--quiet");
    expect(resumed.code).toBe(2);
    const notes = ["1e+30", "1e+29"].map(
      (rate) => `learningRate=${rate} diverged before. It is not trained again with the same settings.\n`,
    );
    expect(resumed.stderr).toBe(
      `${notes.join("")}error: 2 of 3 runs diverged: learningRate=1e+30, learningRate=1e+29.\n`,
    );
    expect(resumed.stdout).toMatch(/^learningRate=1e\+30 +1e\+30 +–\/0 diverged /m);

    rmSync(at("again/learningRate=1e+29"), { recursive: true });
    const anew = await run("train", "--resume", "again", "--quiet");
    expect([anew.code, anew.stderr.split("before")]).toEqual([2, [expect.anything(), expect.anything()]]);
    expect(anew.stderr).toContain("learningRate=1e+29 diverged. The loss");
    expect(trained("learningRate=1e+29")).toEqual(trained("learningRate=1e+30"));

    const more = await run("train", "--resume", "again", "--epochs", "3", "--quiet");
    expect([more.code, more.stderr.includes("before")]).toEqual([2, false]);
    expect(settingsOf("again/learningRate=0.001").epochs).toBe(3);

    const plan = JSON.parse(readFileSync(at("again/group.json"), "utf8"));
    plan.runs[2].diverged = 1;
    writeFileSync(at("again/group.json"), JSON.stringify(plan));
    const { code, stderr } = await run("train", "--resume", "again");
    expect([code, stderr]).toEqual([2, "error: again/group.json is not the plan of a group of runs.\n"]);
  });

  it("prints common notes once", async () => {
    const args = SMALL.filter((word) => word !== "--quiet");
    const { stderr } = await run("train", ...args, "--sweep", "beta=1,4", "--repeat", "2", "--run", "told");
    const count = (text: string) => stderr.split(text).length - 1;
    expect(["tiny: 550 images", "steps is too short", "Run "].map(count)).toEqual([1, 1, 4]);
    expect(["told/beta=1_seed=0: 8-2 units", "epoch "].map(count)).toEqual([1, 4]);
    expect(count("The objective is ELBO at β 4.")).toBe(1);
  });
});

describe("vae train --resume of a group", () => {
  const SWEEP = ["--sweep", "beta=0.5,4", "--repeat", "2"];
  beforeAll(async () => {
    expect((await train(...SWEEP, "--run", "whole")).code).toBe(0);
  });
  const copy = (name: string) => {
    cpSync(at("whole"), at(name), { recursive: true });
    return name;
  };

  it("keeps finished runs, and trains missing ones to the same bits", async () => {
    const name = copy("partly");
    for (const gone of ["beta=0.5_seed=1", "beta=4_seed=0", "beta=4_seed=1"])
      rmSync(at(name, gone), { recursive: true });
    const { code, stdout } = await run("train", "--resume", name, "--quiet", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).repeats.map(({ n }: { n: number }) => n)).toEqual([2, 2]);
    expect(outcomesOf(name)).toEqual(outcomesOf("whole"));
    expect(readFileSync(at(name, "compare.svg"))).toEqual(readFileSync(at("whole/compare.svg")));
  });

  it("works from another folder, and extends all runs", async () => {
    const name = copy("longer");
    rmSync(at(name, "beta=4_seed=0"), { recursive: true });
    const { code } = await vae(["train", "--resume", `../${name}`, "--epochs", "3", "--quiet"], at("tiny"));
    expect(code).toBe(0);
    for (const one of runsOf(name)) {
      expect(settingsOf(`${name}/${one}`).epochs).toBe(3);
      expect(outcomeOf(at(name, one)).metrics).toHaveLength(3);
    }
    const planned = JSON.parse(readFileSync(at(name, "group.json"), "utf8")).runs;
    expect(planned.map(({ settings }: { settings: { epochs: number } }) => settings.epochs)).toEqual([3, 3, 3, 3]);
  });

  it("refuses changed settings, and a group that is in use or damaged", async () => {
    const name = copy("kept");
    const before = readFileSync(at(name, "group.json"));
    for (const one of runsOf(name)) rmSync(at(name, one), { recursive: true });
    const refused = async (problem: string, ...args: string[]) => {
      const { code, stdout, stderr } = await run("train", "--resume", name, ...args);
      expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(problem)]);
      expect(runsOf(name)).toEqual([]);
      expect(readdirSync(at(name))).not.toContain("lock");
    };
    await refused("keeps its settings: --dim-z 2, not 3", "--dim-z", "3");
    await refused("--epochs 1 is less than the run's 2", "--epochs", "1");
    expect(readFileSync(at(name, "group.json"))).toEqual(before);
    writeFileSync(at(name, "group.json"), "{");
    await refused("kept/group.json is not the plan of a group of runs.");
    writeFileSync(at(name, "group.json"), '{"runs":[{"name":"x","settings":{"epochs":-1}}]}');
    await refused("kept/group.json: The setting epochs is -1.");
  });
});
