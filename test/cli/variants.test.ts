// Trainings with other settings than the tutorial's, on a small data set, and vae evaluate on them.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { ENGINES } from "../helpers.js";
import { vae } from "../vae.js";

let home: string;
const run = (...args: string[]) => vae(args, home);
const TINY = "--dataset tiny --n-hidden 24,16 --batch-size 50 --learning-rate 0.003 --threads 1".split(" ");

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-variants-"));
  await writeTinyMnist(path.join(home, "tiny"), 600, 80);
});
afterAll(() => rmSync(home, { recursive: true }));

async function trained(folder: string, ...flags: string[]) {
  const dim = flags.includes("--preset") ? [] : ["--dim-z", "3"];
  const { code, stdout, stderr } = await run("train", ...TINY, ...dim, "--json", "--quiet", "--run", folder, ...flags);
  expect([code, stderr]).toEqual([0, ""]);
  const { settings } = JSON.parse(readFileSync(path.join(home, folder, "config.json"), "utf8"));
  return { result: JSON.parse(stdout), settings };
}

async function evaluated(folder: string, ...flags: string[]) {
  const { code, stdout, stderr } = await run("evaluate", "--json", "--run", folder, ...flags);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

describe.each(ENGINES)("on engine %s", (engine) => {
  const on = (folder: string) => [`${folder}-${engine}`, "--engine", engine, "--epochs", "2"] as const;

  it("the importance-weighted bound of binarized images is trained, and exceeds the ELBO", async () => {
    const flags = ["--objective", "iwae", "--importance-samples", "4", "--binarize", "dynamic", "--dim-z", "3"];
    const { result, settings } = await trained(...on("iwae"), ...flags);
    expect(settings).toMatchObject({ objective: "iwae", importanceSamples: 4, binarize: "dynamic", engine });
    expect(result.test.objective).toBeGreaterThan(result.test.elbo);
    expect(result.test.elbo).toBeCloseTo(result.test.reconstruction - result.test.kl, 10);
    // vae reconstruct draws z once per image, so it prints the ELBO and not the bound of four draws.
    const { stdout } = await run("reconstruct", "--run", `iwae-${engine}`, "--n", "10");
    expect(stdout).toMatch(/^−ELBO \d+\.\d\d nats per image of dynamically binarized pixels/);
  });

  it("a plain autoencoder has no KL term", async () => {
    const { result } = await trained(...on("ae"), "--model", "ae");
    expect(result.test.kl).toBe(0);
    expect(result.test.objective).toBe(result.test.reconstruction);
    const curves = readFileSync(path.join(home, `ae-${engine}/pictures/curves.svg`), "utf8");
    expect(curves).toContain(">log p(x|z)<");
    expect(curves).not.toContain("KL");
  });

  it("samples of a plain autoencoder come with a warning, and draws from its posterior are refused", async () => {
    const [folder] = on("ae");
    expect((await run("sample", "--run", folder)).stderr).toContain("is not trained to decode draws from the prior");
    const { code, stderr } = await run("latent", "--draws", "--run", folder);
    expect([code, stderr]).toEqual([2, expect.stringContaining("has no posterior to draw from")]);
  });

  it("several draws, a weighted KL term, other settings and every kind of noise combine", async () => {
    const { result, settings } = await trained(
      ...on("many"),
      ...["--mc-samples", "2", "--beta", "0.5", "--keep-prob", "0.8", "--noise", "haze:0.5"],
      ...[
        "--set",
        "likelihood=gaussian",
        "--set",
        "sigma=exp",
        "--set",
        "initialWeights=glorot",
        "--set",
        "outputBias=mean",
      ],
      ...["--set", "encoderActivations=relu", "--set", "decoderActivations=silu,softplus", "--set", "klWarmUp=1"],
      ...["--set", "learningRateSchedule=cosine", "--set", "adamEpsilon=1e-4"],
    );
    expect(settings).toMatchObject({
      noise: "haze:0.5",
      sigma: "exp",
      klWarmUp: 1,
      decoderActivations: ["silu", "softplus"],
    });
    expect(result.test.objective).toBeCloseTo(result.test.reconstruction - 0.5 * result.test.kl, 4);
  });
});

describe("presets", () => {
  it("are overridden by flags and --set, which can turn a setting off", async () => {
    const preset = { noise: "mask", size: "9x9", channels: "3", inputDir: "nowhere" };
    writeFileSync(path.join(home, "off.json"), JSON.stringify(preset));
    const off = ["--noise", "none", "--size", "own", "--channels", "own", "--set", "inputDir=none"];
    const { settings } = await trained("off", "--preset", "off.json", "--epochs", "1", ...off);
    expect(settings).toMatchObject({ noise: "none", size: "own", channels: "1", inputDir: "none" });
    const without = await run("reconstruct", "--run", "off");
    expect(await run("reconstruct", "--run", "off", "--noise", "none")).toEqual(without);
  });

  it("provide settings that --set and flags override", async () => {
    const flags = ["--epochs", "1", "--importance-samples", "2", "--set", "adamBeta1=0.8"];
    const { settings } = await trained("preset", "--preset", "iwae", ...flags);
    expect(settings).toMatchObject({
      epochs: 1,
      importanceSamples: 2,
      adamBeta1: 0.8,
      nHidden: [24, 16],
      batchSize: 50,
    });
    expect(settings).toMatchObject({
      dimZ: 50,
      sigma: "exp",
      adamEpsilon: 1e-4,
      outputBias: "mean",
      binarize: "dynamic",
    });
  });

  it("may be a file, such as config.json of a run, which reproduces that run", async () => {
    const first = await trained("first", "--epochs", "1", "--dim-z", "3", "--noise", "mask", "--seed", "5");
    const again = await run("train", "--preset", "first/config.json", "--json", "--quiet", "--run", "again");
    expect(JSON.parse(again.stdout).test).toEqual(first.result.test);
  });

  it("of a run omit engine and threads, and may give settings without effect", async () => {
    const machine = { settings: { engine: "wasm", threads: 256, objective: "iwae", importanceSamples: 3, epochs: 1 } };
    writeFileSync(path.join(home, "other.json"), JSON.stringify(machine));
    const { settings } = await trained("elsewhere", "--preset", "other.json", "--objective", "elbo");
    expect(settings).toMatchObject({ engine: "compiled", objective: "elbo", importanceSamples: 3 });
    expect(settings.threads).toBeLessThan(256);
  });

  it.each([
    ["{", "mine.json is not a JSON file of settings."],
    ["[1]", "mine.json: Settings must be an object of names and values."],
    ["null", "mine.json: Settings must be an object of names and values."],
    ['{"dimZ": 0}', "mine.json: The setting dimZ is 0. It must be one or two whole numbers from 1 to 4096."],
  ])("are refused if the file contains %s", async (text, problem) => {
    writeFileSync(path.join(home, "mine.json"), text);
    expect(await run("train", "--preset", "mine.json")).toEqual({ code: 2, stdout: "", stderr: `error: ${problem}\n` });
  });

  it("are refused if the file is too large or endless", async () => {
    writeFileSync(path.join(home, "large.json"), " ".repeat(1e6 + 1));
    for (const file of ["large.json", "/dev/zero"].filter((place) => existsSync(path.resolve(home, place)))) {
      const stderr = `error: ${file} is not a JSON file of settings: it has more than 1 MB.\n`;
      expect(await run("train", "--preset", file)).toEqual({ code: 2, stdout: "", stderr });
    }
  });
});

describe("a KL warm-up", () => {
  it("changes the weights, while the ELBO is reported with the full KL term", async () => {
    const flags = ["--epochs", "1", "--dim-z", "3"];
    await trained("cold", ...flags);
    await trained("warm", ...flags, "--set", "klWarmUp=1000");
    const metrics = (folder: string) => JSON.parse(readFileSync(path.join(home, folder, "metrics.jsonl"), "utf8"));
    expect(metrics("warm").train.kl).toBeGreaterThan(metrics("cold").train.kl);
    const { objective, elbo, reconstruction, kl } = metrics("warm").train;
    expect(objective).toBeCloseTo(reconstruction - kl, 4);
    expect(elbo).toBeCloseTo(objective, 4);
  });
});

describe("--patience", () => {
  it("stops a training without improvement, and draws its last pictures", async () => {
    // At this rate the weights do not change, so the first epoch stays the best.
    const flags = ["--epochs", "50", "--patience", "3", "--learning-rate", "1e-30"];
    const { result } = await trained("patient", ...flags);
    expect([result.epochs, result.bestEpoch]).toEqual([4, 1]);
    const lines = readFileSync(path.join(home, "patient/metrics.jsonl"), "utf8").trim().split("\n");
    expect(lines).toHaveLength(4);
    expect(readdirSync(path.join(home, "patient/pictures/samples"))).toContain("004.png");
    const told = await run("train", ...TINY, ...flags, "--run", "told");
    expect(told.stdout).toContain(
      "with the weights of epoch 1, the best on the validation images, none better in 3 epochs;",
    );
  });
});

describe("vae evaluate", () => {
  beforeAll(async () => {
    await trained("black-and-white", "--binarize", "dynamic", "--epochs", "3", "--dim-z", "3");
  });

  it("prints ELBO and likelihood of binarized images, and names the unit once", async () => {
    const result = await evaluated("black-and-white", "--importance-samples", "50");
    expect(result).toMatchObject({ split: "test", images: 80, binarize: "dynamic" });
    const { nll, standardError, importanceSamples } = result.likelihood;
    const { activeUnits } = result;
    expect([importanceSamples, result.dimZ, result.of]).toEqual([50, 3, 80]);
    expect(nll).toBeLessThan(-result.elbo);
    expect(standardError).toBeGreaterThan(0);
    expect(activeUnits).toBeLessThanOrEqual(3);

    const { stdout, stderr } = await run("evaluate", "--run", "black-and-white", "--importance-samples", "50");
    expect(stderr).toBe("");
    const lines = stdout.trim().split("\n");
    expect(lines).toHaveLength(11);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    for (const line of lines.slice(2)) expect(line.slice(0, 27)).toMatch(/^\S.{14} +[−\d.%]+ {1,2}[\d ]?$/);
    expect(lines[0]).toMatch(/^black-and-white: 80 test images; \d+ s$/);
    expect(lines[1]).toBe("nats per image of dynamically binarized pixels");
    expect(stdout.match(/binarized/g)).toHaveLength(1);
    expect(lines[5]).toContain(nll.toFixed(2));
    expect(lines[5]).toContain(`50 importance samples; ± ${standardError.toFixed(2)} over the images`);
    expect(lines[6]).toMatch(new RegExp(`^active units +${activeUnits} +of 3 latent dimensions`));
    const nats = result.klPerDimension.toSorted((a: number, b: number) => b - a).map((kl: number) => kl.toFixed(2));
    expect(lines[7].replace(/ +/g, " ")).toBe(`KL by dimension ${nats.join(" ")} largest first`);
    const { mutualInformation, probes } = result;
    expect(lines[8]).toMatch(/^I\(x; z\) .* at most log 80 = 4\.38, for 80 images$/);
    expect(lines[8]).toContain(mutualInformation.nats.toFixed(2));
    const percent = ({ accuracy }: { accuracy: number }) => `${(100 * accuracy).toFixed(2)}%`;
    expect(lines[9]).toMatch(/^k-NN, k = 10 .* of 80 labels predicted from z; 550 training images$/);
    expect(lines[9]).toContain(percent(probes.knn));
    expect(lines[10]).toMatch(/^linear probe .* of 80 labels .*; 550 training images$/);
    expect(lines[10]).toContain(percent(probes.linear));
  });

  it("measures the given split and number of images", async () => {
    const flags = ["--importance-samples", "5"];
    const of = async (split: string) => evaluated("black-and-white", "--split", split, ...flags);
    const [test, validation, train] = [await of("test"), await of("validation"), await of("train")];
    expect([test.images, validation.images, train.images]).toEqual([80, 50, 550]);
    expect(new Set([test.elbo, validation.elbo, train.elbo]).size).toBe(3);
    const metrics = readFileSync(path.join(home, "black-and-white/metrics.jsonl"), "utf8").trim().split("\n");
    const best = metrics.map((line) => JSON.parse(line)).findLast(({ isBest }) => isBest);
    expect(validation.elbo).toBeCloseTo(best.validation.elbo, 5);
    expect(await evaluated("black-and-white", "--n", "7", ...flags)).toMatchObject({ images: 7, of: 80 });
    const { stdout } = await run("evaluate", "--run", "black-and-white", "--n", "1", ...flags);
    expect(stdout).toContain("black-and-white: the first 1 of 80 test images; ");
    expect(stdout).toMatch(/−log p\(x\) +\d+\.\d\d {2}5 importance samples\n/);
    const { code, stderr } = await run("evaluate", "--run", "black-and-white", "--n", "81");
    expect([code, stderr]).toEqual([2, "error: There are only 80 images, fewer than the 81 requested.\n"]);
  });

  it("shows the largest and the smallest of many KL terms", async () => {
    await trained("many", "--epochs", "1", "--dim-z", "12");
    const { stdout } = await run("evaluate", "--run", "many");
    expect(stdout).toMatch(/\nKL by dimension( +\d\.\d\d){6} … \d\.\d\d {2}largest first\n/);
    expect((await evaluated("many")).klPerDimension).toHaveLength(12);
  });

  it("prints a likelihood of bytes in nats and in bits per dimension", async () => {
    await trained("bytes", "--epochs", "1", "--set", "likelihood=logistic");
    const flags = ["--importance-samples", "5"];
    const { elbo, likelihood, bitsPerDim } = await evaluated("bytes", ...flags);
    expect(bitsPerDim.elbo).toBeCloseTo(-elbo / 49 / Math.log(2), 10);
    expect(bitsPerDim.nll).toBeCloseTo(likelihood.nll / 49 / Math.log(2), 10);
    const { stdout, stderr } = await run("evaluate", "--run", "bytes", ...flags);
    expect(stderr).toBe("");
    expect(stdout).toContain(`−log p(x): ${bitsPerDim.nll.toFixed(3)}\n`);
    expect(stdout).toMatch(new RegExp(`\nbits per dim +${bitsPerDim.elbo.toFixed(3)} `));
  });

  it("omits the measures of labels if the data have none", async () => {
    cpSync(path.join(home, "tiny"), path.join(home, "unlabelled"), { recursive: true });
    for (const part of ["train", "t10k"]) rmSync(path.join(home, "unlabelled", `${part}-labels-idx1-ubyte`));
    const flags = ["--importance-samples", "5", "--dataset", "unlabelled"];
    expect(await evaluated("black-and-white", ...flags)).not.toHaveProperty("probes");
    const { stdout } = await run("evaluate", "--run", "black-and-white", ...flags);
    expect(stdout).toContain("I(x; z)");
    expect(stdout).not.toContain("k-NN");
  });

  it("explains why grey pixels, a plain autoencoder and a density have no likelihood", async () => {
    await trained("grey", "--epochs", "1");
    await trained("auto", "--epochs", "1", "--model", "ae", "--binarize", "threshold");
    await trained("normal", "--epochs", "1", "--binarize", "threshold", "--set", "likelihood=gaussian");
    for (const [folder, reason] of [
      ["grey", "A Bernoulli decoder defines no likelihood of grey pixels"],
      ["auto", "A plain autoencoder defines no distribution"],
      ["normal", "only a density, which depends on pixelSigma"],
    ]) {
      const { code, stdout, stderr } = await run("evaluate", "--run", folder);
      expect(code).toBe(0);
      expect(stdout).not.toContain("log p(x) ");
      expect(stdout).toMatch(/active units +\d/);
      expect(stdout).not.toContain("bits per dim");
      expect(stderr).toContain(reason);
      const result = await evaluated(folder as string);
      expect(result).not.toHaveProperty("likelihood");
      expect(result.noLikelihood).toContain(reason);
    }
  });
});
