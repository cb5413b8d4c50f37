// The files for TensorBoard: vae train --tensorboard, resumed runs, vae export --format tensorboard. TensorBoard's own
// readers: test/system/tensorboard.test.ts.
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "../../src/index.js";
import { exportTensorBoard } from "../../src/inference/tensorboard.js";
import { encodePng } from "../../src/pictures/png.js";
import { RunFolder } from "../../src/run/folder.js";
import { type ReadEvent, readEventsIn } from "../fixtures/events.js";
import { copyTiny } from "../helpers.js";
import { lastCheckpointOf } from "../outcome.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const run = (...args: string[]) => vae(args, home);
const ok = async (...args: string[]) => expect(await run(...args)).toMatchObject({ code: 0, stderr: "" });
const train = (name: string, ...args: string[]) =>
  ok("train", ..."--n-hidden 16 --threads 1 --quiet".split(" "), "--run", name, ...args);
const tiny = ["--dataset", "tiny", "--set", "checkpointSeconds=0"];
const json = (...place: string[]) => JSON.parse(readFileSync(at(...place), "utf8"));

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-tensorboard-"));
  copyTiny(home);
  await train("plain", ...tiny, "--epochs", "3");
  await train("whole", ...tiny, "--epochs", "3", "--tensorboard");
});
afterAll(() => rmSync(home, { recursive: true }));

const copy = (from: string, to: string) => {
  cpSync(at(from), at(to), { recursive: true });
  return to;
};
const eventsOf = (name: string) => readEventsIn(at(name, "tensorboard"));
const eventFile = (name: string) => {
  const [file] = readdirSync(at(name, "tensorboard")).filter((name) => name.includes("tfevents"));
  return at(name, "tensorboard", file);
};
const tagsOf = ({ values }: ReadEvent) => values.map(({ tag }) => tag);

/** Numbers of a tag by step. */
function scalars(events: readonly ReadEvent[], tag: string): Record<number, number | undefined> {
  const found = events.flatMap(({ step, values }) =>
    values.filter((value) => value.tag === tag).map(({ scalar }) => [step, scalar]),
  );
  expect(new Set(found.map(([step]) => step)).size).toBe(found.length);
  return Object.fromEntries(found);
}

/** Events without times. */
const timeless = (events: readonly ReadEvent[]) =>
  events.map(({ step, values }) => ({
    step,
    values: values.filter(({ tag, plugin }) => !/^speed/.test(tag) && !plugin),
  }));

