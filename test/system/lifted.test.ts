// The compiled engine's folder, lifted out of the project: its README's example, run on a copy of the built folder, and on a copy of
// the source that was compiled.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kernels } from "../../src/engine/compiled/kernels.js";

const SOURCE = "src/engine/compiled";
const BUILT = "dist/engine/compiled";
const readme = readFileSync(path.join(SOURCE, "README.md"), "utf8");
const example = /```js\n(import[\s\S]*?)```/.exec(readme)?.[1] as string;

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-lifted-"));
  symlinkSync(path.resolve("node_modules"), path.join(home, "node_modules"), "junction");
  writeFileSync(path.join(home, "package.json"), '{ "type": "module" }');
});
afterEach(() => rmSync(home, { recursive: true }));

/** Runs a program, and expects it to print what its comments promise. */
function expectPromised(program: string) {
  const local = program.replace('"vae/compiled"', '"./compiled/index.js"');
  writeFileSync(path.join(home, "example.js"), local.replace('"vae/gradients"', '"./compiled/gradients.js"'));
  const output = execFileSync(process.execPath, [path.join(home, "example.js")], { encoding: "utf8" });
  const promised = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => text);
  expect(output.trim().split("\n")).toEqual(promised);
}

describe("the compiled engine's folder", () => {
  it("stands alone as it is built", () => {
    cpSync(BUILT, path.join(home, "compiled"), { recursive: true });
    expectPromised(example);
  });

  it("stands alone as TypeScript, and takes the kernels that its README adds", () => {
    cpSync(SOURCE, path.join(home, "compiled"), { recursive: true });
    rmSync(path.join(home, "compiled/gradients.ts"));
    for (const file of ["gradients.js", "gradients.d.ts"]) {
      cpSync(path.join(BUILT, file), path.join(home, "compiled", file));
    }
    const kernelsFile = path.join(home, "compiled/kernels.ts");
    const entries = /```ts\n( {2}Floor[\s\S]*?)```/.exec(readme)?.[1] as string;
    writeFileSync(kernelsFile, readFileSync(kernelsFile, "utf8").replace("export const kernels = {\n", `$&${entries}`));
    const options = {
      strict: true,
      target: "es2022",
      lib: ["es2023"],
      module: "nodenext",
      skipLibCheck: true,
      types: ["node"],
    };
    writeFileSync(
      path.join(home, "tsconfig.json"),
      JSON.stringify({ compilerOptions: options, include: ["compiled"] }),
    );
    execFileSync(process.execPath, [path.resolve("node_modules/typescript/bin/tsc"), "-p", home]);
    expectPromised(`${example}
      const { y } = await new CompiledEngine(1).call(
        ({ x }) => ({ y: tf.maximum(tf.leakyRelu(tf.floor(x), 0.5), -2) }),
        { x: { data: Float32Array.of(-7.5, -2.5, 2.5), shape: [3] } },
      );
      console.log(y.data.join()); // -2,-1.5,2`);
  });

  it("lists its kernels in its README", () => {
    const [, list] = /that `kernels.ts` lists:\n\n([\s\S]*?)\n\n/.exec(readme) as RegExpExecArray;
    expect(list.replace(/ \(.*?\)/g, "").split(/,\s+/)).toEqual(Object.keys(kernels));
  });
});
