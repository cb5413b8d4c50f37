import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createConfig, type GivenSettings } from "../../src/config/config.js";
import { RunFolder } from "../../src/run/folder.js";
import { isDone } from "../../src/run/reports.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const held: RunFolder[] = [];

const testOf = (epoch: number) => ({ objective: -99, elbo: -99.5 - epoch, reconstruction: -80, kl: 19.5 + epoch });

/** Writes a run of `epochs` epochs, the last but one being the best. The run is locked until it is closed. */
async function make(name: string, created: string, epochs: number, given: GivenSettings = {}): Promise<RunFolder> {
  const settings = createConfig({ ...given, engine: "wasm", threads: 2 });
  const data = { name: "mnist", height: 2, width: 2, channels: 1, train: 9, validation: 1, test: 5, sha256: "" };
  const start = { tensors: new Map(), metadata: {} };
  const run = await RunFolder.create({ version: "0.0.0", created, settings, data }, start, at(name));
  const best = Math.max(1, epochs - 1);
  const reports = Array.from({ length: epochs }, (_, i) => ({
    epoch: i + 1,
    validation: { objective: -100 - i, elbo: -101 - i, reconstruction: -90, kl: 11 + i },
    isBest: i + 1 <= best,
  }));
  await run.writeMetrics(reports);
  if (isDone(reports as never, settings)) await run.writeTest({ epoch: best, test: testOf(best) });
  return run;
}

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-runs-"));
  await (await make("runs/b-old", "2026-01-01T00:00:00.000Z", 20)).close();
  const iwae = { objective: "iwae", dimZ: 20, nHidden: [300, 100], binarize: "dynamic" } as const;
  await (await make("runs/c-middle", "2026-01-02T00:00:00.000Z", 5, { ...iwae, dataset: "/data/mine" })).close();
  await (await make("runs/d-patient", "2026-01-03T00:00:00.000Z", 4, { epochs: 9, patience: 1 })).close();
  await (await make("runs/e-new", "2026-01-04T00:00:00.000Z", 0, { beta: 4 })).close();
  held.push(await make("runs/a-newest", "2026-01-05T00:00:00.000Z", 1));
  await (await make("runs/f-broken", "2026-01-06T00:00:00.000Z", 1)).close();
  writeFileSync(at("runs/f-broken/config.json"), "{");
  for (const [name, text] of [
    ["g-odd", "rubbish\n"],
    ["h-odd", '{"epoch":1}\n'],
    ["i-odd", "null\n"],
  ]) {
    await (await make(`runs/${name}`, "2026-01-07T00:00:00.000Z", 1)).close();
    writeFileSync(at("runs", name, "metrics.jsonl"), text);
  }
  mkdirSync(at("runs/no-run"));
  mkdirSync(at("runs/odd-config/config.json"), { recursive: true });
  mkdirSync(at("runs/half.123-0123456789ab.tmp"));
  writeFileSync(at("runs/notes.txt"), "no run");
});
afterAll(async () => {
  for (const run of held) await run.close();
  rmSync(home, { recursive: true });
});

const PROBLEMS = [
  ["f-broken", "f-broken/config.json is not valid JSON."],
  ["g-odd", "g-odd/metrics.jsonl is not valid JSON lines."],
  ["h-odd", "h-odd/metrics.jsonl does not hold the epochs of a training."],
  ["i-odd", "i-odd/metrics.jsonl does not hold the epochs of a training."],
  ["odd-config", "is a folder, not a file."],
];

