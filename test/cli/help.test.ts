import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { VERSION } from "../../src/version.js";
import { vae } from "./vae.js";

const run = (...args: string[]) => vae(args, tmpdir());

describe("vae --help", () => {
  it("lists the commands and gives an example", async () => {
    const { code, stdout, stderr } = await run("--help");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(`Usage: vae [options] [command]

Train variational autoencoders from Node.js alone, and look at what they make.

Options:
  -V, --version          output the version number
  -h, --help             display help for command

Commands:
  train [options]        train a variational autoencoder, and draw what it makes
                         after every epoch
  reconstruct [options]  draw test images above their reconstructions
  sample [options]       draw new images: decoded samples from the prior
  help [command]         display help for command

Example:
  vae train --epochs 20 --dim-z 2
  vae reconstruct
  vae sample --n 100
`);
  });

  it("is what vae alone shows", async () => {
    expect(await run()).toEqual(await run("--help"));
  });

  it.each(["train", "reconstruct", "sample"])("of %s has an example", async (command) => {
    const { code, stdout } = await run(command, "--help");
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: vae ${command} [options]`);
    expect(stdout).toContain(`Example:\n  vae ${command}`);
  });

  it("of train names every flag with its default", async () => {
    const { stdout } = await run("train", "--help");
    const text = stdout.replace(/\s+/g, " ");
    for (const part of [
      'MNIST\'s names (default: "mnist")',
      "images (default: 20)",
      "step (default: 128)",
      "size (default: 0.001)",
      "space (default: 2)",
      "layer (default: 500)",
      "dropout (default: 0.9)",
      'here (default: "auto")',
    ]) {
      expect(text).toContain(part);
    }
  });

  it("--version prints the version", async () => {
    expect(await run("--version")).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: "" });
  });
});

describe("a mistake is refused in one line, with exit code 2", () => {
  it.each([
    [["trian"], "unknown command 'trian' (Did you mean train?)"],
    [["train", "--epoch", "3"], "unknown option '--epoch' (Did you mean --epochs?)"],
    [["train", "extra"], "too many arguments for 'train'"],
    [["train", "--epochs"], "option '--epochs <count>' argument missing"],
    [["train", "--epochs", "0"], "argument '0' is invalid. It must be a whole number from 1 to 1000000."],
    [["train", "--epochs", "many"], "It must be a whole number"],
    [["train", "--keep-prob", "1.5"], "It must be a number from 0.01 to 1."],
    [["train", "--learning-rate", "NaN"], "It must be a number above 0"],
    [["train", "--engine", "gpu"], "It must be one of auto, compiled, wasm, cpu."],
    [["train", "--dataset", "nowhere"], "No file nowhere"],
    [["train", "--run", "."], ". exists already"],
    [["train", "--batch-size", "60000"], "A batch of 60000 is more than the 55000 training images"],
    [["reconstruct", "--n", "10001"], "It must be a whole number from 1 to 10000."],
    [["reconstruct", "--run", "nowhere"], "nowhere is not the folder of a run"],
    [["reconstruct", "--out", "nowhere/x.png"], "there is no folder nowhere"],
    [["sample", "--n", "-1"], "It must be a whole number from 1"],
    [["sample", "--n", "10001"], "A grid holds up to 10000 samples"],
    [["sample", "--each", "a", "--out", "b"], "cannot be used with option"],
    [["sample", "--out", "x.jpg"], "Give a name that ends in .png."],
    [["train", "--threads", "256"], "--threads 256 is more than the"],
    [["sample", "--out", "/dev/null"], "Give a name that ends in .png."],
    [["sample", "--out", ""], "It must not be empty."],
    [["train", "--run", ""], "It must not be empty."],
    [["help", "trian"], "There is no such command. See vae --help."],
    [["--"], "There is no such command. See vae --help."],
    [["sample", "--seed", "1.5"], "It must be a whole number from 0"],
  ])("%j", async (args, problem) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toContain(problem);
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
    expect([code, stdout]).toEqual([2, ""]);
  });
});
