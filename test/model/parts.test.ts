// Users' own parts.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import { loadModel, parts, resume, train } from "../../src/index.js";
import { writeTinyMnist } from "../fixtures/idx.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-parts-"));
  await writeTinyMnist(at("tiny"), 240, 60);
});
afterAll(() => rmSync(home, { recursive: true }));

const settings = () => ({ dataset: at("tiny"), nHidden: [8], batchSize: 40, epochs: 1, threads: 1 });

async function run(name: string, own?: parts.BuildParts, given = settings()) {
  for await (const _ of train(given, { run: at(name), parts: own }));
}

/** The parts that settings choose, with a layer before the encoder. */
const inFront =
  (layer: parts.Layer): parts.BuildParts =>
  (config, input) => {
    const chosen = parts.pieces(config, input);
    return parts.assemble({ ...chosen, encoder: parts.sequential([layer, chosen.encoder]) });
  };

const scale: parts.Layer = {
  specs: (input) => ({ params: { scale: { shape: input, init: "ones" } }, draws: {}, output: input }),
  apply: (context, x) => parts.tf.mul(x, context.param("scale")),
};

describe("own parts", () => {
  it("train, resume and load, but not without being passed again", async () => {
    await run("own", inFront(scale));
    for await (const _ of resume(at("own"), { epochs: 2 }, { parts: inFront(scale) }));
    const model = await loadModel(at("own"), inFront(scale));
    expect(model.params["encoder.0.scale"].shape).toEqual([49]);
    expect(model.params["encoder.0.scale"].data.some((value) => value !== 1)).toBe(true);
    await model.close();
    await expect(loadModel(at("own"))).rejects.toThrow(
      "was trained with the user's own parts: give them to the library's loadModel.",
    );
    await expect(resume(at("own")).next()).rejects.toThrow(
      "was trained with the user's own parts: give them to the library's resume.",
    );
    await run("chosen");
    const refusal = "was trained with the parts that its settings choose: leave out `parts`.";
    await expect(loadModel(at("chosen"), inFront(scale))).rejects.toThrow(refusal);
    await expect(resume(at("chosen"), {}, { parts: inFront(scale) }).next()).rejects.toThrow(refusal);
  });

  it("report no likelihood if their pixels have a density", async () => {
    const own: parts.BuildParts = (config, input) =>
      parts.build({ ...config, likelihood: "gaussian", pixelSigma: 0.5 }, input);
    await run("density", own, { ...settings(), binarize: "dynamic" } as never);
    const model = await loadModel(at("density"), own);
    const evaluation = await model.evaluate({ split: "test", importanceSamples: 5, count: 10 });
    expect(evaluation).toMatchObject({ pixelLikelihood: "gaussian", noLikelihood: expect.stringContaining("density") });
    expect(evaluation).not.toHaveProperty("likelihood");
    await model.close();
  });

  it("are refused if a weight is not used", async () => {
    const idle: parts.Layer = { ...scale, apply: (_, x) => x };
    await expect(run("idle", inFront(idle))).rejects.toMatchObject({
      name: "UserError",
      message: expect.stringContaining("does not depend on the weight encoder.0.scale"),
    });
  });

  const config = createConfig({ nHidden: [8] });
  const chosen = parts.pieces(config, { height: 7, width: 7, channels: 1 });
  const noisy: parts.Layer = {
    specs: (input, per) => ({
      params: {},
      draws: { n: { shape: input, per, phase: "posterior", kind: "normal" } },
      output: input,
    }),
    apply: (context, x) => parts.tf.add(x, context.draw("n")),
  };
  it.each([
    [
      "an encoder of the wrong width",
      { encoder: parts.dense({ units: 7, weight: "he" }) },
      /encoder outputs \[7\] .* takes \[4\]\. Let the encoder output \[4\]\.$/,
    ],
    ["another latent size", { dimZ: 5 }, "The posterior has 2 dimensions and the prior 2, but dimZ is 5"],
    [
      "a layer that draws for the posterior",
      { encoder: parts.sequential([noisy, chosen.encoder]) },
      "a layer draws in training only",
    ],
  ])("are refused with %s", (_, other, problem) => {
    expect(() => parts.assemble({ ...chosen, ...other })).toThrow(problem);
  });
});

it("a training aborted by its consumer writes a checkpoint first", async () => {
  const controller = new AbortController();
  const training = train(
    { ...settings(), epochs: 50, batchSize: 4 },
    { run: at("aborted"), signal: controller.signal },
  );
  const consume = async () => {
    for await (const event of training) {
      await Promise.resolve();
      if (event.type === "chunk" && event.epoch === 3) controller.abort(new Error("enough"));
    }
  };
  await expect(consume()).rejects.toThrow("enough");
  const [last] = readdirSync(at("aborted/checkpoint")).sort().reverse();
  expect(Number(/\d+/.exec(last)?.[0])).toBeGreaterThan(2 * 55);
});
