// vae train --resume. Runs stopped by a signal: test/system/signals.test.ts.
import { spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeSafetensors, encodeSafetensors } from "../../src/formats/safetensors.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { copyTiny } from "../helpers.js";
import { checkpointsOf, lastCheckpointOf, outcomeOf } from "../outcome.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const run = (...args: string[]) => vae(args, home);
const read = (...place: string[]) => readFileSync(at(...place));
const madeBy = (name: string) => outcomeOf(at(name));
const checkpointsAt = (name: string) => checkpointsOf(at(name));
const lastCheckpoint = (name: string) => path.relative(home, lastCheckpointOf(at(name)));
const train = (name: string, ...args: string[]) => [
  ..."train --dataset tiny --dim-z 3 --n-hidden 24,16 --batch-size 50 --noise --seed 3 --threads 1".split(" "),
  ...["--set", "checkpointSeconds=0", "--run", name, ...args],
];

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-resume-"));
  copyTiny(home);
  expect((await run(...train("whole", "--epochs", "4"))).code).toBe(0);
});
afterAll(() => rmSync(home, { recursive: true }));

describe("vae train --resume", () => {
  const WHOLE = "whole";
  const copy = (name: string) => {
    cpSync(at(WHOLE), at(name), { recursive: true });
    return name;
  };
  const refused = async (problem: string, ...args: string[]) => {
    const { code, stdout, stderr } = await run("train", ...args);
    expect(stderr).toMatch(new RegExp(problem));
    expect([code, stdout, stderr.trim().split("\n").length]).toEqual([2, "", 1]);
  };

  it("prints the result of a finished run, and changes nothing", async () => {
    const before = madeBy(WHOLE);
    const metrics = read(WHOLE, "metrics.jsonl");
    const { code, stdout, stderr } = await run("train", "--resume", WHOLE);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Test −ELBO /);
    expect(stderr).toContain("This run is finished: give more --epochs to train it further.\n");
    expect(madeBy(WHOLE)).toEqual(before);
    expect(read(WHOLE, "metrics.jsonl").equals(metrics)).toBe(true);
  });

  it("extends a run to the bytes of a run that had more epochs from the start", async () => {
    await run(...train("short", "--epochs", "2"));
    expect((await run("train", "--resume", "short", "--epochs", "4", "--n-hidden", "24,16")).code).toBe(0);
    const { pictures, ...short } = madeBy("short"); // progress.png has an extra row: the short run's last epoch
    const { pictures: _, ...whole } = madeBy(WHOLE);
    expect(short).toEqual(whole);
    expect(JSON.parse(read("short/config.json").toString()).settings.epochs).toBe(4);
  });

  it("stops at the same epoch if patience has ended the run", async () => {
    await run(...train("patient", "--epochs", "50", "--patience", "1", "--learning-rate", "0.05"));
    const before = madeBy("patient");
    expect(before.metrics.length).toBeLessThan(50);
    const { code, stderr } = await run("train", "--resume", "patient");
    expect([code, stderr]).toEqual([0, expect.stringContaining("This run is finished: it stopped early after epoch")]);
    expect(madeBy("patient")).toEqual(before);
    await refused("This run stopped early", "--resume", "patient", "--epochs", "60");
  });

  it("accepts moved data with the same content", async () => {
    cpSync(at("tiny"), at("here"), { recursive: true });
    await run(...train("moved", "--epochs", "2", "--dataset", "here"));
    renameSync(at("here"), at("there"));
    await refused("here does not exist.* resume the run once with their new path as --dataset", "--resume", "moved");
    expect((await run("train", "--resume", "moved", "--dataset", "there", "--epochs", "4")).code).toBe(0);
    expect(madeBy("moved").model).toEqual(madeBy(WHOLE).model);
    expect((await run("reconstruct", "--run", "moved")).code).toBe(0);
    await writeTinyMnist(at("elsewhere"), 600, 121);
    await refused("is not the data set that moved was trained on", "--resume", "moved", "--dataset", "elsewhere");
  });

  it("resumes on fewer processors", async () => {
    await run(...train("many", "--epochs", "2"));
    const config = JSON.parse(read("many/config.json").toString());
    writeFileSync(at("many/config.json"), JSON.stringify({ ...config, settings: { ...config.settings, threads: 64 } }));
    await refused("--threads 64 exceeds the \\d+ processors here", "--resume", "many", "--epochs", "4");
    expect((await run("train", "--resume", "many", "--epochs", "4", "--threads", "1")).code).toBe(0);
    expect(madeBy("many").model).toEqual(madeBy(WHOLE).model);
  });

  it("without a folder resumes the newest run", async () => {
    const { code, stderr } = await run("train", "--resume");
    expect([code, stderr]).toEqual([2, "error: There is no run in runs/ to resume. Name the folder of one.\n"]);
    await run(...train("runs/one", "--epochs", "1"));
    await run(...train("runs/two", "--epochs", "1"));
    expect((await run("train", "--resume")).stdout).toContain("runs/two holds the weights");
  });

  it("restores changed files of the folder, and deletes temporary ones", async () => {
    const name = copy("spoilt");
    for (const file of ["metrics.jsonl", "model.safetensors"]) writeFileSync(at(name, file), "rubbish");
    for (const file of [
      "x.1-0123456789ab.tmp",
      "checkpoint/step-000000001.safetensors.9-ba9876543210.tmp",
      "pictures/samples/.9-ba9876543210.tmp",
    ])
      writeFileSync(at(name, file), "half");
    expect((await run("train", "--resume", name)).code).toBe(0);
    expect(madeBy(name)).toEqual(madeBy(WHOLE));
    expect(readdirSync(at(name)).sort()).toEqual(readdirSync(at(WHOLE)).sort());
    expect(checkpointsAt(name)).toEqual(checkpointsAt(WHOLE));
  });

  it("keeps pictures with the epoch in their names", async () => {
    await run(...train("older", "--epochs", "2"));
    const kinds = ["reconstructions", "samples"];
    const old = kinds.flatMap((kind) => [1, 2].map((epoch) => `${kind}-epoch-0${epoch}.png`));
    for (const kind of kinds) {
      for (const epoch of [1, 2]) {
        renameSync(at("older/pictures", kind, `00${epoch}.png`), at("older/pictures", `${kind}-epoch-0${epoch}.png`));
      }
      rmSync(at("older/pictures", kind), { recursive: true });
    }
    const before = old.map((name) => read("older/pictures", name));
    expect((await run("train", "--resume", "older", "--epochs", "4")).code).toBe(0);
    expect(old.map((name) => read("older/pictures", name))).toEqual(before);
    for (const kind of kinds) {
      expect(readdirSync(at("older/pictures", kind)).sort()).toEqual(["003.png", "004.png"]);
      expect(read("older/pictures", kind, "004.png")).toEqual(read(WHOLE, "pictures", kind, "004.png"));
    }
  });

  it("writes no picture through a link instead of pictures/", async () => {
    const name = copy("with-link");
    mkdirSync(at("linked-pictures"));
    rmSync(at(name, "pictures/samples"), { recursive: true });
    symlinkSync(at("linked-pictures"), at(name, "pictures/samples"));
    const { code, stderr } = await run("train", "--resume", name, "--epochs", "5");
    expect([code, stderr]).toEqual([2, expect.stringMatching(/pictures.samples is a link, not a folder/)]);
    expect(readdirSync(at("linked-pictures"))).toEqual([]);
  });

  it("refuses settings that differ from the run's", async () => {
    await refused("keeps its settings: --dim-z 3, not 4", "--resume", WHOLE, "--dim-z", "4");
    await refused("keeps its settings: --set klWarmUp=0, not 2", "--resume", WHOLE, "--set", "klWarmUp=2");
    await refused("--epochs 3 is less than the run's 4", "--resume", WHOLE, "--epochs", "3");
    await refused("give one of them", "--resume", WHOLE, "--run", "new");
    await refused("nowhere is not the folder of a run", "--resume", "nowhere");
  });

  it("refuses an edited config.json, and other data", async () => {
    const edit = (name: string, change: (config: { settings: object; data: object }) => object) => {
      const file = at(copy(name), "config.json");
      writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, "utf8")))));
      return name;
    };
    const slow = edit("slow", ({ settings, ...rest }) => ({ ...rest, settings: { ...settings, learningRate: 0.01 } }));
    await refused("The setting learningRate in config.json differs from", "--resume", slow);
    const other = edit("other", ({ data, ...rest }) => ({ ...rest, data: { ...data, train: 7 } }));
    await refused(
      "is not the data set that other was trained on: it has 550 \\+ 50 \\+ 120 images of 7×7",
      "--resume",
      other,
    );
    cpSync(at("tiny"), at("changed"), { recursive: true });
    await run(...train("old", "--epochs", "1", "--dataset", "changed"));
    const file = at("changed/train-images-idx3-ubyte");
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(file, bytes);
    await refused(
      "is not the data set that old was trained on: .*, but with other content\\.",
      "--resume",
      "old",
      "--epochs",
      "2",
    );
  });

  it("refuses more epochs if the learning rate depends on their number", async () => {
    await run(...train("cosine", "--epochs", "1", "--set", "learningRateSchedule=cosine"));
    await refused("--set learningRateSchedule=cosine", "--resume", "cosine", "--epochs", "2");
    expect((await run("train", "--resume", "cosine")).code).toBe(0);
  });

  it("refuses a run that another process is training", async () => {
    const name = copy("busy");
    const sleeper = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
    writeFileSync(at(name, "lock"), JSON.stringify({ pid: sleeper.pid, host: hostname() }));
    await refused(`busy is in use by process ${sleeper.pid} on `, "--resume", name);
    sleeper.kill();
    await new Promise((resolve) => sleeper.on("close", resolve));
    expect((await run("train", "--resume", name)).code).toBe(0);
  });

  it("names a damaged checkpoint and the previous one, which resumes to the same bytes", async () => {
    const name = copy("damaged");
    const file = lastCheckpoint(name);
    const [before] = checkpointsAt(name);
    const bytes = read(file);
    bytes[bytes.length >> 1] ^= 4;
    writeFileSync(at(file), bytes);
    await refused(
      `${file} is not a valid safetensors file: its checksum does not match .* ` +
        `delete ${file} to resume from .*${before}`,
      "--resume",
      name,
    );
    rmSync(at(file));
    mkdirSync(at(file));
    await refused(`${file} is a folder, not a file. .* delete ${file} to resume from .*${before}`, "--resume", name);
    rmSync(at(file), { recursive: true });
    expect((await run("train", "--resume", name)).code).toBe(0);
    expect(madeBy(name)).toEqual(madeBy(WHOLE));

    for (const checkpoint of checkpointsAt(name)) writeFileSync(at(name, "checkpoint", checkpoint), "rubbish");
    await refused("There is no other checkpoint to resume from", "--resume", name);
    rmSync(at(name, "checkpoint"), { recursive: true });
    await refused("has no checkpoint to resume from", "--resume", name);
  });

  it("refuses a checkpoint of an unknown format", async () => {
    const name = copy("older");
    const { tensors, metadata } = decodeSafetensors(read(lastCheckpoint(name)), "checkpoint");
    writeFileSync(at(lastCheckpoint(name)), encodeSafetensors({ tensors, metadata: { ...metadata, format: "0" } }));
    await refused('has format "0", but this version of vae resumes from format 2', "--resume", name);
  });

  it("resumes from format 1 with batches of up to 128 images, whose random numbers are unchanged", async () => {
    const asFormat1 = (name: string) => {
      const { tensors, metadata } = decodeSafetensors(read(lastCheckpoint(name)), "checkpoint");
      const { syncEvery, ...known } = JSON.parse(metadata.settings);
      const settings = JSON.stringify(known);
      writeFileSync(
        at(lastCheckpoint(name)),
        encodeSafetensors({ tensors, metadata: { ...metadata, format: "1", settings } }),
      );
    };
    const name = copy("format-1");
    asFormat1(name);
    expect((await run("train", "--resume", name)).code).toBe(0);
    expect(madeBy(name)).toEqual(madeBy(WHOLE));

    expect((await run(...train("large", "--epochs", "1", "--batch-size", "129"))).code).toBe(0);
    asFormat1("large");
    await refused('has format "1"', "--resume", "large");
  });
});
