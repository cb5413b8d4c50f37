import { describe, expect, it } from "vitest";
import { type Config, createConfig } from "../../src/config/config.js";
import { pixelsInMemory } from "../../src/data/pixels.js";
import type { Engine } from "../../src/engine/engine.js";
import type { TrainingEvent } from "../../src/training/events.js";
import { trainModel } from "../../src/training/loop.js";
import { DivergenceError, firstSnapshot, type Snapshot } from "../../src/training/snapshot.js";
import { firstParams, modelOf, open, weyl } from "../helpers.js";

const config = createConfig({ batchSize: 16, epochs: 3, learningRate: 1e-2, nHidden: [16, 16] });
const size = { height: 3, width: 3, channels: 1 };
// Two kinds of images, so that the model can learn something.
const pixels = pixelsInMemory(
  Uint8Array.from(weyl(1200, 0, 40), (x, i) => x + (Math.floor(i / 9) % 2 === i % 2 ? 200 : 0)),
  9,
);
const set = (count: number, offset: number) => ({
  count,
  offset,
  pixels: { read: (numbers: ArrayLike<number>) => pixels.read(Array.from(numbers, (i) => offset + i)) },
});
const data = {
  name: "two",
  kind: "arrays" as const,
  ...size,
  train: set(100, 0),
  validation: set(20, 100),
  test: set(10, 120),
  bad: [],
  background: "black" as const,
  scales: {},
  notes: [],
};

async function train(given: Partial<Config>, wrap: (engine: Engine) => Engine = (engine) => engine) {
  const engine = await open("compiled");
  const settings = { ...config, ...given };
  const events: TrainingEvent[] = [];
  const snapshots: Snapshot[] = [];
  try {
    const options = {
      engine: wrap(engine),
      model: modelOf(settings, 9),
      config: settings,
      data,
      size,
      start: firstSnapshot(firstParams(settings, 9)),
      sinks: [(_: TrainingEvent, snapshot: Snapshot) => void snapshots.push(snapshot)],
      run: "none",
      started: performance.now(),
    };
    for await (const event of trainModel(options)) events.push(event);
  } finally {
    await engine.close();
  }
  return { events, snapshots, epochs: events.filter((event) => event.type === "epoch") };
}

describe("the training loop", () => {
  it("reports the start, chunks of steps, epochs and the end", async () => {
    const { events, snapshots, epochs } = await train({ epochs: 30 });
    expect(events[0]).toMatchObject({ type: "start", images: { train: 100, validation: 20, test: 10 }, pixels: 9 });
    expect(epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(epochs[29].train.elbo).toBeGreaterThan(epochs[0].train.elbo + 1);
    for (const { train } of epochs) expect(train.elbo).toBeCloseTo(train.reconstruction - train.kl, 10);
    // 100 images make six batches of 16; the last four are dropped.
    const chunks = events.filter((event) => event.type === "chunk");
    expect(Math.max(...chunks.map(({ step }) => step))).toBe(6);
    expect(chunks.filter(({ step }) => step === 6)).toHaveLength(30);
    expect(chunks.at(-1)?.secondsLeft).toBe(0);
    const best = epochs.findLast(({ isBest }) => isBest);
    expect(Math.max(...epochs.map(({ validation }) => validation.objective))).toBe(best?.validation.objective);
    expect(events.at(-1)).toMatchObject({ type: "done", epochs: 30, bestEpoch: best?.epoch });
    expect(snapshots).toHaveLength(events.length);
    // `best` holds the weights of the best epoch.
    const after = events.indexOf(best as TrainingEvent);
    expect(snapshots.at(-1)?.best).toEqual(snapshots[after].state.params);
  });

  it("reaches the same weights from any snapshot", async () => {
    const { snapshots } = await train({});
    const engine = await open("compiled");
    for (const start of [snapshots[2], snapshots[snapshots.length - 3]]) {
      const options = { engine, model: modelOf(config, 9), config, data, size, start, run: "none", started: 0 };
      let last = start;
      const keep = (_: TrainingEvent, snapshot: Snapshot) => {
        last = snapshot;
      };
      for await (const _ of trainModel({ ...options, sinks: [keep] }));
      expect(last.state).toEqual(snapshots.at(-1)?.state);
    }
    await engine.close();
  });

  it("stops if the loss is not finite, and names the step", async () => {
    const failing = train({ learningRate: 1e30 });
    await expect(failing).rejects.toThrow(DivergenceError);
    await expect(failing).rejects.toMatchObject({ epoch: 1, step: expect.any(Number) });
  });

  it("stops if validation is not finite", async () => {
    const broken = (engine: Engine) =>
      ({
        ...engine,
        loop: engine.loop.bind(engine),
        call: async (fn: never, inputs: never) => {
          const outputs = (await engine.call(fn, inputs)) as Record<string, { data: Float32Array }>;
          outputs.objective.data.fill(Number.NaN);
          return outputs;
        },
      }) as Engine;
    await expect(train({}, broken)).rejects.toMatchObject({ name: "DivergenceError", epoch: 1, step: undefined });
  });
});
