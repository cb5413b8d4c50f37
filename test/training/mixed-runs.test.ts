// Mixed-up runs: files of another run, deleted locks, moved folders, signals aborted early.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeSafetensors, encodeSafetensors } from "../../src/formats/safetensors.js";
import { type GivenSettings, parts, resume, train, UserError } from "../../src/index.js";
import { writeTinyMnist } from "../fixtures/idx.js";
import { checkpointsOf, lastCheckpointOf } from "../outcome.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const settings = (more: GivenSettings = {}): GivenSettings => ({
  ...{ dataset: at("tiny"), nHidden: [8], batchSize: 50, epochs: 2, threads: 1, engine: "cpu", checkpointSeconds: 0 },
  ...more,
});
async function trained(run: string, more: GivenSettings = {}, options: Parameters<typeof train>[1] = {}) {
  for await (const _ of train(settings(more), { run: at(run), ...options }));
}
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-mixed-"));
  await writeTinyMnist(at("tiny"), 240, 60);
  await trained("a");
  await trained("b", { seed: 1 });
  await trained("again");
});
afterAll(() => rmSync(home, { recursive: true }));

const copy = (name: string) => {
  cpSync(at("a"), at(name), { recursive: true });
  return at(name);
};
const idOf = (run: string): string => JSON.parse(readFileSync(at(run, "config.json"), "utf8")).id;
const metadataOf = (file: string) => decodeSafetensors(readFileSync(file), file).metadata;

describe("the id of a run", () => {
  it("is stored in its configuration, weights and checkpoints", () => {
    expect(idOf("a")).toMatch(/^[\da-f]{32}$/);
    for (const file of [at("a/model.safetensors"), ...checkpointsOf(at("a")).map((name) => at("a/checkpoint", name))]) {
      expect(metadataOf(file).run).toBe(idOf("a"));
    }
  });

  it("differs between runs, but not if a run is repeated, which gives the same bytes", () => {
    expect(idOf("b")).not.toBe(idOf("a"));
    expect(idOf("again")).toBe(idOf("a"));
    expect(readFileSync(at("again/model.safetensors")).equals(readFileSync(at("a/model.safetensors")))).toBe(true);
  });

  it("differs between runs with own parts, whose code has no digest", async () => {
    const own = (run: string) => trained(run, { epochs: 1 }, { parts: (config, input) => parts.build(config, input) });
    await own("own-1");
    await own("own-2");
    expect(idOf("own-1")).not.toBe(idOf("own-2"));
  });
});

describe("files of another run", () => {
  it.each([
    [
      "its weights",
      "sample --run",
      (run: string) => cpSync(at("b/model.safetensors"), path.join(run, "model.safetensors")),
    ],
    ["its configuration", "sample --run", (run: string) => cpSync(at("b/config.json"), path.join(run, "config.json"))],
    [
      "its configuration",
      "train --resume",
      (run: string) => cpSync(at("b/config.json"), path.join(run, "config.json")),
    ],
    ["its checkpoint", "train --resume", (run: string) => cpSync(lastCheckpointOf(at("b")), lastCheckpointOf(run))],
  ])("%s: refused by vae %s", async (what, command, mix) => {
    const run = copy(`mixed ${what} ${command}`.replaceAll(" ", "-"));
    mix(run);
    const { code, stderr } = await vae([...command.split(" "), run], home);
    expect(code).toBe(2);
    expect(stderr).toMatch(/\.safetensors and the config\.json in its folder belong to different runs\.[^\n]*\n$/);
  });

  it("a checkpoint of another run: the message names the previous checkpoint", async () => {
    const run = copy("mixed-last");
    const before = path.join(run, "checkpoint", checkpointsOf(run)[0]);
    cpSync(lastCheckpointOf(at("b")), lastCheckpointOf(run));
    const { stderr } = await vae(["train", "--resume", run], home);
    expect(stderr).toContain(`delete ${lastCheckpointOf(run)} to resume from ${before}.`);
    rmSync(lastCheckpointOf(run));
    for await (const _ of resume(run));
    expect(readFileSync(path.join(run, "model.safetensors"))).toEqual(readFileSync(at("a/model.safetensors")));
  });

  it("a checkpoint without an id, from an older version, counts as another run's", async () => {
    const run = copy("older");
    const file = lastCheckpointOf(run);
    const { tensors, metadata } = decodeSafetensors(readFileSync(file), file);
    const { run: _, ...rest } = metadata;
    writeFileSync(file, encodeSafetensors({ tensors, metadata: rest }));
    await expect(resume(run).next()).rejects.toThrow(
      `${file} and the config.json in its folder belong to different runs`,
    );
  });

  it("with another run's configuration, no checkpoint is accepted", async () => {
    const run = copy("foreign-config");
    cpSync(at("b/config.json"), path.join(run, "config.json"));
    await expect(resume(run).next()).rejects.toThrow(
      "Restore files of the same run. There is no other checkpoint to resume from.",
    );
  });

  it("accepts weights without an id, as other programs write them", async () => {
    const run = copy("foreign");
    const file = path.join(run, "model.safetensors");
    const { tensors } = decodeSafetensors(readFileSync(file), file);
    writeFileSync(file, encodeSafetensors({ tensors, metadata: {} }));
    expect((await vae(["sample", "--run", run, "--n", "1"], home)).code).toBe(0);
  });
});

