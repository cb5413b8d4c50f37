// The compiled engine's folder, lifted out of the project: its README's example, compiled and run on the folder's copy alone.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { kernels } from "../../src/engine/compiled/kernels.js";

const FOLDER = "src/engine/compiled";
const readme = readFileSync(path.join(FOLDER, "README.md"), "utf8");
const home = mkdtempSync(path.join(tmpdir(), "vae-lifted-"));
afterAll(() => rmSync(home, { recursive: true }));

it("stands alone, does what its README says, and takes the kernels that it adds", () => {
  cpSync(FOLDER, path.join(home, "compiled"), { recursive: true });
  symlinkSync(path.resolve("node_modules"), path.join(home, "node_modules"), "junction");
  writeFileSync(path.join(home, "package.json"), '{ "type": "module" }');
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
  writeFileSync(path.join(home, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["compiled"] }));
  execFileSync(process.execPath, [path.resolve("node_modules/typescript/bin/tsc"), "-p", home]);

  const example = /```js\n(import[\s\S]*?)```/.exec(readme)?.[1] as string;
  const added = `
    const { y } = await new CompiledEngine(1).call(
      ({ x }) => ({ y: tf.maximum(tf.leakyRelu(tf.floor(x), 0.5), -2) }),
      { x: { data: Float32Array.of(-7.5, -2.5, 2.5), shape: [3] } },
    );
    console.log(y.data.join()); // -2,-1.5,2`;
  writeFileSync(path.join(home, "example.js"), (example + added).replace('"vae/compiled"', '"./compiled/index.js"'));
  const output = execFileSync(process.execPath, [path.join(home, "example.js")], { encoding: "utf8" });
  const promised = [...(example + added).matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => text);
  expect(output.trim().split("\n")).toEqual(promised);
});

it("lists its kernels in its README", () => {
  const [, list] = /that `kernels.ts` lists:\n\n([\s\S]*?)\n\n/.exec(readme) as RegExpExecArray;
  expect(list.replace(/ \(.*?\)/g, "").split(/,\s+/)).toEqual(Object.keys(kernels));
});
