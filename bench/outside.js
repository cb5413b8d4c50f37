// Measures the share of a training outside of compiled steps: node bench/outside.js [epochs], after npm run build
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { CompiledEngine } from "../dist/engine/compiled/index.js";
import { train } from "../dist/index.js";

const spent = { scan: 0, call: 0 };
for (const method of ["scan", "call"]) {
  const original = CompiledEngine.prototype[method];
  CompiledEngine.prototype[method] = async function (...args) {
    const started = performance.now();
    const result = await original.apply(this, args);
    spent[method] += (performance.now() - started) / 1000;
    return result;
  };
}
const home = mkdtempSync(path.join(tmpdir(), "vae-outside-"));
const started = performance.now();
const events = train(
  { engine: "compiled", dimZ: 2, epochs: Number(process.argv[2] ?? 20) },
  { run: path.join(home, "run") },
);
for await (const event of events) {
  if (event.type !== "epoch") continue;
  const { epoch, seconds } = event;
  const percent = (part) => `${((100 * part) / seconds).toFixed(1)}%`;
  const rest = seconds - spent.scan - spent.call;
  console.log(
    `epoch ${epoch}: ${seconds.toFixed(1)} s; steps ${percent(spent.scan)}, ` +
      `validation and images of pictures ${percent(spent.call)}, the rest ${percent(rest)}`,
  );
}
console.log(`${((performance.now() - started) / 1000).toFixed(1)} s in total, without the start of the process`);
rmSync(home, { recursive: true });
