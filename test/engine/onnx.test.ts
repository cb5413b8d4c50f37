// Every graph that the compiled engine writes for the models, by the checker of the Python package onnx.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, inject, it } from "vitest";
import { PARITY } from "../parity.js";

const python = inject("python");

it.skipIf(!python)("every graph passes the ONNX checker", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "vae-onnx-"));
  try {
    for (const [i, { compile }] of PARITY.entries()) {
      writeFileSync(path.join(folder, `${i}.onnx`), (await compile()).model);
    }
    const output = execFileSync(python as string, ["test/reference/check_onnx.py", folder], { encoding: "utf8" });
    expect(output).toContain(`${PARITY.length} models pass`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
