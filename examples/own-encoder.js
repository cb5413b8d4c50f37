// Trains a model with a custom encoder of ReZero residual blocks (Bachlechner et al. 2020) on the compiled engine:
// node examples/own-encoder.js [DATASET] [RUN]
import { loadModel, parts, train, UserError } from "vae";

const { assemble, dense, joinSpecs, pieces, sequential, tf } = parts;

/** x + scale ⊙ f(x). `scale` is initially zero, so that a deep network starts as the identity. */
function residual(units) {
  const f = dense({ units, activation: "elu", weight: "he" });
  return {
    specs(input, per) {
      const { params, draws } = joinSpecs({ f: f.specs(input, per) });
      return { params: { ...params, scale: { shape: [units], init: "zeros" } }, draws, output: input };
    },
    apply: (context, x) => tf.add(x, tf.mul(context.param("scale"), f.apply(context.at("f"), x))),
  };
}

/** The parts for the settings, with a custom encoder. */
function ownParts(settings, input) {
  const chosen = pieces(settings, input);
  const first = dense({ units: 200, activation: "elu", weight: "he" });
  const last = dense({ units: chosen.posterior.inputs, weight: "he" });
  return assemble({ ...chosen, encoder: sequential([first, residual(200), residual(200), residual(200), last]) });
}

async function main([dataset = "mnist", run = "runs/own-encoder"]) {
  const settings = { dataset, dimZ: 10, epochs: 3, engine: "compiled" };
  for await (const event of train(settings, { run, parts: ownParts })) {
    if (event.type === "start") console.log(`${event.parameters} parameters`);
    if (event.type === "epoch")
      console.log(`epoch ${event.epoch}: validation ELBO ${event.validation.elbo.toFixed(2)}`);
  }

  const model = await loadModel(run, ownParts);
  const { elbo, activeUnits } = await model.evaluate({ split: "test", importanceSamples: 1, count: 100 });
  console.log(`test ELBO of 100 images ${elbo.toFixed(2)}, ${activeUnits} active units, engine ${model.engine.name}`);
  await model.close();
}

await main(process.argv.slice(2)).catch((error) => {
  if (!(error instanceof UserError)) throw error; // a bug or a system error: keep the stack trace
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
});
