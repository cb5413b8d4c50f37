// Checks every graph that the compiled engine writes for models and kernels, with the Python package onnx.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { callProgram } from "../../src/engine/compiled/program.js";
import { type Inputs, KERNEL_CASES } from "../engine/kernel-cases.js";
import { pythonWith } from "../helpers.js";
import { PARITY } from "../parity.js";

const python = pythonWith("onnx");

it.skipIf(!python)("every graph passes the ONNX checker", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "vae-onnx-"));
  try {
    const programs = [
      ...PARITY.map(({ compile }) => compile()),
      ...KERNEL_CASES.map(([, , fn, inputs]) => callProgram((tensors: Inputs) => ({ result: fn(tensors) }), inputs)),
    ];
    for (const [i, { model }] of (await Promise.all(programs)).entries()) {
      writeFileSync(path.join(folder, `${i}.onnx`), model);
    }
    const output = execFileSync(python as string, ["test/reference/check_onnx.py", folder], { encoding: "utf8" });
    expect(output).toContain(`${programs.length} models pass`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
