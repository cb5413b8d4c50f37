import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main } from "../../src/cli.js";
import { formatDefault } from "../../src/commands/flags.js";
import { SETTINGS, type SettingName } from "../../src/config/settings.js";
import { flagOf } from "../../src/shell.js";
import { VERSION } from "../../src/version.js";
import { copyTiny } from "../helpers.js";
import { vae } from "../vae.js";

const COMMANDS = [
  ...["train", "reconstruct", "sample", "manifold", "latent", "interpolate", "explore", "encode", "decode", "evaluate"],
  ...["data", "export", "runs", "compare", "report", "cache", "engines", "complete"],
];

/** The working directory, with a run. */
let home: string;
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-help-"));
  copyTiny(home);
  mkdirSync(path.join(home, "runs"));
  renameSync(path.join(home, "run"), path.join(home, "runs/run"));
});
afterAll(() => rmSync(home, { recursive: true }));
const run = (...args: string[]) => vae(args, home);

/** The output on a terminal of this width. */
async function helpAt(columns: number, words: readonly string[]): Promise<string> {
  let page = "";
  const write = (text: Buffer, _encoding: string, done: () => void) => {
    page += text;
    done();
  };
  const stdout = Object.assign(new Writable({ write }), { isTTY: true, columns });
  expect(await main(words, { env: {}, stdin: Readable.from([]), stdout, stderr: new Writable() })).toBe(0);
  return page;
}

describe("vae --help", () => {
  it("lists the commands and gives an example", async () => {
    const { code, stdout, stderr } = await run("--help");
    expect([code, stderr]).toEqual([0, ""]);
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name}( <(path|run...|shell)>)? +\\w`, "m"));
    expect(stdout).toContain("Example:\n  vae train --epochs 20 --dim-z 2\n");
  });

  it("groups the commands and lists the exit codes", async () => {
    const { stdout } = await run("--help");
    const headings = ["Train", "Look at a model", "Measure and compare", "Move data and models", "This machine"];
    const places = headings.map((heading) => stdout.indexOf(`\n${heading}`));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
    for (const code of [" 0 ", " 1 ", " 2 ", "128+", "130", "143", "129"]) {
      expect(stdout.slice(stdout.indexOf("Exit codes:"))).toContain(code);
    }
  });

  it.each(["", ...COMMANDS])("of vae %s fits 80 columns in a pipe, and terminals of 80 to 200", async (command) => {
    const words = [...(command === "" ? [] : [command]), "--help"];
    const { stdout: piped } = await run(...words);
    for (const columns of [80, 90, 100, 200]) {
      const page = await helpAt(columns, words);
      expect(Math.max(...page.split("\n").map((line) => line.length))).toBeLessThanOrEqual(Math.min(columns, 100));
      // No word is broken.
      expect(page.split(/\s+/)).toEqual(piped.split(/\s+/));
      if (columns === 80) expect(page).toBe(piped);
    }
  });

  it.each(COMMANDS)("of %s shows each default once, without quotes", async (command) => {
    const { stdout } = await run(command, "--help");
    expect(stdout).not.toMatch(/default:\s+"|preset:/);
    for (const option of stdout.split(/\n {2}(?=-)/)) expect(option.match(/\(default:/g) ?? []).not.toHaveLength(2);
  });

  it("of train groups the flags, essentials first", async () => {
    const { stdout } = await run("train", "--help");
    const page = stdout.slice(0, stdout.indexOf("Example:"));
    const headings = [...page.matchAll(/^(\w+):$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(["Essentials", "Model", "Training", "Data", "Output"]);
    const headingOf = (flag: string) =>
      [...page.slice(0, page.indexOf(`\n  ${flag} `)).matchAll(/^(\w+):$/gm)].at(-1)?.[1];
    expect(["--dataset", "--dim-z", "--epochs"].map(headingOf)).toEqual(["Essentials", "Essentials", "Essentials"]);
    const others = ["--n-hidden", "--batch-size", "--skip-bad", "--quiet"].map(headingOf);
    expect(others).toEqual(["Model", "Training", "Data", "Output"]);
  });

  it("is shown by vae without arguments", async () => {
    expect(await run()).toEqual(await run("--help"));
  });

  it.each(COMMANDS)("of %s has an example", async (command) => {
    const { code, stdout } = await run(command, "--help");
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: vae ${command} [options]`);
    expect(stdout).toContain(`Example:\n  vae ${command}`);
  });

  it("of train names every flag with its default", async () => {
    const { stdout } = await run("train", "--help");
    const text = stdout.replace(/\s+/g, " ");
    const defaults = Object.entries(SETTINGS).filter(([name, setting]) => "flag" in setting && name !== "noise");
    expect(defaults.length).toBeGreaterThan(15);
    for (const [name, setting] of defaults) {
      if (setting.flag === "") {
        expect(text).toContain(` ${flagOf(name as SettingName)} ${setting.help}`);
        continue;
      }
      expect(text).toContain(` ${flagOf(name as SettingName)} <`);
      const usual = formatDefault(name as SettingName);
      expect(text).toContain(`${setting.help} (default: ${usual === "own" ? "chosen from the data" : usual})`);
    }
    expect(text).toContain(
      ` --noise [kind[:strength]] ${SETTINGS.noise.help}; kinds: salt-pepper, mask, gaussian, haze (default: none;`,
    );
  });

  it("--version prints the version", async () => {
    expect(await run("--version")).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: "" });
  });
});

