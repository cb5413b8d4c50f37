import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockRun } from "../../src/run/lock.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "vae-lock-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const write = (owner: unknown) =>
  writeFileSync(path.join(dir, "lock"), typeof owner === "string" ? owner : JSON.stringify(owner));

describe("a run's lock", () => {
  it("names its owner, keeps others out, and can be given back", async () => {
    const unlock = await lockRun(dir);
    expect(JSON.parse(readFileSync(path.join(dir, "lock"), "utf8"))).toMatchObject({
      pid: process.pid,
      host: hostname(),
    });
    await expect(lockRun(dir)).rejects.toThrow(`in use by process ${process.pid} on ${hostname()}`);
    await unlock(dir);
    expect(readdirSync(dir)).toEqual([]);
    await (await lockRun(dir))(dir);
  });

  it("is kept by a process that lives, here or on another machine", async () => {
    write({ pid: process.ppid, host: hostname() });
    await expect(lockRun(dir)).rejects.toThrow(`process ${process.ppid} `);
    write({ pid: 1, host: `not-${hostname()}` });
    await expect(lockRun(dir)).rejects.toThrow(`process 1 on not-${hostname()}`);
  });

  const gone = spawnSync(process.execPath, ["--version"]).pid;
  it.each([
    ["a process that is gone", { pid: gone, host: hostname() }],
    ["one that had this process's number", { pid: process.pid, host: hostname() }],
    ["a crash, half written", '{"pid":12'],
    ["a crash, empty", ""],
  ])("is taken over from %s", async (_, owner) => {
    write(owner);
    utimesSync(path.join(dir, "lock"), 0, 0);
    const unlock = await lockRun(dir);
    expect(JSON.parse(readFileSync(path.join(dir, "lock"), "utf8")).pid).toBe(process.pid);
    expect(readdirSync(dir)).toEqual(["lock"]);
    await unlock(dir);
  });

  it("is left alone while another process may be writing it, and where it cannot be read", async () => {
    write("");
    await expect(lockRun(dir)).rejects.toThrow("in use by another process");
    rmSync(path.join(dir, "lock"));
    mkdirSync(path.join(dir, "lock"));
    await expect(lockRun(dir)).rejects.toThrow(`${path.join(dir, "lock")} could not be read (EISDIR`);
  });

  it("goes to one of many that come at once", async () => {
    write({ pid: gone, host: hostname() });
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => lockRun(dir)));
    expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});
