// The test images that lie nearest to one of them in the latent space: node examples/neighbours.js [RUN] [IMAGE]
import { writeFile } from "node:fs/promises";
import { datasets, drawImages, encodePng, loadModel } from "vae";

const [run, image = 0] = process.argv.slice(2);

const model = await loadModel(run); // without a folder, the newest in runs/
const data = await model.loadData(); // that of its training
const { labels, count } = data.test;
const { z } = await model.encode(data.test);
await model.close();

const [, dimZ] = z.shape;
const place = (i) => z.data.subarray(i * dimZ, (i + 1) * dimZ);
const here = place(Number(image));
const distances = Array.from({ length: count }, (_, i) => Math.hypot(...place(i).map((value, j) => value - here[j])));
const nearest = [...distances.keys()].sort((a, b) => distances[a] - distances[b]).slice(0, 9); // the image itself is the first

for (const i of nearest) console.log(`image ${i}, label ${labels?.[i]}: ${distances[i].toFixed(3)} away`);

const { shape } = datasets.read(data, "test", 0, nearest.length);
const pixels = Float32Array.from(data.test.pixels.read(nearest), (byte) => byte / 255);
const grid = drawImages({ data: pixels, shape });
await writeFile("neighbours.png", encodePng(grid));
console.log("neighbours.png");
