import { describe, expect, it } from "vitest";
import { type Config, createConfig } from "../../src/config/config.js";
import { pixelsInMemory } from "../../src/data/pixels.js";
import type { Engine } from "../../src/engine/engine.js";
import type { HostParams } from "../../src/model/parameters.js";
import { initialParameters } from "../../src/model/parameters.js";
import { Vae } from "../../src/model/vae.js";
import type { EpochResult, Progress } from "../../src/training/loop.js";
import { DivergenceError, initialState, startOf, trainEpochs } from "../../src/training/loop.js";
import { open, weyl } from "../helpers.js";

const config = createConfig({ batchSize: 16, epochs: 3, learningRate: 1e-2, nHidden: [16, 16] });
const size = { height: 3, width: 3, channels: 1 };
// Two kinds of images, so that there is something to learn.
const images = {
  count: 100,
  offset: 0,
  pixels: pixelsInMemory(
    Uint8Array.from(weyl(900, 0, 40), (x, i) => x + (Math.floor(i / 9) % 2 === i % 2 ? 200 : 0)),
    9,
  ),
};
const NO_ELBO = { objective: -1, elbo: -1, reconstruction: -1, kl: 0 };

async function train(
  overrides: Partial<Config>,
  validate: (params: HostParams) => Promise<typeof NO_ELBO> = async () => NO_ELBO,
  wrap: (engine: Engine) => Engine = (engine) => engine,
) {
  const engine = await open("compiled");
  const settings = { ...config, ...overrides };
  const architecture = { pixels: 9, ...settings };
  const state = initialState(initialParameters(architecture, 0));
  const epochs: EpochResult[] = [];
  const progress: Progress[] = [];
  try {
    const loop = trainEpochs({
      engine: wrap(engine),
      vae: new Vae(architecture),
      config: settings,
      images,
      size,
      state,
      validate,
      position: startOf(1),
      onProgress: (p) => progress.push(p),
    });
    for await (const epoch of loop) epochs.push(epoch);
  } finally {
    await engine.close();
  }
  return { epochs, progress };
}

describe("the training loop", () => {
  it("learns, validates after every epoch, and reports every step", async () => {
    const validated: HostParams[] = [];
    const { epochs, progress } = await train({ epochs: 30 }, async (params) => {
      validated.push(params);
      return NO_ELBO;
    });
    expect(epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(epochs[29].train.elbo).toBeGreaterThan(epochs[0].train.elbo + 1);
    epochs.forEach(({ state, train }, i) => {
      expect(state.params).toBe(validated[i]);
      expect(train.elbo).toBeCloseTo(train.reconstruction - train.kl, 10);
    });
    // 100 images make six batches of 16; the last four are dropped.
    expect(Math.max(...progress.map(({ step }) => step))).toBe(6);
    expect(progress.filter(({ step }) => step === 6)).toHaveLength(30);
    expect(progress.at(-1)?.secondsLeft).toBe(0);
  });

  it("stops where the loss is no longer finite, and says where", async () => {
    const failing = train({ learningRate: 1e30 });
    await expect(failing).rejects.toThrow(DivergenceError);
    await expect(failing).rejects.toMatchObject({ epoch: 1, step: expect.any(Number) });
  });

  it("stops where validation is no longer finite", async () => {
    const validate = async () => ({ ...NO_ELBO, objective: Number.NaN });
    await expect(train({}, validate)).rejects.toThrow(DivergenceError);
  });
});
