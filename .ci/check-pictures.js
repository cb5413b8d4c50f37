// Checks that pictures are there and not blank: node check-pictures.js FOLDER FILE...
import { readFileSync } from "node:fs";
import path from "node:path";
import { PNG } from "pngjs";

const [folder, ...names] = process.argv.slice(2);
for (const name of names) {
  const { width, height, data } = PNG.sync.read(readFileSync(path.join(folder, name)));
  const greys = data.filter((_, i) => i % 4 === 0);
  const mean = greys.reduce((sum, grey) => sum + grey, 0) / greys.length;
  const deviation = Math.sqrt(greys.reduce((sum, grey) => sum + (grey - mean) ** 2, 0) / greys.length);
  console.log(`${name}: ${width}×${height}, mean ${mean.toFixed(1)}, deviation ${deviation.toFixed(1)}`);
  if (deviation < 20) throw new Error(`${name} is blank`);
}