describe("vae runs", () => {
  it("lists runs, the newest first, and names unreadable ones", async () => {
    const { code, stdout, stderr } = await vae(["runs"], home);
    expect(code).toBe(0);
    expect(stdout).toBe(`Best validation epoch, and test −ELBO; nats per image
run            epochs        −ELBO reconstruction    KL   test
runs/a-newest  1/20 in use  101.00         −90.00 11.00      –
    defaults
runs/e-new     0/20 stopped      –              –     –      –
    beta=4
runs/d-patient 4/9 finished 103.00         −90.00 13.00 102.50
    patience=1
runs/c-middle  5/20 stopped 104.00         −90.00 14.00      –
    dataset=mine objective=iwae dimZ=20 nHidden=300,100 binarize=dynamic
runs/b-old     20/20        119.00         −90.00 29.00 118.50
    defaults
`);
    const notes = stderr.trimEnd().split("\n");
    expect(notes).toHaveLength(PROBLEMS.length);
    for (const [i, [, problem]] of PROBLEMS.entries()) {
      expect(notes[i]).toMatch(/^Cannot be read: /);
      expect(notes[i]).toContain(problem);
    }
  });

  it("prints one JSON value", async () => {
    const { code, stdout, stderr } = await vae(["runs", "--json", "--dir", "runs"], home);
    expect([code, stderr]).toEqual([0, ""]);
    const { runs, unreadable } = JSON.parse(stdout);
    expect(runs.map(({ run }: { run: string }) => run)).toEqual(
      ["a-newest", "e-new", "d-patient", "c-middle", "b-old"].map((name) => path.join("runs", name)),
    );
    const { dataset, ...settings } = runs[3].settings;
    expect(dataset).toBe("/data/mine");
    expect(settings).toEqual({ objective: "iwae", dimZ: 20, nHidden: [300, 100], binarize: "dynamic" });
    expect(runs[3].best).toEqual({
      epoch: 4,
      validation: { objective: -103, elbo: -104, reconstruction: -90, kl: 14 },
    });
    expect(runs[3]).toMatchObject({ state: "stopped", epochs: 5, created: "2026-01-02T00:00:00.000Z" });
    expect(runs.map(({ test }: { test?: object }) => test)).toEqual([
      undefined,
      undefined,
      testOf(3),
      undefined,
      testOf(19),
    ]);
    expect(runs[1].best).toBeUndefined();
    expect(unreadable.map(({ run }: { run: string }) => path.basename(run))).toEqual(PROBLEMS.map(([name]) => name));
  });

  it.each([
    ["date", ["a-newest", "e-new", "d-patient", "c-middle", "b-old"]],
    ["name", ["a-newest", "b-old", "c-middle", "d-patient", "e-new"]],
    ["elbo", ["a-newest", "d-patient", "c-middle", "b-old", "e-new"]],
    ["test", ["d-patient", "b-old", "a-newest", "e-new", "c-middle"]],
  ])("--sort %s", async (order, names) => {
    const { stdout } = await vae(["runs", "--sort", order], home);
    expect(stdout.match(/^runs\/\S+/gm)).toEqual(names.map((name) => `runs/${name}`));
    const json = JSON.parse((await vae(["runs", "--sort", order, "--json"], home)).stdout);
    expect(json.runs.map(({ run }: { run: string }) => path.basename(run))).toEqual(names);
  });

  it("sorts numbers in names by value, and autoencoders, which have no ELBO, last", async () => {
    for (const [name, given] of [
      ["seed=10", {}],
      ["seed=9", {}],
      ["ae", { model: "ae" }],
    ] as const) {
      await (await make(`more/${name}`, "2026-01-01T00:00:00.000Z", 20, given)).close();
    }
    const sorted = async (order: string) =>
      (await vae(["runs", "--dir", "more", "--sort", order], home)).stdout.match(/^more\/\S+/gm);
    expect(await sorted("name")).toEqual(["more/ae", "more/seed=9", "more/seed=10"]);
    for (const order of ["elbo", "test"]) expect((await sorted(order))?.at(-1)).toBe("more/ae");
    const { stdout } = await vae(["runs", "--dir", "more"], home);
    expect(stdout).toMatch(/^more\/ae +20\/20 +– +−90\.00 +– +– +model=ae$/m);
  });

  it("shows only the reconstruction if all runs are autoencoders", async () => {
    await (await make("alone/ae", "2026-01-01T00:00:00.000Z", 20, { model: "ae" })).close();
    expect((await vae(["runs", "--dir", "alone"], home)).stdout).toBe(
      `Best validation epoch, and test reconstruction; nats per image of grey pixels
run      epochs reconstruction   test  settings
alone/ae 20/20          −90.00 −80.00  model=ae
`,
    );
  });

  it("fits 80 columns with long names and many settings", async () => {
    const many = {
      dataset: `/x/${"long-".repeat(30)}`,
      encoderActivations: ["relu"],
      decoderActivations: ["elu"],
      likelihood: "gaussian",
      noise: "mask",
      weightDecay: 0.1,
      adamEpsilon: 0.001,
      outputBias: "mean",
    } as const;
    await (await make(`wide/${"name-".repeat(30)}20260101`, "2026-01-01T00:00:00.000Z", 20, many)).close();
    await (await make("wide/short", "2026-01-02T00:00:00.000Z", 19)).close();
    const lines = (await vae(["runs", "--dir", "wide"], home)).stdout.trimEnd().split("\n");
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines[4]).toMatch(/^wide\/.*….*-20260101 20\/20 +119\.00 +−90\.00 29\.00 118\.50$/);
    expect(lines.slice(5).join(" ")).toContain("likelihood=gaussian");
    for (const line of lines.slice(5)) expect(line).toMatch(/^ {4}\S/);
  });

  it.each([
    ["{", "is not valid JSON."],
    ["null", "does not hold the test of a model."],
    ['{"epoch":1,"test":{"elbo":1}}', "does not hold the test of a model."],
  ])("lists a test.json of %s as unreadable", async (text, problem) => {
    await (await make(`odd${text.length}/x`, "2026-01-01T00:00:00.000Z", 20)).close();
    writeFileSync(at(`odd${text.length}/x/test.json`), text);
    const { code, stderr } = await vae(["runs", "--dir", `odd${text.length}`], home);
    expect(code).toBe(0);
    expect(stderr).toContain(`Cannot be read: odd${text.length}/x/test.json ${problem}\n`);
  });

  it("prints a note if there are no runs", async () => {
    mkdirSync(at("empty"));
    expect(await vae(["runs"], at("empty"))).toEqual({
      code: 0,
      stdout: "",
      stderr: "There is no readable run in runs: train one with vae train.\n",
    });
    expect(JSON.parse((await vae(["runs", "--json"], at("empty"))).stdout)).toEqual({ runs: [], unreadable: [] });
  });
});