describe("a mistake ends with one line and exit code 2", () => {
  it.each([
    [["trian"], "Unknown command trian. Use vae train."],
    [["frobnicate"], "Unknown command frobnicate. See vae --help."],
    [["generate"], "Unknown command generate. Use vae sample."],
    [["test"], "Unknown command test. Use vae evaluate."],
    [["version"], "Unknown command version. Use vae --version."],
    [["--epochs", "3"], "Unknown option --epochs. Give --epochs to vae train."],
    [["-v"], "Unknown option -v. Use --version."],
    [["train", "--epoch", "3"], "Unknown option --epoch. Use --epochs."],
    [["train", "--learn", "3"], "Unknown option --learn. Use --learning-rate."],
    [["train", "--foo", "3"], "Unknown option --foo. See vae train --help."],
    [["train", "--lr=0.1"], "Unknown option --lr. Use --learning-rate."],
    [["train", "-lr", "0.1"], "Unknown option -lr. Use --learning-rate."],
    [["train", "--learning_rate", "0.1"], "Unknown option --learning_rate. Use --learning-rate."],
    [["train", "--batchSize", "3"], "Unknown option --batchSize. Use --batch-size."],
    [["train", "--batch", "3"], "Unknown option --batch. Use --batch-size."],
    [["train", "--latent", "3"], "Unknown option --latent. Use --dim-z."],
    [["train", "--z-dim", "3"], "Unknown option --z-dim. Use --dim-z."],
    [["train", "--hidden", "3"], "Unknown option --hidden. Use --n-hidden."],
    [["train", "--dropout", "0.1"], "Unknown option --dropout. Use --keep-prob, the rate of units that"],
    [["train", "--output", "x"], "Unknown option --output. Use --run."],
    [["train", "-o", "x"], "Unknown option -o. Use --run."],
    [["train", "--warmup", "3"], "Unknown option --warmup. Give this setting to vae train as --set klWarmUp=VALUE."],
    [["train", "--tb"], "Unknown option --tb. Use --tensorboard."],
    [["export", "--tensorboard"], "Give --tensorboard to vae train, or use vae export --format tensorboard."],
    [["train", "--wandb"], "Unknown option --wandb. See docs/tracking.md for other programs."],
    [["tensorboard"], "Unknown command tensorboard. Use vae export --format tensorboard."],
    [["train", "--no-cuda"], "Unknown option --no-cuda. --device gpu uses the GPU: vae engines shows which."],
    [["sample", "--lr", "3"], "Unknown option --lr. Give --learning-rate to vae train."],
    [["sample", "--epochs", "3"], "Unknown option --epochs. Give --epochs to vae train."],
    [["sample", "-o", "x.png"], "Unknown option -o. Use --out."],
    [["sample", "-n", "3"], "Unknown option -n. Use --n."],
    [["sample", "--model", "runs/run"], "Unknown option --model. Use --run."],
    [["train", "mnist"], "vae train takes no bare word. Use --dataset mnist."],
    [["train", "runs/run"], "vae train takes no bare word. Use --resume runs/run."],
    [["evaluate", "runs/run"], "vae evaluate takes no bare word. Use --run runs/run."],
    [["decode", "runs/run/config.json"], "vae decode takes no bare word. Use --input runs/run/config.json."],
    [["runs", "runs"], "vae runs takes no bare word. Use --dir runs."],
    [["cache", "clear"], "vae cache takes no bare word. Use --clear."],
    [["complete", "tcsh"], "The shell is tcsh. It must be one of bash, zsh, fish."],
    [["complete"], "missing required argument 'shell'. See vae complete --help."],
    [["complete", "bash", "zsh"], "vae complete takes one shell."],
    [["data", "mnist", "other"], "Expected 1 argument but got 2. See vae data --help."],
    [["train", "--model", "vae-conv"], "It must be one of vae, ae. Use --network conv."],
    [["train", "--model=cvae"], "It must be one of vae, ae. Use --conditional."],
    [["train", "--model", "beta-vae"], "It must be one of vae, ae. Use --beta with a number above 1."],
    [["train", "--engine", "cuda"], "--device gpu uses the GPU: vae engines shows which."],
    [["train", "--objective", "elob"], "free-bits, beta-tc, mmd. Did you mean elbo?"],
    [["train", "--network", "con"], "It must be one of mlp, conv. Did you mean conv?"],
    [["train", "--noise", "gausian"], "salt-pepper, mask, gaussian, haze. Did you mean gaussian?"],
    [["train", "--preset", "iwe"], "Presets are tutorial, photos, iwae, best. Did you mean iwae?"],
    [["train", "--set", "encoderActivations=elu,rleu"], "silu, softplus, tanh. Did you mean relu?"],
    [["train", "--set", "lr=0.1"], 'Unknown setting "lr". Did you mean learningRate?'],
    [["train", "--set", "weightDcay=0.1"], 'Unknown setting "weightDcay". Did you mean weightDecay?'],
    [["evaluate", "--split", "val"], "It must be one of test, validation, train. Did you mean validation?"],
    [["train", "extra"], "too many arguments for 'train'"],
    [["train", "--epochs"], "option '--epochs <count>' argument missing"],
    [["train", "--epochs", "0"], "argument '0' is invalid. It must be a whole number from 1 to 1000000."],
    [["train", "--epochs", "many"], "It must be a whole number"],
    [["train", "--keep-prob", "1.5"], "It must be a number from 0.01 to 1."],
    [["train", "--learning-rate", "NaN"], "It must be a number above 0"],
    [["train", "--engine", "gpu"], "It must be one of auto, compiled, tensorflow, wasm, cpu."],
    [["train", "--dataset", "nowhere"], "nowhere does not exist"],
    [["train", "--run", "."], ". exists already"],
    [["train", "--noise", "snow"], "It must be KIND or KIND:STRENGTH, where KIND is one of salt-pepper, mask,"],
    [["train", "--noise", "mask:2"], "The strength of mask must be a number above 0 and at most 1."],
    [["train", "--n-hidden", "500,"], "It must be a list of up to 32 whole numbers from 1 to 4096."],
    [["train", "--preset", "nowhere"], "is neither a preset nor a file. Presets are tutorial, photos, iwae"],
    [["train", "--set", "klWarmUp"], "It must be NAME=VALUE."],
    [["train", "--set", "warmUp=1"], 'Unknown setting "warmUp". Did you mean klWarmUp?'],
    [["train", "--set", "foo=1"], 'Unknown setting "foo". See docs/settings.md.'],
    [["train", "--set", "dim-z=3"], 'Unknown setting "dim-z". Did you mean dimZ?'],
    [["train", "--set", "prio=vamp"], 'Unknown setting "prio". Did you mean prior?'],
    [["train", "--prior", "vamp"], "Unknown option --prior. Give this setting to vae train as --set prior=VALUE."],
    [["sample", "50"], "vae sample takes no bare number. Use --n 50."],
    [["manifold", "50"], "vae manifold takes no bare number. Use --size 50x50."],
    [["train", "--lr", "0.1"], "Unknown option --lr. Use --learning-rate."],
    [["train", "--latent-dim", "3"], "Unknown option --latent-dim. Use --dim-z."],
    [["train", "--device", "cuda"], "It must be one of cpu, gpu. Use --device gpu."],
    [["train", "--constructor", "3"], "Unknown option --constructor. See vae train --help."],
    [["train", "--set", "klWarmUp=-1"], "It must be a number from 0 to 1000000."],
    [["train", "--set", "klWarmUp=1", "--set", "klWarmUp=2"], "klWarmUp is given twice."],
    [["train", "--set", "dimZ=3", "--dim-z", "4"], "dimZ is given twice, by --set and by --dim-z."],
    [["train", "--model", "ae", "--objective", "iwae"], "--objective needs --model vae"],
    [["train", "--mc-samples", "2", "--objective", "iwae"], "--mc-samples needs --objective elbo"],
    [["train", "--preset", "iwae", "--set", "pixelSigma=1"], "--set pixelSigma needs --set likelihood=gaussian"],
    [["manifold", "--size", "20"], "It must be COLUMNSxROWS, such as 20x20"],
    [["manifold", "--size", "20x1001"], "It must be COLUMNSxROWS, such as 20x20, each from 1 to 1000."],
    [["manifold", "--spacing", "quantile", "--range", "3"], "--range is for linear spacing"],
    [["manifold", "--spacing", "log"], "It must be one of linear, quantile."],
    [["latent", "--out", "x.png"], "Give a name that ends in .svg."],
    [["interpolate", "--from", "1"], "--from names 1 image and --to 0. Each row needs both."],
    [["interpolate", "--from", "1,2", "--to", "3"], "--from names 2 images and --to 1."],
    [["interpolate", "--from", "1", "--to", "3", "--steps", "1"], "It must be a whole number from 2 to 100."],
    [["encode", "--format", "txt"], "It must be one of jsonl, npz, csv, npy."],
    [
      ["encode", "--out", "x.txt"],
      "--out x.txt: give a name that ends in .jsonl or .npz or .csv or .npy, or give --format.",
    ],
    [["encode", "--out", "nowhere/x.npy"], "there is no folder nowhere"],
    [["encode", "--split", "train", "--input", "x.npy"], "cannot be used with option '--split"],
    [["encode", "--input", "nowhere.npy"], "--input nowhere.npy: there is no such file."],
    [["encode", "--n", "0"], "It must be a whole number from 1"],
    [["decode", "--input", "."], "--input . is a folder. Give a file."],
    [["decode", "--out", "x.jpg"], "give a name that ends in .npy or .png"],
    [["decode", "--out", "."], "give a name that ends in .npy or .png"],
    [["decode", "--input", "/dev/null"], "/dev/null is empty. Give latents as .npy, .npz, JSON lines or CSV."],
    [["evaluate", "--split", "all"], "It must be one of test, validation, train."],
    [["evaluate", "--importance-samples", "0"], "It must be a whole number from 1"],
    [["export", "--format", "torch"], "It must be one of onnx, tensorboard."],
    [["export", "--out", ""], "It must not be empty."],
    [["compare"], "missing required argument 'run'"],
    [["runs", "--dir", "nowhere"], "There is no folder nowhere."],
    [["train", "--batch-size", "60000"], "A batch of 60000 is larger than the training set: 55000 images"],
    [["reconstruct", "--n", "0"], "It must be a whole number from 1"],
    [["reconstruct", "--run", "nowhere"], "nowhere is not the folder of a run"],
    [["reconstruct", "--out", "nowhere/x.png"], "there is no folder nowhere"],
    [["sample", "--n", "-1"], "It must be a whole number from 1"],
    [["sample", "--each", "a", "--out", "b"], "cannot be used with option"],
    [["sample", "--out", "x.jpg"], "Give a name that ends in .png."],
    [["train", "--threads", "256"], "--threads 256 exceeds the"],
    [["sample", "--out", "/dev/null"], "Give a name that ends in .png."],
    [["sample", "--out", ""], "It must not be empty."],
    [["train", "--run", ""], "It must not be empty."],
    [["help", "trian"], "Unknown command trian. Use vae train."],
    [["--"], "No command given. See vae --help."],
    [["sample", "--seed", "1.5"], "It must be a whole number from 0"],
  ])("%j", async (args, problem) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toContain(problem);
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
    expect([code, stdout]).toEqual([2, ""]);
  });
});

