// The last part of the build: modules of dist/ that carry packages inside them. Each replaces what tsc has made of the same source.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { build } from "rolldown";

await bundle("engine/compiled/gradients", ["./tf.js"]);
await bundle("engine/compiled/graph");
await bundle("pictures/vega");

function bundle(name, external = []) {
  return build({
    input: `src/${name}.ts`,
    platform: "node",
    external,
    output: { file: `dist/${name}.js` },
    plugins: [licences(`${path.basename(name)}.licences.txt`)],
  });
}

/** Writes the licences of the bundled packages beside the bundle. */
function licences(fileName) {
  return {
    name: "licences",
    generateBundle(_, files) {
      const modules = Object.values(files).flatMap(({ moduleIds = [] }) => moduleIds);
      const folders = new Set(
        modules.flatMap((id) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)?.[0] ?? []),
      );
      const texts = [...folders].sort().map((folder) => {
        const { name, version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
        const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
        return `${name} ${version}, ${license}\n\n${file ? readFileSync(path.join(folder, file), "utf8") : ""}`;
      });
      this.emitFile({ type: "asset", fileName, source: texts.join(`\n${"-".repeat(80)}\n`) });
    },
  };
}
