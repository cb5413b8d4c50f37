import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createConfig, type GivenSettings } from "../../src/config/config.js";
import { RunFolder } from "../../src/run/folder.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const held: RunFolder[] = [];

/** A run with so many epochs done, of which the one before the last is the best; in use until it is closed. */
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
  it("lists runs, the newest first, and says which cannot be read", async () => {
    const { code, stdout, stderr } = await vae(["runs"], home);
    expect(code).toBe(0);
    expect(stdout).toBe(`run             epochs            validation    settings
runs/a-newest   1/20    in use    −ELBO 100.00
runs/e-new      0/20    stopped                 beta=4
runs/d-patient  4/9     finished  −ELBO 102.00  patience=1
runs/c-middle   5/20    stopped   −L5 103.00    dataset=mine objective=iwae dimZ=20 nHidden=300,100 binarize=dynamic
runs/b-old      20/20   finished  −ELBO 118.00
`);
    const notes = stderr.trimEnd().split("\n");
    expect(notes).toHaveLength(PROBLEMS.length);
    for (const [i, [, problem]] of PROBLEMS.entries()) {
      expect(notes[i]).toMatch(/^Cannot be read: /);
      expect(notes[i]).toContain(problem);
    }
  });

  it("gives one JSON value", async () => {
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
    expect(runs[1].best).toBeUndefined();
    expect(unreadable.map(({ run }: { run: string }) => path.basename(run))).toEqual(PROBLEMS.map(([name]) => name));
  });

  it("says so where there are none", async () => {
    mkdirSync(at("empty"));
    expect(await vae(["runs"], at("empty"))).toEqual({
      code: 0,
      stdout: "",
      stderr: "There is no readable run in runs. Train one: vae train\n",
    });
    expect(JSON.parse((await vae(["runs", "--json"], at("empty"))).stdout)).toEqual({ runs: [], unreadable: [] });
  });
});
