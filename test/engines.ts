// Before all tests: finds out which engines run here, and says so. Tests ask `inject("engines")`.
import { spawnSync } from "node:child_process";
import type { TestProject } from "vitest/node";
import type { EngineName } from "../src/engine/engine.js";
import { findEngines } from "../src/library/engines.js";

declare module "vitest" {
  interface ProvidedContext {
    engines: EngineName[];
    /** A Python interpreter that has the package onnx. */
    python: string | undefined;
    /** One that has NumPy. */
    numpy: string | undefined;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const reports = await findEngines(1);
  const lines = reports.map((report) =>
    report.runs ? `${report.name}: ${report.version}` : `NOT TESTED HERE: ${report.name}, as ${report.reason}`,
  );
  const python = process.env.PYTHON ?? "python3";
  const onnx = spawnSync(python, ["-c", "import onnx; print(onnx.__version__)"], { encoding: "utf8" });
  lines.push(
    onnx.status === 0
      ? `graphs checked by: onnx ${onnx.stdout.trim()}`
      : `NOT TESTED HERE: graphs by the ONNX checker, as ${python} has no package onnx (PYTHON names another one)`,
  );
  const numpy = spawnSync(python, ["-c", "import numpy; print(numpy.__version__)"], { encoding: "utf8" });
  lines.push(
    numpy.status === 0
      ? `.npy files read by: NumPy ${numpy.stdout.trim()}`
      : `NOT TESTED HERE: .npy files by NumPy itself, as ${python} does not have it (PYTHON names another one)`,
  );
  process.stdout.write(`Under test:\n${lines.map((line) => `  ${line}\n`).join("")}`);
  project.provide("python", onnx.status === 0 ? python : undefined);
  project.provide("numpy", numpy.status === 0 ? python : undefined);
  // Only TensorFlow is optional: see test/tensorflow/.
  const missing = reports.find((report) => !report.runs && report.name !== "tensorflow");
  if (missing) throw new Error(`Engine ${missing.name} must run for the tests`);
  project.provide(
    "engines",
    reports.filter((report) => report.runs).map((report) => report.name),
  );
}
