import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cached } from "../../src/files/cache.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-cache-"));
  vi.stubEnv("VAE_CACHE", at("cache"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

/** Adds a data set to the cache, and returns its file. */
async function add(name: string): Promise<string> {
  const make = async function* () {
    yield Buffer.from(name);
    return {};
  };
  return (await cached({ key: [name], sources: [], make })).file;
}

describe("vae cache", () => {
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await vae(["cache", ...args], home);
    expect([code, stderr]).toEqual([0, ""]);
    return stdout;
  };

  it("shows the folder, the number of data sets and their size", async () => {
    expect(await run()).toBe(`${at("cache")}: 0 data sets, 0 kB\n`);
    const file = await add("a");
    expect(await run()).toBe(`${at("cache")}: 1 data set, 1 kB\n`);
    await add("b");
    truncateSync(file, 811_500_000);
    expect(await run()).toBe(`${at("cache")}: 2 data sets, 812 MB\n`);
    truncateSync(file, 2_340_000_000);
    expect(await run()).toBe(`${at("cache")}: 2 data sets, 2.3 GB\n`);
  });

  it("--clear deletes the data sets and nothing else", async () => {
    const file = await add("a");
    await add("b");
    const name = path.basename(file);
    const others = ["notes.txt", `${name}.txt`, `x${name}`].map((other) => at("cache", other));
    for (const other of others) writeFileSync(other, "");
    const link = at("cache", name.replaceAll(/[\da-f]/g, "0"));
    writeFileSync(at("outside"), "");
    symlinkSync(at("outside"), link);
    const folder = at("cache", name.replaceAll(/[\da-f]/g, "1"));
    mkdirSync(folder);
    expect(await run("--clear")).toBe(`${at("cache")}: deleted 2 data sets, 1 kB\n`);
    expect(
      readdirSync(at("cache"))
        .map((name) => at("cache", name))
        .sort(),
    ).toEqual([...others, link, folder].sort());
    expect(existsSync(at("outside"))).toBe(true);
    expect(await run("--clear")).toBe(`${at("cache")}: deleted 0 data sets, 0 kB\n`);
  });

  it("--json prints one JSON value", async () => {
    const bytes = statSync(await add("a")).size;
    const report = { folder: at("cache"), dataSets: 1, bytes };
    expect(JSON.parse(await run("--json"))).toEqual({ ...report, cleared: false });
    expect(JSON.parse(await run("--json", "--clear"))).toEqual({ ...report, cleared: true });
    expect(JSON.parse(await run("--json"))).toEqual({ ...report, dataSets: 0, bytes: 0, cleared: false });
  });
});