describe("vae complete -- words", () => {
  const complete = async (...words: string[]) => {
    const { code, stdout, stderr } = await run("complete", "--", ...words);
    expect([code, stderr]).toEqual([0, ""]);
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t")[0]);
  };

  it("completes all commands, and all flags of each", async () => {
    expect(await complete("")).toEqual(expect.arrayContaining(COMMANDS));
    for (const command of COMMANDS) {
      const { stdout } = await run(command, "--help");
      const flags = [...stdout.matchAll(/^ {2}(?:-h, )?(--[\w-]+)/gm)].map(([, flag]) => flag);
      expect(await complete(command, "-")).toEqual([...flags, ":4"]);
    }
  });

  it.each([
    [
      ["train", "--objective", ""],
      [...SETTINGS.objective.choices, ":4"],
    ],
    [
      ["train", "--objective=fr"],
      ["free-bits", ":4"],
    ],
    [["train", "--size", "o"], [":4"]],
    [
      ["train", "--resume", ""],
      ["runs/run", ":0"],
    ],
    [
      ["train", "--resume", "--js"],
      ["--json", ":4"],
    ],
    [["train", "--json", "--js"], [":4"]],
    [
      ["train", "--set", "a=1", "--se"],
      ["--set", "--seed", ":4"],
    ],
    [
      ["train", "--set", "kl"],
      ["klWarmUp=", ":6"],
    ],
    [
      ["train", "--preset", "i"],
      ["iwae", ":0"],
    ],
    [["train", "--epochs", ""], [":4"]],
    [
      ["train", "--channels", ""],
      ["own", "1", "3", ":4"],
    ],
    [
      ["sample", "--run", "runs/"],
      ["runs/run", ":0"],
    ],
    [
      ["compare", "runs/run", ""],
      ["runs/run", ":0"],
    ],
    [
      ["data", "m"],
      ["mnist", ":0"],
    ],
    [
      ["help", "tra"],
      ["train", ":4"],
    ],
    [["bash"], [":4"]],
    [["nothing", ""], [":4"]],
    [["__proto__", ""], [":4"]],
  ])("%j", async (words, completions) => {
    const found = await complete(...words);
    expect(found.toSorted()).toEqual(completions.toSorted());
  });
});
