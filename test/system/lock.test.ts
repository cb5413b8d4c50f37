import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { link, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TEMPORARY } from "../../src/files/write.js";
import { lockRun } from "../../src/run/lock.js";

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  return { ...real, link: vi.fn(real.link), rm: vi.fn(real.rm) };
});
const real = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "vae-lock-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
  vi.mocked(link).mockReset(); // restores the real functions
  vi.mocked(rm).mockReset();
});

const write = (owner: unknown) =>
  writeFileSync(path.join(dir, "lock"), typeof owner === "string" ? owner : JSON.stringify(owner));

const noLinks = async () => {
  throw Object.assign(new Error("EPERM: operation not permitted, link"), { code: "EPERM", syscall: "link" });
};

describe("a run's lock", () => {
  it("names its owner, excludes others, and can be released", async () => {
    const lock = await lockRun(dir);
    expect(JSON.parse(readFileSync(path.join(dir, "lock"), "utf8"))).toMatchObject({
      pid: process.pid,
      host: hostname(),
    });
    await expect(lockRun(dir)).rejects.toThrow(`in use by process ${process.pid} on ${hostname()}`);
    await lock.release(dir);
    expect(readdirSync(dir)).toEqual([]);
    await (await lockRun(dir)).release(dir);
  });

  it("is kept while its process lives, and always on another machine", async () => {
    write({ pid: process.ppid, host: hostname() });
    await expect(lockRun(dir)).rejects.toThrow(`process ${process.ppid} `);
    write({ pid: 1, host: `not-${hostname()}` });
    await expect(lockRun(dir)).rejects.toThrow(`process 1 on not-${hostname()}`);
  });

  const gone = spawnSync(process.execPath, ["--version"]).pid;
  it.each([
    ["a process that has ended", { pid: gone, host: hostname() }],
    ["an earlier process with the same id", { pid: process.pid, host: hostname() }],
    ["a crash, with a partial lock file", '{"pid":12'],
    ["a crash, with an empty lock file", ""],
  ])("is taken over from %s", async (_, owner) => {
    write(owner);
    utimesSync(path.join(dir, "lock"), 0, 0);
    const lock = await lockRun(dir);
    expect(JSON.parse(readFileSync(path.join(dir, "lock"), "utf8")).pid).toBe(process.pid);
    expect(readdirSync(dir)).toEqual(["lock"]);
    await lock.release(dir);
  });

  it.runIf(process.platform === "linux")("is taken over from a zombie process", async () => {
    const parent = spawn("sh", ["-c", "sleep 30 & echo $!; exec sleep 30"], { stdio: ["ignore", "pipe", "ignore"] });
    const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, "utf8");
    try {
      const [line] = await once(parent.stdout, "data");
      const zombie = Number(line);
      while (!stateOf(parent.pid as number).includes("(sleep)")) await setTimeout(5);
      process.kill(zombie);
      while (!stateOf(zombie).includes(") Z ")) await setTimeout(5);
      write({ pid: zombie, host: hostname() });
      await (await lockRun(dir)).release(dir);
    } finally {
      parent.kill();
    }
  });

  it("is kept while another process may be writing it, or if it cannot be read", async () => {
    write("");
    await expect(lockRun(dir)).rejects.toThrow("in use by another process");
    rmSync(path.join(dir, "lock"));
    mkdirSync(path.join(dir, "lock"));
    await expect(lockRun(dir)).rejects.toThrow(`${path.join(dir, "lock")} is a folder, not a file.`);
  });

  it("is created atomically", async () => {
    const seen = new Set<string>();
    vi.mocked(link).mockImplementation(async (from, to) => {
      seen.add(`${readFileSync(from, "utf8").length > 0} ${readdirSync(dir).includes(path.basename(String(to)))}`);
      return real.link(from, to);
    });
    await (await lockRun(dir)).release(dir);
    expect([...seen]).toEqual(["true false"]);
  });

  it.each([
    ["hard links", undefined],
    ["no hard links", noLinks],
  ])("goes to one of many concurrent callers, with %s, and leaves no other file", async (_, fake) => {
    if (fake) vi.mocked(link).mockImplementation(fake);
    write({ pid: gone, host: hostname() });
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => lockRun(dir)));
    expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(readdirSync(dir)).toEqual(["lock"]);
  });

  it("is taken over after three processes in a row have died while taking it over", async () => {
    write({ pid: gone, host: hostname() });
    for (let taker = 1; taker <= 3; taker++) {
      const died = new Promise<void>((resolve) => {
        vi.mocked(link).mockImplementation(async (from, to) => {
          writeFileSync(from, JSON.stringify({ pid: gone, host: hostname(), taker }));
          await real.link(from, to);
          resolve();
          return new Promise(() => {}); // as if the process had died
        });
      });
      void lockRun(dir);
      await died;
    }
    const left = readdirSync(dir).filter((name) => name !== "lock");
    expect(left.filter((name) => !TEMPORARY.test(name))).toEqual([]);
    vi.mocked(link).mockReset();
    await (await lockRun(dir)).release(dir);
    expect(left).toEqual(expect.arrayContaining(readdirSync(dir)));
    // The three second locks are deleted. Their three temporary files remain.
    expect([left.length, readdirSync(dir).length]).toEqual([6, 3]);
  });

  it("is free again after its process was killed at any step of taking over", async () => {
    const script = (steps: number) => `
      import fs from "node:fs/promises";
      import { syncBuiltinESMExports } from "node:module";
      let steps = ${steps};
      for (const name of ["link", "rm", "writeFile"]) {
        const real = fs[name];
        fs[name] = async (...args) => {
          if (steps-- > 0) return real(...args);
          if (name === "writeFile") await real(args[0], "", args[2]); // killed during the write
          process.kill(process.pid, "SIGKILL");
        };
      }
      syncBuiltinESMExports();
      const { lockRun } = await import("${new URL("../../dist/run/lock.js", import.meta.url)}");
      await lockRun(".");`;
    let killed = 0;
    for (; ; killed++) {
      write({ pid: gone, host: hostname() });
      const { signal, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script(killed)], {
        cwd: dir,
      });
      await (await lockRun(dir)).release(dir);
      expect(readdirSync(dir).filter((name) => !TEMPORARY.test(name))).toEqual([]);
      if (status === 0) break;
      expect(signal).toBe("SIGKILL");
    }
    expect(killed).toBeGreaterThan(8);
  });

  it("goes to one of two callers, at whichever step of the first the second arrives", async () => {
    for (let steps = 0, came = true; came; steps++) {
      write({ pid: gone, host: hostname() });
      came = false;
      let left = steps;
      const outcomes: string[] = [];
      const attempt = () =>
        lockRun(dir).then(
          () => outcomes.push("taken"),
          () => outcomes.push("in use"),
        );
      const step = async () => {
        if (left-- !== 0) return;
        came = true;
        await attempt();
      };
      vi.mocked(link).mockImplementation(async (from, to) => {
        await step();
        return real.link(from, to);
      });
      vi.mocked(rm).mockImplementation(async (file, options) => {
        await step();
        return real.rm(file, options);
      });
      await attempt();
      expect(outcomes.toSorted()).toEqual(came ? ["in use", "taken"] : ["taken"]);
      expect(readdirSync(dir)).toEqual(["lock"]);
    }
  });
});
