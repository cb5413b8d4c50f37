// Installs the package of npm pack in an empty project, as a user does. Needs npm's registry, or its cache.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VERSION } from "../../src/version.js";
import { writeTinyMnist } from "../fixtures/idx.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
let files: string[];
let tarball: string;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-package-"));
  mkdirSync(at("app"));
  const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", home], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename, files: contents }] = JSON.parse(packed);
  files = contents.map(({ path }: { path: string }) => path);
  tarball = at(filename);
  writeFileSync(at("app/package.json"), '{"private":true}');
  npm("app", ["install", "--ignore-scripts", tarball]);
  await writeTinyMnist(at("app/tiny"), 240, 60);
}, 300_000);
afterAll(() => rmSync(home, { recursive: true }));

function npm(folder: string, args: readonly string[], env: Record<string, string> = {}) {
  const { status, stderr } = spawnSync("npm", [...args, "--no-audit", "--no-fund", "--prefer-offline"], {
    cwd: at(folder),
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
}

function node(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: at("app"), encoding: "utf8" });
  return { code: status, stdout, stderr };
}

describe("the package", () => {
  it("contains the needed files, and no others", () => {
    const outside = files.filter(
      (file) =>
        !/^dist\/.*\.(js|d\.ts|licences\.txt)$/.test(file) &&
        !/^docs\/([\w.-]+\.md|images\/[\w-]+\.(png|svg))$/.test(file),
    );
    expect(outside.sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "NOTICE",
      "README.md",
      "README.zh-CN.md",
      "bin/vae.js",
      "data/README.md",
      "dist/engine/compiled/package.json",
      "dist/page/explorer.css",
      "dist/page/explorer.html",
      "dist/page/report.css",
      "docs/settings.schema.json",
      "examples/draw-photos.js",
      "examples/neighbours.js",
      "examples/own-encoder.js",
      "examples/serve-samples.js",
      "examples/train-and-sample.js",
      "examples/web/index.html",
      "examples/web/package.json",
      "examples/web/page.js",
      "examples/web/serve.js",
      "package.json",
      "src/engine/compiled/README.md",
    ]);
    expect(files).toContain("dist/index.d.ts");
  });

  it("trains from the command line", () => {
    const vae = "node_modules/vae/bin/vae.js";
    expect(node(vae, "--version")).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: "" });
    const args = "train --dataset tiny --n-hidden 8 --batch-size 50 --epochs 1 --run runs/a --quiet --json".split(" ");
    const { code, stdout, stderr } = node(vae, ...args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout).epochs).toBe(1);
  });

  it.each([
    ["ESM", "use.mjs", 'import { loadModel } from "vae"; const vae = { loadModel };'],
    ["CommonJS, by import()", "use.cjs", 'const vae = await import("vae");'],
  ])("is a library for %s", (_, file, start) => {
    const use = "console.log((await model.sample(3)).shape.join()); await model.close();";
    const program = `${start} const model = await vae.loadModel(); ${use}`;
    writeFileSync(at("app", file), file.endsWith(".cjs") ? `(async () => { ${program} })();` : program);
    expect(node(file)).toEqual({ code: 0, stdout: "3,7,7\n", stderr: "" });
  });

  it("installs if onnxruntime-node's script reaches no server, and prints how to add the compiled engine", () => {
    mkdirSync(at("offline"));
    writeFileSync(at("offline/package.json"), '{"private":true}');
    const noServer = { GLOBAL_AGENT_HTTP_PROXY: "http://127.0.0.1:1", GLOBAL_AGENT_HTTPS_PROXY: "http://127.0.0.1:1" };
    const scripts = ["--ignore-scripts=false", "--dangerously-allow-all-scripts"]; // npm 12 runs none by default
    npm("offline", ["install", ...scripts, tarball], noServer);
    const engines = () =>
      execFileSync(process.execPath, ["node_modules/vae/bin/vae.js", "engines"], {
        cwd: at("offline"),
        encoding: "utf8",
      });
    const [remedy] = /(?<=To get it: where vae is installed, npm )install --ignore-scripts\n/.exec(engines()) ?? [];
    const downloads = process.platform === "linux" && process.arch === "x64"; // CUDA libraries
    expect(remedy !== undefined).toBe(downloads);
    npm("offline", ["install", "--ignore-scripts"]);
    expect(engines()).toMatch(/^compiled {4}onnxruntime /m);
  }, 300_000);

  it("has types without errors", { timeout: 180_000 }, () => {
    copyFileSync("test/fixtures/consumer.mts", at("app/consumer.mts"));
    const check = (skipLibCheck: boolean) => {
      const typeRoots = [path.resolve("node_modules/@types")];
      const compilerOptions = { module: "nodenext", moduleResolution: "nodenext", target: "es2022", strict: true };
      const others = { noEmit: true, types: ["node"], typeRoots, skipLibCheck };
      const config = { compilerOptions: { ...compilerOptions, ...others }, files: ["consumer.mts"] };
      writeFileSync(at("app/tsconfig.json"), JSON.stringify(config));
      return node(path.resolve("node_modules/typescript/bin/tsc"), "-p", ".");
    };
    expect(check(true)).toEqual({ code: 0, stdout: "", stderr: "" });
    const errors = check(false)
      .stdout.split("\n")
      .filter((line) => /^\S/.test(line));
    // The types of TensorFlow.js conflict with newer ones.
    const others = /^(node_modules\/@(tensorflow|webgpu)|.*\/typescript\/lib)\//;
    expect(errors.filter((line) => !others.test(line))).toEqual([]);
  });
});
