// Trains a model and draws 100 new images into one picture: node examples/train-and-sample.js [DATASET] [RUN]
import { writeFile } from "node:fs/promises";
import { drawImages, encodePng, loadModel, train, UserError } from "vae";

async function main([dataset = "mnist", run = "runs/example"]) {
  for await (const event of train({ dataset, dimZ: 10, epochs: 3 }, { run })) {
    if (event.type !== "epoch") continue;
    console.log(`epoch ${event.epoch}: validation ELBO ${event.validation.elbo.toFixed(2)} nats per image`);
  }

  const model = await loadModel(run);
  const samples = await model.sample(100, { seed: 1 }); // [100, height, width], 0 black to 1 white
  await model.close();
  await writeFile("samples.png", encodePng(drawImages(samples)));
  console.log("samples.png");
}

await main(process.argv.slice(2)).catch((error) => {
  if (!(error instanceof UserError)) throw error; // a bug or a system error: keep the stack trace
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
});
