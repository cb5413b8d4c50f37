import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventFolder } from "../../src/run/event-folder.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "vae-events-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function* recordsOf(text: string) {
  yield Buffer.from(text);
}

describe("an event folder", () => {
  it("appends to the file that it wrote", async () => {
    const folder = new EventFolder(dir, async () => {});
    await folder.replace(recordsOf("first"));
    await folder.append(Buffer.from("second"));
    const [name, ...others] = readdirSync(dir);
    expect(readFileSync(path.join(dir, name), "utf8")).toBe("firstsecond");
    expect(others).toEqual([]);
  });

  it("creates no file without a first record if its file was deleted", async () => {
    const folder = new EventFolder(dir, async () => {});
    await folder.replace(recordsOf("first"));
    for (const name of readdirSync(dir)) rmSync(path.join(dir, name));
    await expect(folder.append(Buffer.from("second"))).rejects.toThrow("ENOENT");
    expect(readdirSync(dir)).toEqual([]);
  });
});
