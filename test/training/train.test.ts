// Training through the library: settings, and simultaneous trainings in one process.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import { resume, train } from "../../src/index.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { ENGINES } from "../helpers.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-train-"));
  await writeTinyMnist(at("tiny"), 240, 60);
});
afterAll(() => rmSync(home, { recursive: true }));

/** Trains a small model to the end. */
async function trained(run: string, engine: (typeof ENGINES)[number] = "compiled", seed = 0) {
  const settings = { dataset: at("tiny"), dimZ: 3, nHidden: [8], batchSize: 50, epochs: 2, engine, seed, threads: 1 };
  const epochs: number[] = [];
  for await (const event of train(settings, { run: at(run) })) if (event.type === "epoch") epochs.push(event.epoch);
  return epochs;
}

const weights = (run: string) => readFileSync(at(run, "model.safetensors"));

describe("settings without effect", () => {
  const tiny = () => ({ dataset: at("tiny"), nHidden: [8], batchSize: 50, epochs: 1, threads: 1 });

  it("are refused where they are given", async () => {
    const training = train({ ...tiny(), importanceSamples: 3 }, { run: at("refused") });
    await expect(training.next()).rejects.toThrow("`importanceSamples` needs `objective: iwae`.");
  });

  it("are accepted from a preset, which the given settings override", async () => {
    const preset = { importanceSamples: 3, epochs: 9, noise: "mask" };
    const training = train(tiny(), { run: at("preset"), preset });
    const start = (await training.next()).value;
    await training.return();
    const config = { importanceSamples: 3, epochs: 1, noise: { kind: "mask", strength: 0.5 } };
    expect(start).toMatchObject({ type: "start", config });
  });
});

it.each([
  ["given", { syncEvery: 2 }, {}],
  ["from a preset", {}, { syncEvery: 2 }],
])("`syncEvery` %s needs several processes", async (_, given, preset) => {
  const training = train({ dataset: at("tiny"), ...given }, { run: at("local"), preset });
  await expect(training.next()).rejects.toThrow("`syncEvery` needs several processes");
});

describe("two simultaneous trainings in a process", () => {
  it.each(ENGINES)("do not mix: engine %s", async (engine) => {
    await trained(`alone-${engine}`, engine, 1);
    const runs = [1, 2].map((seed) => trained(`both-${engine}-${seed}`, engine, seed));
    expect(await Promise.all(runs)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(weights(`both-${engine}-1`).equals(weights(`alone-${engine}`))).toBe(true);
    expect(weights(`both-${engine}-2`).equals(weights(`alone-${engine}`))).toBe(false);
  });

  it("of one name: one is trained, the other is refused and leaves nothing behind", async () => {
    const outcomes = await Promise.allSettled([trained("runs/same"), trained("runs/same")]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const { reason } = outcomes.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(UserError);
    expect(reason.message).toContain("exists already");
    expect(readdirSync(at("runs"))).toEqual(["same"]);
    expect(readdirSync(at("runs/same"))).not.toContain("lock");
  });

  it("that resume one run: the second is refused", async () => {
    const training = train(
      { dataset: at("tiny"), nHidden: [8], batchSize: 50, epochs: 2, threads: 1 },
      { run: at("busy") },
    );
    await training.next();
    await expect(resume(at("busy")).next()).rejects.toThrow(/is in use by process \d+/);
    await training.return();
    const second = resume(at("busy"));
    expect((await second.next()).value).toMatchObject({ type: "start" });
    await second.return();
  });
});