describe("vae train --tensorboard", () => {
  it("writes the numbers of metrics.jsonl and test.json", () => {
    const events = eventsOf("whole");
    const reports = readFileSync(at("whole/metrics.jsonl"), "utf8").trim().split("\n");
    expect(reports.length).toBe(3);
    for (const line of reports) {
      const { epoch, imagesPerSecond, ...splits } = JSON.parse(line);
      const of = (tag: string) => scalars(events, tag)[epoch];
      for (const split of ["train", "validation"]) {
        const { elbo, reconstruction, kl } = splits[split];
        expect(of(`loss/-ELBO/${split}`)).toBe(Math.fround(-elbo));
        expect(of(`loss/reconstruction/${split}`)).toBe(Math.fround(reconstruction));
        expect(of(`loss/KL/${split}`)).toBe(Math.fround(kl));
      }
      expect(of("speed/images per second")).toBe(Math.fround(imagesPerSecond));
    }
    const { epoch, test } = json("whole/test.json");
    expect(scalars(events, "loss/-ELBO/test")).toEqual({ [epoch]: Math.fround(-test.elbo) });
  });

  it("writes the pictures of each epoch, and histograms of the means of test images", () => {
    const events = eventsOf("whole").filter(({ step }) => step > 0);
    for (const { step, values } of events.slice(0, 3)) {
      const pictures = values.flatMap(({ tag, image }) => (image ? [{ tag, image }] : []));
      const names = ["reconstructions", "samples", "manifold"].map((kind) => `pictures/${kind}`);
      expect(pictures.map(({ tag }) => tag)).toEqual([...(step === 1 ? ["pictures/inputs"] : []), ...names]);
      for (const { tag, image } of pictures) {
        const file = tag === "pictures/inputs" ? "pictures/inputs.png" : `${tag}/00${step}.png`;
        expect(image.png).toEqual(readFileSync(at("whole", file)));
        const { width, height } = PNG.sync.read(image.png);
        expect([image.width, image.height, image.colorspace]).toEqual([width, height, 1]);
      }
      const histograms = values.flatMap(({ tag, histogram }) => (histogram ? [[tag, histogram.num]] : []));
      expect(histograms).toEqual([
        ["latents/means", 240],
        ["latents/z1", 120],
        ["latents/z2", 120],
      ]);
    }
  });

  it("writes real times in their order", () => {
    const times = eventsOf("whole").map(({ wallTime }) => wallTime);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBe(Date.parse(json("whole/config.json").created) / 1000);
    expect(times.at(-1)).toBeLessThanOrEqual(Date.now() / 1000);
  });

  it("changes neither the weights nor the run's id", () => {
    const [before, now] = ["plain", "whole"].map((name) => readFileSync(at(name, "model.safetensors")));
    expect(now.equals(before)).toBe(true);
    expect(json("whole/config.json").id).toBe(json("plain/config.json").id);
    expect(existsSync(at("plain/tensorboard"))).toBe(false);
  });

  it("writes the projector of the best weights", async () => {
    const lines = (name: string) => readFileSync(at("whole/tensorboard", name), "utf8").trimEnd().split("\n");
    const [head, ...labels] = lines("metadata.tsv");
    expect([head, labels.length, lines("tensors.tsv").length]).toEqual(["class\timage", 120, 120]);
    await ok("encode", "--run", "whole", "--out", "z.csv");
    const encoded = readFileSync(at("z.csv"), "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(","));
    const columns = ["z0", "z1"].map((name) => encoded[0].indexOf(name));
    const means = encoded.slice(1).map((row) => columns.map((column) => Math.fround(Number(row[column]))));
    expect(lines("tensors.tsv").map((line) => line.split("\t").map((text) => Math.fround(Number(text))))).toEqual(
      means,
    );
    const { width, height } = PNG.sync.read(readFileSync(at("whole/tensorboard/sprite.png")));
    expect([width, height]).toEqual([77, 77]); // 11 × 11 images of 7 × 7
  });
});

describe("a resumed run", () => {
  it("has each epoch once, and none after its checkpoint", async () => {
    const name = copy("whole", "earlier");
    rmSync(lastCheckpointOf(at(name)));
    const before = eventsOf(name);
    await ok("train", "--resume", name, "--quiet");
    const events = eventsOf(name);
    expect(timeless(events)).toEqual(timeless(before));
    expect(scalars(events, "loss/-ELBO/train")).toEqual(scalars(eventsOf("whole"), "loss/-ELBO/train"));
    expect(json(name, "config.json").settings.tensorboard).toBe(true);
  });

  it("continues the events when it is extended: the test moves to the new best epoch", async () => {
    const name = copy("whole", "longer");
    await ok("train", "--resume", name, "--epochs", "5", "--quiet");
    const events = eventsOf(name);
    expect(Object.keys(scalars(events, "loss/KL/train"))).toEqual(["1", "2", "3", "4", "5"]);
    expect(Object.keys(scalars(events, "loss/KL/test"))).toEqual([String(json(name, "test.json").epoch)]);
    expect(events.find(({ step }) => step === 2)).toEqual(eventsOf("whole").find(({ step }) => step === 2));
    expect(events.filter((event) => tagsOf(event).includes("latents/means")).length).toBe(5);
  });

  it.each([
    ["cut", (file: Buffer) => file.subarray(0, file.length >> 1)],
    ["changed", (file: Buffer) => file.map((byte, i) => (i === file.length >> 1 ? byte ^ 1 : byte))],
    ["rubbish", () => Buffer.from("rubbish")],
    ["empty", () => Buffer.alloc(0)],
  ])("restores an event file that is %s", async (kind, damage) => {
    const name = copy("whole", `damaged-${kind}`);
    writeFileSync(eventFile(name), damage(readFileSync(eventFile(name))));
    await ok("train", "--resume", name, "--quiet");
    const withoutLatents = (events: readonly ReadEvent[]) =>
      timeless(events).map(({ step, values }) => ({ step, values: values.filter(({ histogram }) => !histogram) }));
    expect(withoutLatents(eventsOf(name))).toEqual(withoutLatents(eventsOf("whole")));
  });

  it("ignores the event file of another run", async () => {
    await train("other", ...tiny, "--epochs", "3", "--seed", "9", "--tensorboard");
    const name = copy("whole", "mixed");
    writeFileSync(eventFile(name), readFileSync(eventFile("other")));
    await ok("train", "--resume", name, "--quiet");
    expect(scalars(eventsOf(name), "loss/KL/train")).toEqual(scalars(eventsOf("whole"), "loss/KL/train"));
  });

  it("writes no event through a link instead of tensorboard/", async () => {
    const name = copy("plain", "with-link");
    mkdirSync(at("linked"));
    symlinkSync(at("linked"), at(name, "tensorboard"));
    const { code, stderr } = await run("train", "--resume", name, "--epochs", "4", "--tensorboard");
    expect([code, stderr]).toEqual([2, expect.stringMatching(/tensorboard is a link, not a folder/)]);
    expect(readdirSync(at("linked"))).toEqual([]);
  });

  it("may turn the setting on and off", async () => {
    const name = copy("plain", "on-and-off");
    await ok("train", "--resume", name, "--epochs", "4", "--tensorboard", "--quiet");
    expect(Object.keys(scalars(eventsOf(name), "loss/KL/train"))).toEqual(["1", "2", "3", "4"]);
    await ok("train", "--resume", name, "--epochs", "5", "--set", "tensorboard=false", "--quiet");
    expect(Object.keys(scalars(eventsOf(name), "loss/KL/train"))).toEqual(["1", "2", "3", "4"]);
  });
});

describe("vae export --format tensorboard", () => {
  it("writes what the run's files say", async () => {
    const name = copy("plain", "exported");
    const folder = path.join(name, "tensorboard");
    expect(await run("export", "--run", name, "--format", "tensorboard")).toEqual({
      code: 0,
      stdout: `${folder}\n`,
      stderr: "",
    });
    const { epoch: best } = json(name, "test.json");
    const expected = timeless(eventsOf("whole")).map(({ step, values }) => ({
      step,
      values: values.filter(({ histogram }) => !histogram || step === best),
    }));
    expect(timeless(eventsOf(name))).toEqual(expected);
    for (const file of ["tensors.tsv", "metadata.tsv", "sprite.png", "projector_config.pbtxt"]) {
      expect(readFileSync(at(folder, file))).toEqual(readFileSync(at("whole/tensorboard", file)));
    }
  });

  it("keeps the events of the training, and may write elsewhere", async () => {
    const { stdout } = await run(..."export --run whole --format tensorboard --out logs/mine --json".split(" "));
    expect(JSON.parse(stdout)).toEqual({ run: "whole", format: "tensorboard", folder: "logs/mine" });
    expect(timeless(readEventsIn(at("logs/mine")))).toEqual(timeless(eventsOf("whole")));
  });

  it("refuses to replace the event file of a training", async () => {
    const name = copy("whole", "busy");
    const sleeper = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
    writeFileSync(at(name, "lock"), JSON.stringify({ pid: sleeper.pid, host: hostname() }));
    const { code, stdout, stderr } = await run("export", "--run", name, "--format", "tensorboard");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe("error: busy is being trained, and its event file may grow. Give another folder with --out.\n");
    symlinkSync(at(name), at("link"));
    symlinkSync(at(name, "tensorboard"), at("link-to-events"));
    for (const out of ["busy/tensorboard", "busy/../busy/tensorboard/", "link/tensorboard", "link-to-events"]) {
      expect((await run("export", "--run", name, "--format", "tensorboard", "--out", out)).stderr).toBe(stderr);
    }
    await ok("export", "--run", name, "--format", "tensorboard", "--out", "elsewhere");
    sleeper.kill();
  });

  it("writes nothing if a training starts while it reads the data", async () => {
    const name = copy("whole", "raced");
    const before = readFileSync(eventFile(name));
    await using model = await loadModel(at(name));
    const load = model.loadData.bind(model);
    let training: RunFolder | undefined;
    model.loadData = async (other) => {
      training = await RunFolder.resume(at(name));
      return load(other);
    };
    await expect(exportTensorBoard(model)).rejects.toThrow("raced is in use by process");
    await training?.close();
    expect(readFileSync(eventFile(name))).toEqual(before);
    expect(existsSync(at(name, "lock"))).toBe(false);
  });

  it("names the epoch of the weights that it loaded, though the training has found better ones", async () => {
    const name = copy("whole", "improved");
    await using model = await loadModel(at(name));
    const lines = readFileSync(at(name, "metrics.jsonl"), "utf8").trimEnd();
    const last = JSON.parse(lines.split("\n").at(-1) ?? "");
    expect([model.metadata.epoch, last.epoch]).toEqual(["3", 3]);
    writeFileSync(at(name, "metrics.jsonl"), `${lines}\n${JSON.stringify({ ...last, epoch: 4, isBest: true })}\n`);
    rmSync(eventFile(name));
    await exportTensorBoard(model);
    const events = eventsOf(name);
    expect(Object.keys(scalars(events, "loss/KL/train"))).toEqual(["1", "2", "3", "4"]);
    expect(events.filter((event) => tagsOf(event).includes("latents/means")).map(({ step }) => step)).toEqual([3]);
    expect(scalars(events, "loss/KL/test")).toEqual({});
  });

  it("leaves out numbers beyond float32, and times that older versions did not write", async () => {
    const name = copy("plain", "older");
    const reports = readFileSync(at(name, "metrics.jsonl"), "utf8").trimEnd().split("\n");
    const older = reports.map((line) => {
      const { seconds, ...report } = JSON.parse(line);
      return JSON.stringify({ ...report, train: { ...report.train, kl: report.epoch === 2 ? 1e39 : 1 } });
    });
    writeFileSync(at(name, "metrics.jsonl"), older.join("\n"));
    await ok("export", "--run", name, "--format", "tensorboard");
    const events = eventsOf(name);
    expect(scalars(events, "loss/KL/train")).toEqual({ 1: 1, 3: 1 });
    const created = Date.parse(json(name, "config.json").created) / 1000;
    expect(new Set(events.map(({ wallTime }) => wallTime))).toEqual(new Set([created]));
  });
});

describe("other models", () => {
  const lossesOf = (name: string) => {
    const tags = new Set(eventsOf(name).flatMap(tagsOf));
    return [...tags].filter((tag) => /^loss.*train$/.test(tag));
  };

  it("a plain autoencoder has only its reconstruction", async () => {
    await train("ae", ...tiny, "--epochs", "1", "--model", "ae", "--tensorboard");
    expect(lossesOf("ae")).toEqual(["loss/-log p(x|z)/train"]);
  });

  it("another objective has its name, and the ELBO too", async () => {
    await train("iwae", ...tiny, "--epochs", "1", "--objective", "iwae", "--tensorboard");
    const names = ["-L5", "-ELBO", "reconstruction", "KL"];
    expect(lossesOf("iwae")).toEqual(names.map((name) => `loss/${name}/train`));
  });

  it("a denoiser of labelled digits in three dimensions", async () => {
    const flags = "--epochs 1 --conditional --noise --dim-z 3 --tensorboard".split(" ");
    await train("denoiser", ...tiny, ...flags);
    const tags = eventsOf("denoiser").flatMap(tagsOf);
    expect(tags).toEqual(expect.arrayContaining(["pictures/inputs-noisy", "latents/z3"]));
    expect(tags).not.toContain("pictures/manifold");
  });

  it("colour images without labels, reduced in the sprite", async () => {
    mkdirSync(at("photos"));
    for (let i = 0; i < 30; i++) {
      const pixels = Uint8Array.from({ length: 100 * 80 * 3 }, (_, at) => (at % 3 === i % 3 ? 250 : 10));
      writeFileSync(at("photos", `${i}.png`), encodePng({ width: 100, height: 80, channels: 3, pixels }));
    }
    const flags = "--dataset photos --size 100x80 --batch-size 8 --epochs 1 --preset tutorial --tensorboard".split(" ");
    await train("colour", ...flags);
    const [image] = eventsOf("colour").flatMap(({ values }) => values.flatMap(({ image }) => image ?? []));
    expect(image.colorspace).toBe(3);
    const config = readFileSync(at("colour/tensorboard/projector_config.pbtxt"), "utf8");
    expect(config).toMatch(/single_image_dim: 64\n +single_image_dim: 51\n/);
    const { width, height } = PNG.sync.read(readFileSync(at("colour/tensorboard/sprite.png")));
    expect([width, height]).toEqual([128, 102]); // 2 × 2 images, of 4
    expect(readFileSync(at("colour/tensorboard/metadata.tsv"), "utf8")).toBe("0\n1\n2\n3\n");
  });

  it("the runs of a sweep, each in its folder", async () => {
    await train("sweep", ...tiny, "--epochs", "1", "--sweep", "batchSize=40,60", "--tensorboard");
    const names = ["-ELBO", "reconstruction", "KL"];
    for (const size of [40, 60]) {
      expect(lossesOf(`sweep/batchSize=${size}`)).toEqual(names.map((name) => `loss/${name}/train`));
    }
  });
});
