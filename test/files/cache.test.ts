// The cache of data sets: hits, misses, damage, simultaneous processes, and its folder.
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
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cached } from "../../src/files/cache.js";
import { openCacheFolder, userCacheFolder } from "../../src/files/cache-folder.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
/** The number of times that an entry was made. */
let made: number;

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-cache-"));
  vi.stubEnv("VAE_CACHE", at("cache"));
  for (const name of ["a", "b"]) writeFileSync(at(name), `content of ${name}`);
  made = 0;
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

/** Caches the joined content of files in `home`, with its length as the info. */
async function join(names: readonly string[] = ["a", "b"], key = ["joined"], pause?: Promise<void>) {
  const sources = names.map((name) => at(name));
  const { file, info } = await cached({
    key,
    sources,
    make: async function* () {
      made++;
      const parts = sources.map((source) => readFileSync(source));
      for (const part of parts) {
        yield part;
        await pause;
      }
      return { bytes: Buffer.concat(parts).length };
    },
  });
  return { file, info, text: readFileSync(file).subarray(0, info.bytes).toString() };
}

const files = () => readdirSync(at("cache")).map((name) => at("cache", name));
const WHOLE = "content of acontent of b";

describe("an entry", () => {
  it("is made once, in a folder that only the user can access", async () => {
    const first = await join();
    expect(first.text).toBe(WHOLE);
    expect(await join()).toEqual(first);
    expect(made).toBe(1);
    expect(files()).toEqual([first.file]);
    expect(statSync(at("cache")).mode & 0o777).toBe(0o700);
  });

  it("has a key of its own", async () => {
    const files = [await join(), await join(["a", "b"], ["other"]), await join(["a"], ["joined", "other"])];
    expect(new Set(files.map(({ file }) => file)).size).toBe(3);
    await join();
    expect(made).toBe(3);
  });

  it.each([
    ["has another size", () => writeFileSync(at("b"), "new"), "content of anew"],
    ["has another time", () => utimesSync(at("b"), 1, 1), WHOLE],
    [
      "is another file of the same size and time",
      () => {
        const { atime, mtime } = statSync(at("b"));
        writeFileSync(at("c"), "CONTENT OF B");
        utimesSync(at("c"), atime, mtime);
        renameSync(at("c"), at("b"));
      },
      "content of aCONTENT OF B",
    ],
  ])("is replaced when a source %s", async (_, change, text) => {
    const before = await join();
    change();
    const after = await join();
    expect([after.text, made]).toEqual([text, 2]);
    expect(after.file).not.toBe(before.file);
    expect(files()).toEqual([after.file]);
  });

  it("is replaced when a source is added or removed", async () => {
    const counts: number[] = [];
    for (const names of [["a"], ["a", "b"], ["b"]]) {
      expect((await join(names)).text).toBe(names.map((name) => `content of ${name}`).join(""));
      counts.push(files().length);
    }
    expect([counts, made]).toEqual([[1, 1, 1], 3]);
  });

  it("survives a failure to replace it", async () => {
    const { file } = await join();
    writeFileSync(at("b"), "new");
    const make = async function* () {
      yield Buffer.from("some");
      throw new Error("unreadable");
    };
    await expect(cached({ key: ["joined"], sources: [at("a"), at("b")], make })).rejects.toThrow("unreadable");
    expect(files()).toEqual([file]);
  });

  const rewrite = (file: string, change: (bytes: Buffer) => Buffer) => writeFileSync(file, change(readFileSync(file)));
  /** Replaces the info and its length, but not the digest. */
  const withInfo = (info: string) => (file: string) =>
    rewrite(file, (bytes) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.byteLength(info));
      return Buffer.concat([Buffer.from(WHOLE), Buffer.from(info), length, bytes.subarray(-32)]);
    });

  it.each<[string, (file: string) => void]>([
    ["deleted", (file) => rmSync(file)],
    ["empty", (file) => truncateSync(file)],
    ["cut short", (file) => truncateSync(file, statSync(file).size - 1)],
    ["cut down to its footer", (file) => rewrite(file, (bytes) => bytes.subarray(-36))],
    ["longer", (file) => rewrite(file, (bytes) => Buffer.concat([bytes, bytes]))],
    ["rubbish", (file) => writeFileSync(file, "x".repeat(1000))],
    ...["{", "[]", "null", "3", '{"bytes":"24"}', '{"bytes":1e9}', "{}"].map(
      (info): [string, (file: string) => void] => [`with the info ${info}`, withInfo(info)],
    ),
    [
      "a link",
      (file) => {
        renameSync(file, at("elsewhere"));
        symlinkSync(at("elsewhere"), file);
      },
    ],
  ])("is made again if it is %s", async (_, damage) => {
    const before = await join();
    damage(before.file);
    expect(await join()).toEqual(before);
    expect(await join()).toEqual(before);
    expect(made).toBe(2);
    expect(files()).toEqual([before.file]);
  });

  it("is made again if any of its bytes has changed", async () => {
    const before = await join();
    const whole = readFileSync(before.file);
    for (let i = 0; i < whole.length; i++) {
      rewrite(before.file, (bytes) => {
        bytes[i] ^= 1;
        return bytes;
      });
      expect(await join()).toEqual(before);
      expect(readFileSync(before.file)).toEqual(whole);
    }
    expect(made).toBe(1 + whole.length);
  });

  it("is made again if its path is a folder with files", async () => {
    const { file } = await join();
    rmSync(file);
    mkdirSync(file);
    writeFileSync(path.join(file, "inside"), "");
    expect((await join()).text).toBe(WHOLE);
    expect(statSync(file).isFile()).toBe(true);
  });

  it("is made again if it was extended with zeros", async () => {
    const { file } = await join();
    truncateSync(file, 1e12); // more than can be read
    expect((await join()).text).toBe(WHOLE);
  });

  it("is made again if its file belongs to another key", async () => {
    const { file } = await join();
    const other = await join(["b", "a"], ["other"]);
    writeFileSync(file, readFileSync(other.file));
    expect((await join()).text).toBe(WHOLE);
  });

  it("is correct for two callers at the same time", async () => {
    const both = await Promise.all([join(), join()]);
    expect(both.map(({ text }) => text)).toEqual([WHOLE, WHOLE]);
    expect([made, files().length]).toEqual([2, 1]);
  });

  it("is correct for two callers with different sources", async () => {
    await join(["b"]);
    let go = () => {};
    const slow = join(["a", "b"], ["joined"], new Promise((resolve) => (go = resolve)));
    while (made < 2) await new Promise(setImmediate);
    expect((await join(["a"])).text).toBe("content of a");
    go();
    expect((await slow).text).toBe(WHOLE);
    expect((await join(["b"])).text).toBe("content of b");
    expect(files()).toHaveLength(1);
  });
});

