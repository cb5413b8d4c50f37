// Finds the nearest neighbours of a test image in the latent space: node examples/neighbours.js [RUN] [IMAGE]
import { writeFile } from "node:fs/promises";
import { datasets, drawImages, encodePng, loadModel, UserError } from "vae";

async function main([run, image = "0"]) {
  const model = await loadModel(run); // default: the newest run in runs/
  const data = await model.loadData(); // the training data set
  const { labels, count } = data.test;
  if (!/^\d+$/.test(image) || Number(image) >= count) {
    throw new UserError(`There is no test image ${image}. Choose from 0 to ${count - 1}.`);
  }
  const { z } = await model.encode(data.test);
  await model.close();

  const [, dimZ] = z.shape;
  const place = (i) => z.data.subarray(i * dimZ, (i + 1) * dimZ);
  const here = place(Number(image));
  const distances = Array.from({ length: count }, (_, i) => Math.hypot(...place(i).map((value, j) => value - here[j])));
  const nearest = [...distances.keys()].sort((a, b) => distances[a] - distances[b]).slice(0, 9); // itself first

  for (const i of nearest) {
    const label = labels ? `, label ${labels[i]}` : "";
    console.log(`image ${i}${label}: ${distances[i].toFixed(3)} away`);
  }

  const { shape } = datasets.read(data, "test", 0, nearest.length);
  const pixels = Float32Array.from(data.test.pixels.read(nearest), (byte) => byte / 255);
  const grid = drawImages({ data: pixels, shape });
  await writeFile("neighbours.png", encodePng(grid));
  console.log("neighbours.png");
}

await main(process.argv.slice(2)).catch((error) => {
  if (!(error instanceof UserError)) throw error; // a bug or a system error: keep the stack trace
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
});