describe("a lock deleted during training", () => {
  /** Trains until the first chunk of steps, calls `act`, and trains on. */
  async function disturbed(name: string, act: (run: string) => void): Promise<{ error: unknown; before: string[] }> {
    let before: string[] = [];
    try {
      for await (const event of train(settings({ epochs: 50 }), { run: at(name) })) {
        if (event.type !== "chunk" || before.length > 0) continue;
        before = checkpointsOf(at(name));
        act(at(name));
      }
    } catch (error) {
      return { error, before };
    }
    throw new Error("The training did not stop");
  }

  it("stops the training before the next checkpoint", async () => {
    const { error, before } = await disturbed("unlocked", (run) => rmSync(path.join(run, "lock")));
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(
      /^\S+lock was deleted or replaced, so another process may be training this run/,
    );
    expect(checkpointsOf(at("unlocked"))).toEqual(before);
  });

  it("stops the training before it overwrites weights, metrics and pictures of another process", async () => {
    const contents = (run: string) =>
      readdirSync(run, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== "lock")
        .map(({ parentPath, name }) => [name, readFileSync(path.join(parentPath, name)).toString("base64")]);
    let before: unknown;
    const training = train(settings({ epochs: 50, checkpointSeconds: 1000 }), { run: at("taken") });
    await expect(async () => {
      for await (const event of training) {
        if (event.type !== "epoch" || before) continue;
        rmSync(at("taken/lock"));
        before = contents(at("taken"));
      }
    }).rejects.toThrow("lock was deleted or replaced");
    expect(contents(at("taken"))).toEqual(before);
  });

  it("leaves another process' lock in its place", async () => {
    const other = JSON.stringify({ pid: process.ppid, host: "elsewhere", id: "other" });
    const { error } = await disturbed("replaced", (run) => writeFileSync(path.join(run, "lock"), other));
    expect((error as Error).message).toContain("lock was deleted or replaced");
    expect(readFileSync(at("replaced/lock"), "utf8")).toBe(other);
  });

  it("with its folder ends the training, and recreates nothing under the old name", async () => {
    const { error } = await disturbed("moved", (run) => renameSync(run, `${run}-away`));
    expect(error).toMatchObject({ code: "ENOENT", message: expect.stringContaining(at("moved")) });
    expect(existsSync(at("moved"))).toBe(false);
  });
});

describe("a signal that is aborted already", () => {
  const reason = new Error("enough");
  it("creates no folder", async () => {
    const signal = AbortSignal.abort(reason);
    await expect(train(settings(), { run: at("new/aborted"), signal }).next()).rejects.toBe(reason);
    expect(existsSync(at("new"))).toBe(false);
  });

  it("creates no folder if aborted while the training is prepared", async () => {
    const controller = new AbortController();
    const first = train(settings(), { run: at("new/late"), signal: controller.signal }).next();
    controller.abort(reason);
    await expect(first).rejects.toBe(reason);
    expect(existsSync(at("new"))).toBe(false);
  });

  it("leaves a run to be resumed unchanged", async () => {
    const before = readdirSync(at("a"));
    const signal = AbortSignal.abort(reason);
    await expect(resume(at("a"), { epochs: 9 }, { signal }).next()).rejects.toBe(reason);
    expect(readdirSync(at("a"))).toEqual(before);
    expect(JSON.parse(readFileSync(at("a/config.json"), "utf8")).settings.epochs).toBe(2);
  });
});
