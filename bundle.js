// Last step of the build: replaces some modules of tsc in dist/ with bundles that include the packages they import,
// and bundles the scripts and styles of the pages. Writes the licences of the bundled packages next to each bundle.
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "rolldown";

await bundle("engine/compiled/gradients", ["./tf.js"]);
await bundle("engine/compiled/graph");
await bundle("formats/tensorboard");
await bundle("pictures/vega");
const styles = readdirSync("src/page").filter((file) => file.endsWith(".css") && file !== "report.css");
await bundlePage("explorer", styles);
copyFileSync("src/page/explorer.html", "dist/page/explorer.html");
await bundlePage("report", ["plane.css", "curves.css", "report.css"]);
for (const file of ["onnx_pb.js", "onnx_pb.d.ts"]) rmSync(`dist/engine/compiled/${file}`); // bundled in graph.js
for (const file of ["tensorboard_pb.js", "tensorboard_pb.d.ts", "records.js"]) {
  rmSync(`dist/formats/tensorboard/${file}`); // bundled in tensorboard.js
}
// Makes the folder an ES module package when copied into a CommonJS project.
writeFileSync("dist/engine/compiled/package.json", '{ "type": "module" }\n');

function bundle(name, external = []) {
  return build({
    input: `src/${name}.ts`,
    platform: "node",
    external,
    output: { file: `dist/${name}.js` },
    plugins: [licences(`${path.basename(name)}.licences.txt`)],
  });
}

/** Bundles a page for browsers: its program, and the styles: of uPlot, of all pages, of its own. */
async function bundlePage(name, own) {
  await build({
    input: `src/page/${name}.tsx`,
    platform: "browser",
    tsconfig: "src/page/tsconfig.json",
    output: { file: `dist/page/${name}.js`, minify: true },
    plugins: [licences(`${name}.licences.txt`)],
  });
  const files = [...new Set(["tokens.css", "style.css", ...own])].map((file) => `src/page/${file}`);
  const style = ["node_modules/uplot/dist/uPlot.min.css", ...files];
  writeFileSync(`dist/page/${name}.css`, style.map((file) => readFileSync(file, "utf8")).join("\n"));
}

/** Rolldown plugin: writes the licences of the bundled packages next to the bundle. */
function licences(fileName) {
  return {
    name: "licences",
    generateBundle(_, files) {
      const modules = Object.values(files).flatMap(({ moduleIds = [] }) => moduleIds);
      const folders = modules.flatMap((id) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)?.[0] ?? []);
      const texts = [...new Set(folders)].sort().map((folder) => {
        const { name, version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
        return `${name} ${version}, ${license}\n\n${licenceText(folder, license)}`;
      });
      this.emitFile({ type: "asset", fileName, source: texts.join(`\n${"-".repeat(80)}\n`) });
    },
  };
}

/** The licence file of a package, or the standard text. Throws if there is neither. */
function licenceText(folder, license) {
  const read = (...file) => readFileSync(path.join(...file), "utf8");
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file) return read(folder, file);
  const apache = read("node_modules/typescript/LICENSE.txt");
  if (license === "Apache-2.0") return apache;
  // In @bufbuild/protobuf, varint.js is Google's and starts with its BSD licence.
  if (license === "(Apache-2.0 AND BSD-3-Clause)") {
    return `${apache}\n${/^(\/\/.*\n)+/.exec(read(folder, "dist/esm/wire/varint.js"))[0].replace(/^\/\/ ?/gm, "")}`;
  }
  throw new Error(`${folder} has no licence file`);
}