it("deletes temporary files of killed processes after a day, and no others", async () => {
  mkdirSync(at("cache"));
  const [old, young] = [".1-0123456789ab.tmp", ".2-0123456789ab.tmp"].map((name) => at("cache", name));
  const others = ["notes.tmp", "notes.data"].map((name) => at("cache", name));
  for (const file of [old, young, ...others]) writeFileSync(file, "");
  for (const file of [old, ...others]) utimesSync(file, 1, 1);
  symlinkSync(at("gone"), at("cache/.3-0123456789ab.tmp")); // broken, like a file that vanishes
  await join();
  expect([old, young, ...others].map((file) => existsSync(file))).toEqual([false, true, true, true]);
});

describe("the folder of the cache", () => {
  it.each<[NodeJS.Platform, Record<string, string>, string | undefined]>([
    ["linux", {}, "/home/u/.cache/vae"],
    ["linux", { XDG_CACHE_HOME: "/var/u" }, "/var/u/vae"],
    ["linux", { XDG_CACHE_HOME: "u" }, "/home/u/.cache/vae"],
    ["linux", { XDG_CACHE_HOME: "/var/u", VAE_CACHE: "/fast" }, "/fast"],
    ["linux", { VAE_CACHE: "fast" }, path.resolve("fast")],
    ["linux", { VAE_CACHE: "" }, "/home/u/.cache/vae"],
    ["darwin", { XDG_CACHE_HOME: "/var/u" }, "/home/u/Library/Caches/vae"],
    ["win32", { LOCALAPPDATA: "/Local" }, "/Local/vae/Cache"],
    ["win32", {}, undefined],
  ])("on %s with %j is %s", (platform, env, folder) => {
    expect(userCacheFolder(env, platform, () => "/home/u")).toBe(folder);
  });

  it("is not relative if HOME is empty", () => {
    expect(userCacheFolder({}, "linux", () => "")).toBeUndefined();
  });

  const own = () => path.join("tmp", `vae-cache-${process.getuid?.()}`);
  beforeEach(() => {
    mkdirSync(at("tmp"));
    vi.stubEnv("TMPDIR", at("tmp"));
  });

  it.each<[string, () => string]>([
    ["is a file", () => at("a")],
    ["is below a file", () => at("a/cache")],
    ["cannot be created", () => "/proc/none/cache"],
  ])("is a private temporary folder if VAE_CACHE %s", async (_, place) => {
    vi.stubEnv("VAE_CACHE", place());
    const { file } = await join();
    expect(path.dirname(file)).toBe(at(own()));
    expect(statSync(at(own())).mode & 0o777).toBe(0o700);
    await join();
    expect(made).toBe(1);
  });

  it.runIf(process.getuid?.())("is a private temporary folder if VAE_CACHE is not writable", async () => {
    mkdirSync(at("cache"), { mode: 0o500 });
    expect(await openCacheFolder()).toBe(at(own()));
  });

  it("is refused if others may have created the temporary folder", async () => {
    vi.stubEnv("VAE_CACHE", at("a/cache"));
    const problem = `${at(own())} cannot hold the cache: other users may change it. Set VAE_CACHE to a folder`;
    symlinkSync(at(), at(own()));
    await expect(openCacheFolder()).rejects.toThrow(problem);
    rmSync(at(own()));
    mkdirSync(at(own()));
    chmodSync(at(own()), 0o770);
    await expect(openCacheFolder()).rejects.toThrow(problem);
    chmodSync(at(own()), 0o700);
    expect(await openCacheFolder()).toBe(at(own()));
  });

  it("is not one of the user's own while tests run", () => {
    vi.unstubAllEnvs();
    expect(process.env.VAE_CACHE).toMatch(new RegExp(`^${tmpdir()}/vae-tests-`));
  });
});
