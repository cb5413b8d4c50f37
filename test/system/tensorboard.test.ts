// TensorBoard's own readers find everything that a training, and an export of its run, wrote.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyTiny, pythonWith } from "../helpers.js";
import { vae } from "../vae.js";

type Scalar = [step: number, value: number, wallTime: number];
type Sides = [width: number, height: number];
interface Found {
  readonly scalars: Record<string, Scalar[]>;
  readonly images: Record<string, [step: number, declared: Sides, decoded: Sides, mode: string][]>;
  readonly histograms: Record<string, { step: number; num: number; limits: number[]; counts: number[] }[]>;
  readonly start: { readonly hparams: object; readonly startTimeSecs: number };
  readonly end: { readonly status: string; readonly endTimeSecs: number };
  readonly whole: [records: number, error: string];
  readonly flipped: [records: number, error: string];
  readonly projector: {
    readonly config: { readonly embeddings: readonly object[] };
    readonly shape: number[];
    readonly first: number[];
    readonly labels: string[];
    readonly sprite: number[];
  };
}

const python = pythonWith("tensorboard");

describe.skipIf(!python).each([
  ["a training", "trained/tensorboard", [1, 2, 3]],
  ["an export", "logs", undefined],
])("TensorBoard's readers find in the files of %s", (_, folder, histogramSteps) => {
  let home: string;
  let found: Found;
  const at = (...place: string[]) => path.join(home, ...place);
  const json = (...place: string[]) => JSON.parse(readFileSync(at(...place), "utf8"));
  const reports = () =>
    readFileSync(at("trained/metrics.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));

  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), "vae-tensorboard-"));
    copyTiny(home);
    const isTraining = folder.startsWith("trained");
    const train = "train --dataset tiny --run trained --epochs 3 --n-hidden 16 --batch-size 50 --conditional --quiet";
    const commands = [
      isTraining ? `${train} --tensorboard` : train,
      "encode --run trained --out z.csv",
      ...(isTraining ? [] : [`export --run trained --format tensorboard --out ${folder}`]),
    ];
    for (const command of commands) expect(await vae(command.split(" "), home)).toMatchObject({ code: 0, stderr: "" });
    const reading = ["test/reference/read_events.py", at(folder)];
    const stdout = execFileSync(python as string, reading, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    found = JSON.parse(stdout);
  });
  afterAll(() => rmSync(home, { recursive: true }));

  it("the numbers of metrics.jsonl and test.json, at their epochs", () => {
    const values = (tag: string) => found.scalars[tag].map(([step, value]) => [step, value]);
    for (const split of ["train", "validation"]) {
      const expected = (of: (bounds: Record<string, number>) => number) =>
        reports().map((report) => [report.epoch, Math.fround(of(report[split]))]);
      expect(values(`loss/-ELBO/${split}`)).toEqual(expected(({ elbo }) => -elbo));
      expect(values(`loss/reconstruction/${split}`)).toEqual(expected(({ reconstruction }) => reconstruction));
      expect(values(`loss/KL/${split}`)).toEqual(expected(({ kl }) => kl));
    }
    const { epoch, test } = json("trained/test.json");
    expect(values("loss/-ELBO/test")).toEqual([[epoch, Math.fround(-test.elbo)]]);
    expect(Object.keys(found.scalars).length).toBe(10);
  });

  it("pictures that decode to their declared sizes", () => {
    expect(Object.keys(found.images).sort()).toEqual(
      ["inputs", "manifold", "reconstructions", "samples"].map((kind) => `pictures/${kind}`),
    );
    for (const [tag, pictures] of Object.entries(found.images)) {
      expect(pictures.map(([step]) => step)).toEqual(tag.endsWith("inputs") ? [1] : [1, 2, 3]);
      for (const [, declared, decoded, mode] of pictures) expect([decoded, mode]).toEqual([declared, "L"]);
    }
  });

  it("histograms, which count the posterior means of test images", () => {
    const { epoch } = json("trained/test.json");
    const lines = readFileSync(at("z.csv"), "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(","));
    for (const j of [0, 1]) {
      const all = found.histograms[`latents/z${j + 1}`];
      expect(all.map(({ step }) => step)).toEqual(histogramSteps ?? [epoch]);
      const column = lines[0].indexOf(`z${j}`);
      const values = lines.slice(1).map((line) => Math.fround(Number(line[column])));
      const { num, limits, counts } = all.find(({ step }) => step === epoch) ?? { num: 0, limits: [], counts: [] };
      const below = limits.map((limit, i) => values.filter((value) => value < limit || i === limits.length - 1).length);
      expect([num, counts]).toEqual([120, below.map((count, i) => count - (below[i - 1] ?? 0))]);
    }
  });

  it("the settings, the start and the end, in the protos of the plugin HParams", () => {
    const { settings, created } = json("trained/config.json");
    const { dimZ, epochs, batchSize, learningRate, seed, beta, model, network, objective, nHidden } = settings;
    const essential = { dimZ, epochs, batchSize, learningRate, seed, beta, model, network, objective };
    const others = { dataset: "tiny", nHidden: nHidden.join(), conditional: true };
    expect(found.start.hparams).toEqual({ ...essential, ...others });
    expect(found.start.startTimeSecs).toBe(Date.parse(created) / 1000);
    expect(found.end.status).toBe("STATUS_SUCCESS");
    expect(found.end.endTimeSecs).toBeGreaterThanOrEqual(Math.max(...reports().map(({ seconds }) => seconds)));
  });

  it("a projector, whose files agree", () => {
    const { config, shape, first, labels, sprite } = found.projector;
    expect(config.embeddings).toMatchObject([
      { tensor_name: "posterior means", tensor_shape: [120, 2], sprite: { single_image_dim: [7, 7] } },
    ]);
    expect([shape, labels.length, sprite]).toEqual([[120, 2], 121, [77, 77]]);
    const [head, row] = readFileSync(at("z.csv"), "utf8")
      .split("\n")
      .map((line) => line.split(","));
    expect(first).toEqual(["z0", "z1"].map((name) => Math.fround(Number(row[head.indexOf(name)]))));
    expect(labels.slice(0, 2)).toEqual(["class\timage", `${row[head.indexOf("label")]}\t0`]);
  });

  it("whole records, and the error of a flipped bit", () => {
    expect(found.whole).toEqual([7, "OutOfRangeError"]); // version, settings, three epochs, test, end
    expect(found.flipped[1]).toBe("DataLossError");
    expect(found.flipped[0]).toBeLessThan(7);
  });
});
