// Disk errors: full disks, read-only folders, deleted folders. The command prints one line, exits with code 1, and
// leaves saved files intact.
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { PNG } from "pngjs";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeSafetensors } from "../../src/formats/safetensors.js";
import { readEventsIn } from "../fixtures/events.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { LAUNCHER, type Outcome, start, vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const train = (run: string, epochs = 3) =>
  "train --dataset tiny --n-hidden 64 --batch-size 50 --seed 1 --set checkpointSeconds=0"
    .split(" ")
    .concat("--epochs", String(epochs), "--run", run);

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-disk-"));
  await writeTinyMnist(at("tiny"), 1200, 60);
  await vae(train("whole"), home);
});
afterAll(() => rmSync(home, { recursive: true }));

const hasTmpfs = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "x", "/mnt"]).status === 0;

const checkpoints = (run: string) => readdirSync(at(run, "checkpoint")).sort();
const model = (run: string) => readFileSync(at(run, "model.safetensors")).toString("base64");

/** Runs a command in a shell, which first prepares its environment. */
async function shell(
  script: string,
  env: Record<string, string | undefined> = {},
): Promise<Pick<Outcome, "code" | "stderr">> {
  const child = spawn("bash", ["-c", script], {
    cwd: home,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stderr };
}

/** Writes a folder of images. */
async function images(folder: string, count: number, width: number, height: number) {
  mkdirSync(at(folder));
  for (let i = 0; i < count; i++) {
    const image = sharp({ create: { width, height, channels: 3, background: { r: i, g: 200, b: 0 } } });
    await image.toFile(at(folder, `${i}.png`));
  }
}

function failed({ code, stderr }: Pick<Outcome, "code" | "stderr">, problem: RegExp) {
  expect(code).toBe(1);
  expect(stderr.split("\n").filter((line) => line.startsWith("error:"))).toHaveLength(1);
  expect(stderr.trim().split("\n").at(-1)).toMatch(problem);
}

const temporaries = (folder: string) =>
  readdirSync(at(folder), { recursive: true }).filter((name) => String(name).endsWith(".tmp"));

/** Expects every file to be readable, and the run to resume to the model of an uninterrupted one. */
async function isWhole(run: string) {
  for (const name of checkpoints(run)) {
    expect(decodeSafetensors(readFileSync(at(run, "checkpoint", name)), name).metadata.sha256).toBeDefined();
  }
  expect(temporaries(run)).toEqual([]);
  expect((await vae(["train", "--resume", run], home)).code).toBe(0);
  expect(model(run)).toBe(model("whole"));
}

describe("a full disk", () => {
  const limited = (kilobytes: number, args: string[], env: Record<string, string> = {}) =>
    shell(`trap '' XFSZ; ulimit -f ${kilobytes}; exec node '${LAUNCHER}' ${args.join(" ")}`, env);

  it("at the first write leaves no folder behind", async () => {
    failed(await limited(8, train("none")), /^error: .* could not be written \(EFBIG: file too large/);
    expect(readdirSync(home)).not.toContain("none");
    expect(temporaries(".")).toEqual([]);
  });

  it("is reported while images are decoded", async () => {
    await images("large", 3, 100, 100);
    const name = `${at("cache")}/[\\da-f]{24}-[\\da-f]{24}\\.data`;
    const problem = `^error: ${name} could not be written \\(EFBIG: file too large, write\\)$`;
    failed(await limited(40, ["data", "large"], { VAE_CACHE: at("cache") }), new RegExp(problem));
    expect(readdirSync(at("cache"))).toEqual([]);
  });

  it("after the first checkpoint leaves saved files intact, and prints how to resume", async () => {
    const { code } = await vae(train("sizes", 1), home);
    expect(code).toBe(0);
    const [, last] = checkpoints("sizes").map((name) => statSync(at("sizes", "checkpoint", name)).size);
    // The first checkpoint has no best weights yet, so it fits where the last one does not.
    const outcome = await limited(Math.floor(last / 1024) - 1, train("full"));
    failed(
      outcome,
      /could not be written .* The last checkpoint is intact\. Resume later: node \S*bin\/vae\.js train --resume full$/,
    );
    await isWhole("full");
  });

  it("at the end of the event file leaves whole events, and the training resumes", async () => {
    const outcome = await limited(150, [...train("events"), "--tensorboard"]); // more than a checkpoint
    failed(outcome, /events\.out\.tfevents\.\d+\.vae could not be written \(EFBIG: .* The last checkpoint is intact\./);
    const epochs = () => readEventsIn(at("events/tensorboard")).flatMap(({ step }) => (step > 0 ? step : []));
    expect(epochs()).toEqual([1, 2]);
    await isWhole("events");
    expect(epochs().slice(0, 3)).toEqual([1, 2, 3]);
  });

  it.each([
    ["encode", "encode --run whole --split train --out before.npy", "before.npy", 4],
    ["export", "export --run whole --out .", "encoder.onnx", 4],
    ["reconstruct", "reconstruct --run whole --out before.png", "before.png", 1],
  ])("keeps the previous file of %s", async (_, args, file, kilobytes) => {
    writeFileSync(at(file), "before");
    const { code, stderr } = await limited(kilobytes, args.split(" "));
    expect(stderr).toMatch(new RegExp(`^error: ${file} could not be written \\(EFBIG: file too large[^\n]*\n$`));
    expect([code, readFileSync(at(file), "utf8")]).toEqual([1, "before"]);
    expect(temporaries(".")).toEqual([]);
  });

  /** Runs a command with a real disk of some kB mounted on `small`, which is copied to `left` afterwards. */
  const onSmall = (kilobytes: number, args: string[]) => {
    mkdirSync(at("small"), { recursive: true });
    rmSync(at("left"), { recursive: true, force: true });
    const mount = `mount -t tmpfs -o size=${kilobytes}k x '${at("small")}'`;
    const script = `${mount} && node '${LAUNCHER}' ${args.join(" ")}; code=\\$?; cp -r small left; exit \\$code`;
    return shell(`exec unshare -rm bash -c "${script}"`);
  };

  it.runIf(hasTmpfs)("(mounted) is reported, and the training resumes on another disk", async () => {
    failed(
      await onSmall(160, train("small/run")),
      /^error: small\/run\/.* could not be written \(ENOSPC: no space left on device/,
    );
    expect(checkpoints("left/run").length).toBeGreaterThan(0);
    await isWhole("left/run");
  });

  it.runIf(hasTmpfs)("(mounted) contains no truncated picture", async () => {
    const outcome = await onSmall(100, "sample --run whole --n 200 --each small/each".split(" "));
    failed(outcome, /^error: small\/each\/sample-\d{3}\.png could not be written \(ENOSPC: no space left on device/);
    const pictures = readdirSync(at("left/each"));
    expect(pictures.length).toBeGreaterThan(0);
    expect(pictures.filter((name) => !/^sample-\d{3}\.png$/.test(name))).toEqual([]);
    for (const name of pictures) expect(PNG.sync.read(readFileSync(at("left/each", name))).width).toBe(7);
  });

  it("or a signal while pictures are written leaves no truncated picture", async () => {
    const { child, outcome } = start("sample --run whole --n 100000 --each many".split(" "), home);
    while (!existsSync(at("many")) || readdirSync(at("many")).length < 500) await setTimeout(5);
    child.kill("SIGTERM");
    expect((await outcome).signal).toBe("SIGTERM");
    expect(temporaries("many")).toEqual([]);
    for (const name of readdirSync(at("many"))) expect(PNG.sync.read(readFileSync(at("many", name))).width).toBe(7);
  });
});

describe("decoded images", () => {
  beforeAll(() => images("images", 12, 4, 3));

  it("are stored in the user's cache folder, not in the folder of the images", async () => {
    const env = { VAE_CACHE: undefined, XDG_CACHE_HOME: undefined, HOME: at("user") };
    expect(await shell(`exec node '${LAUNCHER}' data images`, env)).toEqual({ code: 0, stderr: "" });
    expect(readdirSync(at("user/.cache/vae"))).toHaveLength(1);
    expect(readdirSync(at("images"))).toHaveLength(12);
  });

  /** Runs vae data with another HOME. Expects the decoded images in a temporary folder. */
  async function decodedWithoutHome(script: (command: string) => string, user: string) {
    const TMPDIR = mkdtempSync(at("tmp-"));
    const env = { VAE_CACHE: undefined, XDG_CACHE_HOME: undefined, HOME: user, TMPDIR };
    expect(await shell(script(`exec node '${LAUNCHER}' data images`), env)).toEqual({ code: 0, stderr: "" });
    const folder = `vae-cache-${process.getuid?.()}`;
    expect(readdirSync(TMPDIR)).toEqual([folder]);
    expect(readdirSync(path.join(TMPDIR, folder))).toHaveLength(1);
  }

  it("are stored in a temporary folder if HOME is missing", () => decodedWithoutHome((command) => command, ""));

  it.runIf(hasTmpfs)("are stored in a temporary folder if HOME is read-only", async () => {
    mkdirSync(at("user-ro"));
    const mount = "mount -t tmpfs x user-ro && mount -o remount,ro user-ro";
    await decodedWithoutHome((command) => `exec unshare -rm bash -c "${mount} && ${command}"`, at("user-ro"));
  });

  it("are correct for two concurrent commands", async () => {
    const env = { VAE_CACHE: at("shared") };
    const runs = [1, 2].map(() => start(["data", "images", "--json"], home, env).outcome);
    const [first, second] = await Promise.all(runs);
    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(second).toEqual(first);
    expect(readdirSync(at("shared"))).toHaveLength(1);
    expect(await start(["data", "images", "--json"], home, env).outcome).toEqual(first);
  });

  it.each([
    ["SIGINT", "data many-images"],
    ["SIGTERM", "data many-images"],
    ["SIGHUP", "data many-images"],
    ["SIGINT", "train --dataset many-images --n-hidden 8 --quiet"],
    ["SIGTERM", "train --dataset many-images --n-hidden 8 --quiet"],
  ] as const)("leave no temporary file after %s of vae %s", async (signal, command) => {
    if (!existsSync(at("many-images"))) await images("many-images", 300, 500, 500);
    const folder = at(`${signal} of ${command.slice(0, 4)}`);
    const { child, outcome } = start(command.split(" "), home, { VAE_CACHE: folder });
    const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const isWriting = () =>
      existsSync(folder) && readdirSync(folder).some((name) => sizeOf(path.join(folder, name)) > 0);
    while (!isWriting()) await setTimeout(1);
    child.kill(signal);
    const { code, signal: ended } = await outcome;
    if (command.startsWith("train")) expect(code).toBe(signal === "SIGINT" ? 130 : 143);
    else expect(ended).toBe(signal);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("a folder", () => {
  it("that is read-only is named", async () => {
    mkdirSync(at("locked"));
    chmodSync(at("locked"), 0o555);
    // Root may write everywhere except in pseudo file systems such as /proc.
    const run = process.getuid?.() === 0 ? "/proc/run" : "locked/run";
    failed(await vae(train(run), home), /^error: .*(run|proc)/);
  });

  it("that the system cannot create is named", async () => {
    failed(await vae(train("/proc/none/run"), home), /^error: .*mkdir '\/proc\/none'/);
  });

  it("that is moved during training ends it", async () => {
    const { child, outcome } = start(train("gone", 1000), home);
    child.stderr.on("data", (text) => {
      // A rename is atomic. Removing one file after the other would race with the training's writes.
      if (String(text).includes("1/1000") && existsSync(at("gone"))) renameSync(at("gone"), at("elsewhere"));
    });
    const killer = setTimeout(50_000, undefined, { ref: false }).then(() => child.kill("SIGKILL"));
    failed(
      await Promise.race([outcome, killer.then(() => outcome)]),
      /^error: .*ENOENT: no such file or directory.*'gone\/.*\. gone was moved or deleted\.$/,
    );
  });
});
