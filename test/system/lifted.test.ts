// Copies the compiled engine's folder out of the project, and runs its README's example on the built folder and on the
// compiled source, with only the packages that the README names.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kernels } from "../../src/engine/compiled/kernels.js";

const SOURCE = "src/engine/compiled";
const BUILT = "dist/engine/compiled";
const readme = readFileSync(path.join(SOURCE, "README.md"), "utf8");
const example = /```js\n(import[\s\S]*?)```/.exec(readme)?.[1] as string;
/** The packages of each `npm install` in the README. */
const [atRuntime, ...toCompile] = [...readme.replace(/ \\\n +/g, " ").matchAll(/^ {4}npm install (.*)$/gm)].map(
  ([, words]) => words.split(" ").filter((word) => !word.startsWith("--")),
);

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-lifted-"));
});
afterEach(() => rmSync(home, { recursive: true }));

/** Links packages of the given versions. */
function install(packages: readonly string[]) {
  for (const one of packages) {
    const [, name, version] = /^(.+)@(.+)$/.exec(one) as RegExpExecArray;
    const installed = path.resolve("node_modules", name);
    expect(JSON.parse(readFileSync(path.join(installed, "package.json"), "utf8")).version, name).toBe(version);
    mkdirSync(path.dirname(at("node_modules", name)), { recursive: true });
    symlinkSync(installed, at("node_modules", name), "junction");
  }
}

/** Runs a program, and expects the output that its comments state. */
function expectPromised(program: string, folder = "") {
  const local = program.replace('"vae/compiled"', '"./compiled/index.js"');
  writeFileSync(at(folder, "example.mjs"), local.replace('"vae/gradients"', '"./compiled/gradients.js"'));
  const output = execFileSync(process.execPath, [at(folder, "example.mjs")], { encoding: "utf8" });
  const promised = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => text);
  expect(output.trim().split("\n")).toEqual(promised);
}

describe("the compiled engine's folder", () => {
  it.each(["commonjs", "module"])("works alone as built, in a project of type %s", (type) => {
    install(atRuntime);
    writeFileSync(at("package.json"), JSON.stringify({ type }));
    cpSync(BUILT, at("compiled"), { recursive: true });
    expectPromised(example);
  });

  it("works alone as TypeScript, with the kernels that its README adds", () => {
    install([...atRuntime, ...toCompile.flat()]);
    writeFileSync(at("package.json"), '{ "type": "module" }');
    cpSync(SOURCE, at("compiled"), { recursive: true });
    rmSync(at("compiled/gradients.ts"));
    cpSync(path.join(BUILT, "gradients.d.ts"), at("compiled/gradients.d.ts"));
    cpSync(path.join(BUILT, "gradients.js"), at("out/compiled/gradients.js"));
    const kernelsFile = at("compiled/kernels.ts");
    const entries = /```ts\n( {2}Floor[\s\S]*?)```/.exec(readme)?.[1] as string;
    writeFileSync(kernelsFile, readFileSync(kernelsFile, "utf8").replace("export const kernels = {\n", `$&${entries}`));
    const named = { module: "nodenext", lib: ["ES2023"], types: ["node"], skipLibCheck: true };
    for (const [name, value] of Object.entries(named)) {
      expect(readme).toContain(
        JSON.stringify({ [name]: value })
          .slice(1, -1)
          .replace(":", ": "),
      );
    }
    const compilerOptions = { ...named, strict: true, rootDir: ".", outDir: "out" };
    writeFileSync(at("tsconfig.json"), JSON.stringify({ compilerOptions, include: ["compiled"] }));
    execFileSync(process.execPath, [path.resolve("node_modules/typescript/bin/tsc"), "-p", home]);
    const added = `
      const { y } = await new CompiledEngine(1).call(
        ({ x }) => ({ y: tf.maximum(tf.leakyRelu(tf.floor(x), 0.5), -2) }),
        { x: { data: Float32Array.of(-7.5, -2.5, 2.5), shape: [3] } },
      );
      console.log(y.data.join()); // -2,-1.5,2`;
    expectPromised(example + added, "out");
  });

  it("lists its kernels in its README", () => {
    const [, list] = /that `kernels.ts` lists:\n\n([\s\S]*?)\n\n/.exec(readme) as RegExpExecArray;
    expect(list.replace(/ \(.*?\)/g, "").split(/,\s+/)).toEqual(Object.keys(kernels));
  });
});
