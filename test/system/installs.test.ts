// Real installs with a missing or damaged package, in real processes.

import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copyTiny } from "../helpers.js";

const TRAIN = "train --dataset tiny --n-hidden 16 --batch-size 50 --epochs 1";
const RUNTIME = "onnxruntime-node";
const TENSORFLOW = "@tensorflow/tfjs-node";
const BINARIES = path.join("bin/napi-v6", process.platform, process.arch);

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-install-"));
  copyTiny(home);
});
afterEach(() => rmSync(home, { recursive: true }));

/** Installs this package in `home`, with links to all packages but the missing ones. */
function installWithout(...missing: string[]) {
  for (const part of ["bin", "dist", "package.json"]) cpSync(part, at(part), { recursive: true });
  const packages = readdirSync("node_modules").flatMap((name) =>
    name.startsWith("@") ? readdirSync(path.join("node_modules", name)).map((inner) => `${name}/${inner}`) : [name],
  );
  for (const name of packages.filter((name) => !missing.includes(name) && !name.startsWith("."))) {
    mkdirSync(path.dirname(at("node_modules", name)), { recursive: true });
    symlinkSync(path.resolve("node_modules", name), at("node_modules", name), "junction");
  }
}

/** Copies onnxruntime-node into that install, with the binaries of this platform only, and damages one file. */
function damageRuntime(file: string, damage: (file: string) => void) {
  for (const part of ["package.json", "dist", BINARIES]) {
    cpSync(path.join("node_modules", RUNTIME, part), at("node_modules", RUNTIME, part), { recursive: true });
  }
  damage(at("node_modules", RUNTIME, BINARIES, file));
}

function vae(args: string) {
  const { status, stdout, stderr, signal } = spawnSync(process.execPath, ["bin/vae.js", ...args.split(" ")], {
    cwd: home,
    encoding: "utf8",
  });
  return { code: status, signal, stdout, stderr };
}

describe.runIf(process.platform === "linux")("a damaged onnxruntime", () => {
  it.each([
    ["a truncated library", "libonnxruntime.so.1", (file: string) => truncateSync(file, 30e6), "is truncated"],
    ["a truncated binding", "onnxruntime_binding.node", (file: string) => truncateSync(file, 5000), "is truncated"],
    ["an empty library", "libonnxruntime.so.1", (file: string) => truncateSync(file, 0), "file too short"],
    ["a missing library", "libonnxruntime.so.1", (file: string) => rmSync(file), "cannot open shared object file"],
    ["a missing binding", "onnxruntime_binding.node", (file: string) => rmSync(file), "Cannot find module"],
    [
      "a binding that is a text file",
      "onnxruntime_binding.node",
      (file: string) => writeFileSync(file, "<html>\n".repeat(60_000)),
      "onnxruntime_binding.node",
    ],
  ])("(%s) is refused in one line, and auto uses wasm", (_, file, damage, problem) => {
    installWithout(RUNTIME, TENSORFLOW);
    damageRuntime(file, damage);
    const refused = vae(`${TRAIN} --engine compiled --run refused`);
    expect(refused.stderr).toMatch(
      /^error: Engine compiled: onnxruntime-node does not run here \([^\n]*\)\. To get it: run npm ci --ignore-scripts on Linux [^\n]*\n$/,
    );
    expect(refused.stderr).toContain(problem);
    expect(refused).toMatchObject({ code: 2, signal: null, stdout: "" });
    const fallback = vae(`${TRAIN} --run fallback`);
    expect(fallback).toMatchObject({ code: 0, signal: null });
    expect(fallback.stderr).toMatch(
      /^Using engine wasm: onnxruntime-node does not run here \(.*\); @tensorflow\/tfjs-node is not installed\. vae engines says how to get a faster one\.$/m,
    );
    expect(fallback.stderr).toMatch(/^This run will take about \d+ s\.$/m);
    expect(vae("sample --run run --out samples.png")).toMatchObject({ code: 0, stdout: "samples.png\n" });
    expect(vae("engines").stdout).toMatch(/^compiled {4}not available: onnxruntime-node does not run here \(.*\)\.$/m);
  });
});

it.runIf(process.platform === "linux")("additional files in the folder of onnxruntime's libraries are ignored", () => {
  installWithout(RUNTIME, TENSORFLOW);
  damageRuntime("note.txt", (file) => writeFileSync(file, "a note"));
  mkdirSync(at("node_modules", RUNTIME, BINARIES, "folder"));
  expect(vae("engines").stdout).toContain("compiled    onnxruntime ");
});

describe("a missing package", () => {
  it.each([
    ["compiled", RUNTIME, "is not installed. To get it: where vae is installed, npm install --ignore-scripts"],
    ["tensorflow", TENSORFLOW, "is not installed. To get it: where vae is installed, npm install"],
    ["wasm", "@tensorflow/tfjs-backend-wasm", "is not installed. To get it: npm ci"],
  ])("of engine %s is named, with the command that installs it", (engine, name, problem) => {
    installWithout(name);
    const { code, stdout, stderr } = vae(`${TRAIN} --engine ${engine} --run refused`);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`error: Engine ${engine}: ${name} ${problem}`);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("is named by vae engines", () => {
    installWithout(RUNTIME, TENSORFLOW);
    const { code, stdout, stderr } = vae("engines");
    expect([code, stderr]).toEqual([0, ""]);
    const { version } = JSON.parse(readFileSync("node_modules/@tensorflow/tfjs-core/package.json", "utf8"));
    expect(stdout).toBe(`engine      library               threads
compiled    not available: onnxruntime-node is not installed.
            To get it: where vae is installed, npm install --ignore-scripts
tensorflow  not available: @tensorflow/tfjs-node is not installed.
            To get it: where vae is installed, npm install --no-save --save-prod --ignore-scripts=false @tensorflow/tfjs-node@4.22.0
wasm        TensorFlow.js ${version.padEnd(8)}      1
cpu         TensorFlow.js ${version.padEnd(8)}      1
gpu         not available: onnxruntime-node is not installed.
            To get it: where vae is installed, npm install --ignore-scripts
`);
  });
});

it("a damaged @tensorflow/tfjs-node is refused in one line, with the command that repairs it", () => {
  installWithout(TENSORFLOW);
  mkdirSync(at("node_modules", TENSORFLOW), { recursive: true });
  writeFileSync(at("node_modules", TENSORFLOW, "index.js"), 'module.exports = require("./binding.node");');
  writeFileSync(at("node_modules", TENSORFLOW, "binding.node"), "not a library");
  const { code, stdout, stderr } = vae(`${TRAIN} --engine tensorflow --run refused`);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(
    /^error: Engine tensorflow: @tensorflow\/tfjs-node does not run here \(.*binding\.node.*\)\. To get it: where vae is installed, npm rebuild [^\n]*\n$/,
  );
});

it("without a build, the launcher prints how to build", () => {
  cpSync("bin", at("bin"), { recursive: true });
  expect(vae("--help")).toMatchObject({
    code: 1,
    stdout: "",
    stderr: "error: vae has not been built. Run: npm ci && npm run build\n",
  });
});
