// npm run wasm: compiles src/kernels/kernels.wat, and writes the binary to kernels-wasm.ts.
import { readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

const here = (file) => new URL(`src/kernels/${file}`, import.meta.url);
const { parseWat } = await wabt();
const { buffer } = parseWat("kernels.wat", readFileSync(here("kernels.wat"), "utf8")).toBinary({});
const lines = Buffer.from(buffer)
  .toString("base64")
  .match(/.{1,110}/g);
writeFileSync(
  here("kernels-wasm.ts"),
  `// Generated from kernels.wat by npm run wasm.
export const KERNELS_WASM =
${lines.map((line) => `  "${line}"`).join(" +\n")};
`,
);
