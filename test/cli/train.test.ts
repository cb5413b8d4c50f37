// A whole training run, from images to pictures, on a small data set.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyMnist } from "../fixtures/idx.js";
import { type Outcome, vae } from "../vae.js";

let home: string;
const run = (...args: string[]) => vae(args, home);
const TINY = ["--dataset", "tiny digits", "--n-hidden", "32,32", "--batch-size", "50"];

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-cli-"));
  await writeTinyMnist(path.join(home, "tiny digits"), 1200, 120);
});
afterAll(() => rmSync(home, { recursive: true }));

const read = (...place: string[]) => readFileSync(path.join(home, ...place));
const hash = (...place: string[]) =>
  createHash("sha256")
    .update(read(...place))
    .digest("hex");

/** The number of distinct grey values of a picture, and its size. */
function look(...place: string[]) {
  const { width, height, data } = PNG.sync.read(read(...place));
  const greys = new Set<number>();
  for (let i = 0; i < data.length; i += 4) greys.add(data[i]);
  return { width, height, greys: greys.size };
}

describe("vae train", () => {
  let outcome: Outcome;
  beforeAll(async () => {
    outcome = await run("train", ...TINY, "--epochs", "6", "--seed", "3", "--run", "runs/first");
  });

  it("prints the result to stdout and its progress to stderr", () => {
    expect(outcome.code).toBe(0);
    expect(outcome.stdout).toMatch(
      /^Test −ELBO \d+\.\d\d nats per image of grey pixels \(reconstruction −\d+\.\d\d, KL \d+\.\d\d\)\nwith the weights of epoch \d, the best on the validation images; \d+ s in all\n/,
    );
    expect(outcome.stdout.trim().split("\n")).toHaveLength(3);
    expect(outcome.stderr).toContain("vae reconstruct --run runs/first ");
    const lines = outcome.stderr.trim().split("\n");
    expect(lines[0]).toContain("1,100 images of 7×7 to train, 100 to validate, 120 to test; grey pixels");
    expect(lines[1]).toContain("runs/first: ");
    expect(lines[2]).toMatch(/^A training of 132 steps is too short /);
    expect(lines[3]).toBe("epoch    −ELBO  reconstruction      KL  validation −ELBO  images/s");
    expect(lines.slice(4, 10).map((line) => line.slice(0, 5))).toEqual(
      ["1/6", "2/6", "3/6", "4/6", "5/6", "6/6"].map((n) => `  ${n}`),
    );
    expect(lines[4]).toMatch(/^ {2}1\/6( +−?\d+\.\d\d){4} best +\d+$/);
    expect(outcome.stderr).not.toContain("\u001b");
  });

  it("writes all files of the run folder", () => {
    const names = readdirSync(path.join(home, "runs/first")).sort();
    expect(names).toEqual(["checkpoint", "config.json", "metrics.jsonl", "model.safetensors", "pictures", "test.json"]);
    const config = JSON.parse(read("runs/first/config.json").toString());
    expect(config.settings).toMatchObject({ epochs: 6, seed: 3, engine: "compiled", nHidden: [32, 32], noise: "none" });
    expect(config.settings.dataset).toBe(path.join(home, "tiny digits"));
    const counts = { train: 1100, validation: 100, test: 120 };
    const sha256 = expect.stringMatching(/^[\da-f]{64}$/);
    expect(config.data).toEqual({ name: "tiny-digits", height: 7, width: 7, channels: 1, ...counts, sha256 });
  });

  it("learns, and marks the epoch whose weights are best on the validation images", () => {
    const metrics = read("runs/first/metrics.jsonl")
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(metrics.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(metrics[5].validation.elbo).toBeGreaterThan(metrics[0].validation.elbo + 0.5);
    let best = -Infinity;
    for (const { validation, isBest } of metrics) {
      expect(validation.elbo).toBeCloseTo(validation.reconstruction - validation.kl, 10);
      expect(isBest).toBe(validation.elbo > best);
      best = Math.max(best, validation.elbo);
    }
  });

  it("draws pictures after every epoch, none of them blank", () => {
    const folder = path.join(home, "runs/first/pictures");
    const pictures = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
    const each = (kind: string) => [kind, ...[1, 2, 3, 4, 5, 6].map((epoch) => path.join(kind, `00${epoch}.png`))];
    expect(pictures).toEqual([
      "curves.svg",
      "inputs.png",
      "latent.svg",
      ...each("manifold"),
      "progress.png",
      ...each("reconstructions"),
      ...each("samples"),
    ]);
    for (const picture of pictures.filter((name) => name.endsWith(".png"))) {
      expect(look("runs/first/pictures", picture).greys, picture).toBeGreaterThan(20);
    }
    expect(hash("runs/first/pictures/samples/001.png")).not.toBe(hash("runs/first/pictures/samples/006.png"));
  });

  it("writes the same bytes for the same seed, and different ones for another", async () => {
    await run("train", ...TINY, "--epochs", "2", "--seed", "3", "--run", "again-1");
    await run("train", ...TINY, "--epochs", "2", "--seed", "3", "--run", "again-2");
    await run("train", ...TINY, "--epochs", "2", "--seed", "4", "--run", "other");
    for (const file of ["model.safetensors", "pictures/samples/002.png"]) {
      expect(hash("again-2", file)).toBe(hash("again-1", file));
      expect(hash("other", file)).not.toBe(hash("again-1", file));
    }
  });

  it("refuses an existing folder and leaves it unchanged", async () => {
    const before = hash("runs/first/model.safetensors");
    const { code, stderr } = await run("train", ...TINY, "--run", "runs/first");
    expect([code, stderr]).toEqual([
      2,
      "error: runs/first exists already. Give a new folder for a new run, or resume this one.\n",
    ]);
    expect(hash("runs/first/model.safetensors")).toBe(before);
  });

  it("--json prints one JSON value, and --quiet only the result", async () => {
    const { code, stdout, stderr } = await run("train", ...TINY, "--epochs", "1", "--json", "--quiet", "--run", "json");
    expect([code, stderr]).toEqual([0, ""]);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ run: "json", bestEpoch: 1 });
    expect(result.test.elbo).toBeCloseTo(result.test.reconstruction - result.test.kl, 10);
  });

  it.each([["--quiet"], ["--quiet --json"], ["--json"]])("%s still reports divergence", async (flags) => {
    const settings = ["--epochs", "2", "--learning-rate", "30", "--run", `worse ${flags}`];
    const { code, stdout, stderr } = await run("train", ...TINY, ...settings, ...flags.split(" "));
    expect(code).toBe(0);
    expect(stdout).not.toContain("grey picture");
    const note = "The model is far worse than a grey picture: try a smaller --learning-rate than 30.\n";
    if (flags.includes("--quiet"))
      expect(stderr).toBe(note); // once, after two epochs
    else expect(stderr.split(note)).toHaveLength(2);
  });

  it("--quiet still reports skipped images and ignored labels", async () => {
    mkdirSync(path.join(home, "partly/loose"), { recursive: true });
    for (let i = 0; i < 20; i++) {
      const png = new PNG({ width: 4, height: 4 });
      png.data.fill(10 * i);
      writeFileSync(path.join(home, `partly/${i % 2 ? "loose/" : ""}${i}.png`), PNG.sync.write(png));
    }
    writeFileSync(path.join(home, "partly/bad.png"), "");
    const settings = ["--skip-bad", "--n-hidden", "4", "--batch-size", "5", "--epochs", "1", "--quiet"];
    const { code, stderr } = await run("train", "--dataset", "partly", ...settings, "--run", "partly run");
    expect(code).toBe(0);
    expect(stderr).toContain("1 image file skipped; vae data lists them.\n");
    expect(stderr).toContain("partly has no classes");
  });

  it("stops at an infinite loss, saves no broken weights, and suggests a remedy", async () => {
    const { code, stderr } = await run("train", ...TINY, "--learning-rate", "1e30", "--quiet", "--run", "diverged");
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: The loss, the weights or their gradients became infinite or NaN in step \d+ of epoch 1, .* smaller --learning-rate than/,
    );
    expect(readdirSync(path.join(home, "diverged"))).not.toContain("model.safetensors");
  });

  it("--noise trains a denoiser that beats a model without noise on noisy images", async () => {
    await run("train", ...TINY, "--epochs", "6", "--seed", "3", "--noise", "--run", "denoiser");
    expect(readdirSync(path.join(home, "denoiser/pictures"))).toContain("inputs-noisy.png");
    const denoised = await run("reconstruct", "--noise", "--run", "denoiser", "--n", "120");
    const plain = await run("reconstruct", "--noise", "--run", "runs/first", "--n", "120");
    const squaredErrors = ({ stdout }: Outcome) => {
      const [, noisy, output] =
        /Squared error per pixel: ([\d.]+) with the noise, ([\d.]+) in the output/.exec(stdout) ?? [];
      return { noisy: Number(noisy), output: Number(output) };
    };
    expect(squaredErrors(denoised).output).toBeLessThan(squaredErrors(plain).output);
    expect(squaredErrors(denoised).output).toBeLessThan(squaredErrors(denoised).noisy / 2);
    expect(denoised.stderr).toBe("");
    expect((await run("reconstruct", "--run", "denoiser")).stderr).toContain("--noise");
    expect(plain.stderr).toContain("vae train --noise");
    expect(plain.stdout).toContain("seen through salt-pepper");
  });

  it("vae reconstruct --noise defaults to the noise of the run", async () => {
    await run("train", ...TINY, "--epochs", "1", "--noise", "mask:0.3", "--run", "masked");
    const { stdout, stderr } = await run("reconstruct", "--noise", "--run", "masked", "--n", "10");
    expect([stdout.split("\n")[0], stderr]).toEqual([expect.stringMatching(/, seen through mask:0\.3$/), ""]);
    const other = await run("reconstruct", "--noise", "haze", "--run", "masked", "--n", "10");
    expect(other.stderr).toBe("This model removes noise. To see it, give --noise.\n");
  });

  describe("then vae reconstruct", () => {
    it("draws originals above reconstructions, and prints the path and the ELBO", async () => {
      const { code, stdout, stderr } = await run("reconstruct", "--run", "runs/first", "--n", "10");
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(
        /^−ELBO \d+\.\d\d nats per image of grey pixels \(.*\), mean over the first 10 test images\n/,
      );
      const picture = stdout.trim().split("\n")[1];
      expect(picture).toBe(path.join("runs/first/pictures/reconstructions-n10-seed3.png"));
      // Two rows of ten tiles, magnified from 7 to 91 pixels, and labels of six letters.
      expect(look(picture)).toMatchObject({ width: 86 + 2 + 10 * 93, height: 2 + 2 * 93 });
    });

    it("uses the newest run by default, and accepts another seed", async () => {
      const { code, stdout } = await run("reconstruct", "--n", "120", "--seed", "9", "--noise", "--out", "here.png");
      expect(code).toBe(0);
      expect(stdout).toMatch(
        /mean over the first 120 test images, seen through salt-pepper:0\.5\nSquared error .*\nhere\.png\n$/,
      );
      expect(look("here.png").greys).toBeGreaterThan(20);
    });

    it("shows all images by default if there are fewer than a hundred", async () => {
      await writeTinyMnist(path.join(home, "few digits"), 120, 30);
      await run("train", "--dataset", "few digits", "--batch-size", "50", "--epochs", "1", "--run", "with few digits");
      const { code, stdout } = await run("reconstruct", "--run", "with few digits");
      expect([code, stdout]).toEqual([0, expect.stringContaining("mean over the first 30 test images")]);
    });

    it("refuses to show more images than exist", async () => {
      const { code, stderr } = await run("reconstruct", "--n", "121");
      expect([code, stderr]).toEqual([2, "error: There are only 120 images, fewer than the 121 requested.\n"]);
    });

    it("refuses a run whose training images are missing", async () => {
      rmSync(path.join(home, "few digits"), { recursive: true });
      const { code, stderr } = await run("reconstruct", "--run", "with few digits");
      expect(code).toBe(2);
      expect(stderr).toMatch(
        /^error: This run was trained on .*few digits, which cannot be read now\. .*few digits does not exist\. .*\n$/,
      );
    });
  });

  describe("then vae sample", () => {
    it("draws a near-square grid", async () => {
      const { code, stdout, stderr } = await run("sample", "--n", "30");
      expect([code, stderr]).toEqual([
        0,
        expect.stringMatching(/^These weights have had only \d+ steps of training.*\n$/),
      ]);
      expect(look(stdout.trim())).toMatchObject({ width: 2 + 6 * 93, height: 2 + 5 * 93 });
    });

    it("draws the same first samples for a larger number", async () => {
      await run("sample", "--n", "4", "--each", "few");
      await run("sample", "--n", "510", "--each", "many"); // several batches
      expect(readdirSync(path.join(home, "few"))).toEqual([1, 2, 3, 4].map((i) => `sample-${i}.png`));
      expect(readdirSync(path.join(home, "many"))).toHaveLength(510);
      for (const i of [1, 2, 3, 4]) {
        const [few, many] = [`few/sample-${i}.png`, `many/sample-00${i}.png`].map(
          (file) => PNG.sync.read(read(file)).data,
        );
        // Equal up to rounding: matrix products of other sizes add up in another order.
        expect(Math.max(...few.map((grey, at) => Math.abs(grey - many[at])))).toBeLessThanOrEqual(1);
      }
    });

    it("draws different samples for another seed", async () => {
      await run("sample", "--n", "9", "--seed", "1", "--out", "one.png");
      await run("sample", "--n", "9", "--seed", "2", "--out", "two.png");
      expect(hash("one.png")).not.toBe(hash("two.png"));
    });

    it("refuses a folder instead of a file", async () => {
      mkdirSync(path.join(home, "folder.png"));
      const { code, stderr } = await run("sample", "--out", "folder.png");
      expect([code, stderr]).toEqual([2, "error: --out folder.png is not a file. Give the name of a file.\n"]);
    });

    it("refuses a folder that is not empty", async () => {
      mkdirSync(path.join(home, "full"));
      writeFileSync(path.join(home, "full", "mine.txt"), "mine");
      const { code, stderr } = await run("sample", "--each", "full");
      expect([code, stderr]).toEqual([
        2,
        "error: --each full is not an empty folder. Give a folder that is new or empty.\n",
      ]);
    });
  });
});
