// The exported models give the same outputs in other runtimes.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, inject, it } from "vitest";
import { runInChromium } from "../browser/chromium.js";
import { expectSame, trainAndExport } from "../exports.js";
import { pythonWith } from "../helpers.js";
import { EXPORT_PACKAGES } from "../setup.js";

const python = pythonWith(...EXPORT_PACKAGES);
const chromium = inject("chromium");

let home: string;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-export-"));
  await trainAndExport(home);
});
afterAll(() => rmSync(home, { recursive: true }));

describe("the outputs of vae are computed from the exported models", () => {
  it.skipIf(!python)("by onnxruntime in Python, after the ONNX checker and shape inference", async () => {
    await expectSame(home, (cases) => {
      writeFileSync(path.join(home, "cases.json"), JSON.stringify(cases));
      const args = ["test/reference/run_onnx.py", home, path.join(home, "cases.json")];
      return JSON.parse(execFileSync(python as string, args, { encoding: "utf8" }));
    });
  });

  it.skipIf(!chromium)("by onnxruntime-web in a browser", async () => {
    await expectSame(home, (cases) => runInChromium(chromium as string, home, cases));
  });
});
