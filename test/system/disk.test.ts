// A world that fails: full disks, folders that cannot be written or vanish. One line, exit code 1, and what was saved is whole.
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
import { writeTinyMnist } from "../fixtures/idx.js";
import { LAUNCHER, type Outcome, start, vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const train = (run: string, epochs = 3) =>
  `train --dataset tiny --n-hidden 64 --batch-size 50 --seed 1 --epochs ${epochs} --set checkpointSeconds=0 --run ${run}`.split(
    " ",
  );

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-disk-"));
  await writeTinyMnist(at("tiny"), 1200, 60);
  await vae(train("whole"), home);
});
afterAll(() => rmSync(home, { recursive: true }));

const hasTmpfs = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "x", "/mnt"]).status === 0;

const checkpoints = (run: string) => readdirSync(at(run, "checkpoint")).sort();
const model = (run: string) => readFileSync(at(run, "model.safetensors")).toString("base64");

/** In a shell that prepares what the command finds. */
async function shell(script: string): Promise<Pick<Outcome, "code" | "stderr">> {
  const child = spawn("bash", ["-c", script], { cwd: home, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stderr };
}

function failed({ code, stderr }: Pick<Outcome, "code" | "stderr">, problem: RegExp) {
  expect(code).toBe(1);
  expect(stderr.split("\n").filter((line) => line.startsWith("error:"))).toHaveLength(1);
  expect(stderr.trim().split("\n").at(-1)).toMatch(problem);
}

const temporaries = (folder: string) =>
  readdirSync(at(folder), { recursive: true }).filter((name) => String(name).endsWith(".tmp"));

/** Every file that is there can be read, and the run goes on to the end that it would have had. */
async function isWhole(run: string) {
  for (const name of checkpoints(run)) {
    expect(decodeSafetensors(readFileSync(at(run, "checkpoint", name)), name).metadata.sha256).toBeDefined();
  }
  expect(temporaries(run)).toEqual([]);
  expect((await vae(["train", "--resume", run], home)).code).toBe(0);
  expect(model(run)).toBe(model("whole"));
}

describe("a disk that is full", () => {
  const limited = (kilobytes: number, args: string[]) =>
    shell(`trap '' XFSZ; ulimit -f ${kilobytes}; exec node '${LAUNCHER}' ${args.join(" ")}`);

  it("at the first write leaves no folder behind", async () => {
    failed(await limited(8, train("none")), /^error: .* could not be written \(EFBIG: file too large/);
    expect(readdirSync(home)).not.toContain("none");
    expect(temporaries(".")).toEqual([]);
  });

  it("while images are decoded says so", async () => {
    mkdirSync(at("large"));
    for (let i = 0; i < 3; i++) {
      const image = sharp({ create: { width: 100, height: 100, channels: 3, background: { r: i, g: 0, b: 0 } } });
      await image.toFile(at("large", `${i}.png`));
    }
    const problem =
      /^error: large\/.vae-cache\/\w+-images-own-own could not be written \(EFBIG: file too large, write\)$/;
    failed(await limited(40, ["data", "large"]), problem);
    expect(readdirSync(at("large/.vae-cache"))).toEqual([]);
  });

  it("later on leaves what was saved, and says how to go on", async () => {
    const { code } = await vae(train("sizes", 1), home);
    expect(code).toBe(0);
    const [, last] = checkpoints("sizes").map((name) => statSync(at("sizes", "checkpoint", name)).size);
    // The first checkpoint has no best weights yet, so it fits where the last one does not.
    const outcome = await limited(Math.floor(last / 1024) - 1, train("full"));
    failed(outcome, /could not be written .* The last checkpoint is intact\. Resume later: vae train --resume full$/);
    await isWhole("full");
  });

  it.each([
    ["encode", "encode --run whole --split train --out before.npy", "before.npy", 4],
    ["export", "export --run whole --out .", "encoder.onnx", 4],
    ["reconstruct", "reconstruct --run whole --out before.png", "before.png", 1],
  ])("leaves what was there before %s", async (_, args, file, kilobytes) => {
    writeFileSync(at(file), "before");
    const { code, stderr } = await limited(kilobytes, args.split(" "));
    expect(stderr).toMatch(new RegExp(`^error: ${file} could not be written \\(EFBIG: file too large[^\n]*\n$`));
    expect([code, readFileSync(at(file), "utf8")]).toEqual([1, "before"]);
    expect(temporaries(".")).toEqual([]);
  });

  /** On a real one, of so many kB, which is mounted on `small` and copied to `left` in the end. */
  const onSmall = (kilobytes: number, args: string[]) => {
    mkdirSync(at("small"), { recursive: true });
    rmSync(at("left"), { recursive: true, force: true });
    const mount = `mount -t tmpfs -o size=${kilobytes}k x '${at("small")}'`;
    const script = `${mount} && node '${LAUNCHER}' ${args.join(" ")}; code=\\$?; cp -r small left; exit \\$code`;
    return shell(`exec unshare -rm bash -c "${script}"`);
  };

  it.runIf(hasTmpfs)("(a real one) says so, and the training goes on elsewhere", async () => {
    failed(
      await onSmall(160, train("small/run")),
      /^error: small\/run\/.* could not be written \(ENOSPC: no space left on device/,
    );
    expect(checkpoints("left/run").length).toBeGreaterThan(0);
    await isWhole("left/run");
  });

  it.runIf(hasTmpfs)("(a real one) gets no picture that is cut", async () => {
    const outcome = await onSmall(100, "sample --run whole --n 200 --each small/each".split(" "));
    failed(outcome, /^error: small\/each\/sample-\d{3}\.png could not be written \(ENOSPC: no space left on device/);
    const pictures = readdirSync(at("left/each"));
    expect(pictures.length).toBeGreaterThan(0);
    expect(pictures.filter((name) => !/^sample-\d{3}\.png$/.test(name))).toEqual([]);
    for (const name of pictures) expect(PNG.sync.read(readFileSync(at("left/each", name))).width).toBe(7);
  });

  it("or a signal in the middle of many pictures leaves none that is cut", async () => {
    const { child, outcome } = start("sample --run whole --n 100000 --each many".split(" "), home);
    while (!existsSync(at("many")) || readdirSync(at("many")).length < 500) await setTimeout(5);
    child.kill("SIGTERM");
    expect((await outcome).signal).toBe("SIGTERM");
    expect(temporaries("many")).toEqual([]);
    for (const name of readdirSync(at("many"))) expect(PNG.sync.read(readFileSync(at("many", name))).width).toBe(7);
  });
});

describe("a folder", () => {
  it.runIf(hasTmpfs)("of images that can only be read is decoded into the user's own cache", async () => {
    mkdirSync(at("images"));
    for (let i = 0; i < 12; i++) {
      const image = sharp({ create: { width: 4, height: 3, channels: 3, background: { r: i, g: 0, b: 0 } } });
      await image.toFile(at("images", `${i}.png`));
    }
    const script = `mkdir read own; mount -t tmpfs x read && cp images/* read && mount -o remount,ro read && HOME='${at("own")}' exec node '${LAUNCHER}' data read`;
    const { code, stderr } = await shell(`exec unshare -rm bash -c "${script}"`);
    expect([code, stderr]).toEqual([0, ""]);
    expect(readdirSync(at("own/.cache/vae"))).toContainEqual(expect.stringMatching(/-images-own-own$/));
  });

  it("that cannot be written is named", async () => {
    mkdirSync(at("locked"));
    chmodSync(at("locked"), 0o555);
    // For root nothing is locked but what is no disk.
    const run = process.getuid?.() === 0 ? "/proc/run" : "locked/run";
    failed(await vae(train(run), home), /^error: .*(run|proc)/);
  });

  it("that the system has no place for is named", async () => {
    failed(await vae(train("/proc/none/run"), home), /^error: .*mkdir '\/proc\/none'/);
  });

  it("that vanishes ends the training", async () => {
    const { child, outcome } = start(train("gone", 1000), home);
    child.stderr.on("data", (text) => {
      // At once, by its name: to remove one file after the other would race with what is written.
      if (String(text).includes("1/1000") && existsSync(at("gone"))) renameSync(at("gone"), at("elsewhere"));
    });
    const killer = setTimeout(50_000, undefined, { ref: false }).then(() => child.kill("SIGKILL"));
    failed(
      await Promise.race([outcome, killer.then(() => outcome)]),
      /^error: gone\/.* \(ENOENT: no such file or directory/,
    );
  });
});
