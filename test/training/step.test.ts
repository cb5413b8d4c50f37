// The training step on every engine: against PyTorch's numbers on a small model, and against the cpu engine on a larger one.
import { createHash } from "node:crypto";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import type { Engine, Hosted } from "../../src/engine/engine.js";
import { initialParameters } from "../../src/model/parameters.js";
import { adamStepSize } from "../../src/training/adam.js";
import { drawBatches, epochOrder } from "../../src/training/batches.js";
import type { TrainingState } from "../../src/training/loop.js";
import { initialState } from "../../src/training/loop.js";
import type { StepInput } from "../../src/training/step.js";
import { createTrainingStep } from "../../src/training/step.js";
import type { HostArray, Tree } from "../../src/tree.js";
import { leaves } from "../../src/tree.js";
import { array, ENGINE_NAMES, open, relativeError, weyl } from "../helpers.js";
import reference from "../reference/step.json" with { type: "json" };

type Numbers = { shape: number[]; data: number[] };

const floats = ({ data, shape }: Numbers) => array(data, shape);
const bytes = ({ data, shape }: Numbers): HostArray => ({ data: Uint8Array.from(data), shape });
const mapValues = <T, U>(record: Record<string, T>, fn: (value: T) => U) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, fn(value)]));

describe.each(ENGINE_NAMES)("the training step on engine %s", (name) => {
  it("agrees with five steps in PyTorch, with dropout and noise, and leaves no tensor behind", async () => {
    const { keepProb, learningRate, steps, params, inputs, metrics, final } = reference;
    const engine = await open(name);
    const xs: Hosted<StepInput> = {
      images: bytes(inputs.images),
      corrupted: floats(inputs.corrupted),
      epsilon: floats(inputs.epsilon),
      masks: mapValues(inputs.masks as Record<string, Numbers>, bytes),
      stepSize: array(Array.from({ length: steps }, (_, i) => adamStepSize(learningRate, i + 1))),
    };
    const init = initialState(mapValues(params as Record<string, Numbers>, floats));
    const step = createTrainingStep(keepProb);
    const [carry, y] = await engine.scan(step, init, xs);
    metrics.reconstruction.forEach((value, i) => {
      expect(y.reconstruction.data[i]).toBeCloseTo(value, 4);
      expect(y.kl.data[i]).toBeCloseTo(metrics.kl[i], 4);
    });
    for (const [parameter, { data }] of Object.entries(final as Record<string, Numbers>)) {
      expect(relativeError(carry.params[parameter].data, data), parameter).toBeLessThan(1e-5);
    }
    const { numTensors } = tf.memory();
    await engine.scan(step, init, xs);
    expect(tf.memory().numTensors).toBe(numTensors);
    await engine.close();
  });
});

describe("after 20 steps from one state, with dropout and noise", () => {
  const config = {
    batchSize: 32,
    dimZ: 4,
    keepProb: 0.9,
    learningRate: 1e-3,
    nHidden: 96,
    noise: "salt-pepper",
    seed: 5,
  } as const;
  const pixels = 784;
  const count = 20 * config.batchSize;
  const images = { count, offset: 0, pixels: Uint8Array.from(weyl(count * pixels, 0, 256), (x) => (x > 200 ? x : 0)) };
  const train = async (engine: Engine): Promise<TrainingState> => {
    const xs = drawBatches(images, pixels, epochOrder(config.seed, 1, count), 0, config);
    const init = initialState(initialParameters({ pixels, ...config }, config.seed));
    const [carry] = await engine.scan(createTrainingStep(config.keepProb), init, xs);
    await engine.close();
    return carry;
  };
  const expected = open("cpu").then(train);

  it.each(ENGINE_NAMES.filter((name) => name !== "cpu"))("engine %s has the weights of engine cpu", async (name) => {
    const carry = await train(await open(name));
    for (const [parameter, { data }] of Object.entries((await expected).params)) {
      expect(relativeError(carry.params[parameter].data, data), parameter).toBeLessThan(1e-4);
    }
  });

  it.each(ENGINE_NAMES)("engine %s gives the same bits again, however the steps are cut into chunks", async (name) => {
    const engine = await open(name);
    const step = createTrainingStep(config.keepProb);
    const order = epochOrder(config.seed, 1, count);
    const run = async (...chunks: number[]) => {
      let state = initialState(initialParameters({ pixels, ...config }, config.seed));
      let done = 0;
      for (const chunk of chunks) {
        const part = order.subarray(done * config.batchSize, (done + chunk) * config.batchSize);
        [state] = await engine.scan(step, state, drawBatches(images, pixels, part, done, config));
        done += chunk;
      }
      return digest(state);
    };
    const whole = await run(5);
    expect(await run(5)).toBe(whole);
    expect(await run(1, 3, 1)).toBe(whole);
    await engine.close();
  });
});

/** A hash of every bit of a state. */
function digest(state: TrainingState): string {
  const hash = createHash("sha256");
  for (const [path, { data }] of leaves(state as Tree<HostArray>)) {
    hash.update(path).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
