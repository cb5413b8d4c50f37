// Compares the training step of each engine with PyTorch, on a small model, and with engine cpu, on a larger one.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import { pixelsInMemory } from "../../src/data/pixels.js";
import { tf } from "../../src/engine/compiled/tf.js";
import type { Engine, HostTree } from "../../src/engine/engine.js";
import { TERMS } from "../../src/model/bounds.js";
import { drawBatches, epochOrder } from "../../src/training/batches.js";
import { adamStepSize } from "../../src/training/optimizer/adam.js";
import { firstSnapshot, type TrainingState } from "../../src/training/snapshot.js";
import { createTrainingStep, type StepInput } from "../../src/training/step.js";
import { type HostArray, leaves } from "../../src/tree.js";
import { array, ENGINES, firstParams, modelOf, open, relativeError, weyl } from "../helpers.js";
import reference from "../reference/step.json" with { type: "json" };

type Numbers = { shape: number[]; data: number[] };
type Case = keyof typeof reference.cases;

const floats = ({ data, shape }: Numbers) => array(data, shape);
const bytes = ({ data, shape }: Numbers): HostArray => ({ data: Uint8Array.from(data), shape });
const mapValues = <T, U>(record: Record<string, T>, fn: (value: T) => U) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, fn(value)]));

describe.each(ENGINES)("the training step on engine %s", (name) => {
  it.each(Object.keys(reference.cases) as Case[])("agrees with five steps in PyTorch: %s", async (which) => {
    const { settings, params, inputs, metrics, final } = reference.cases[which];
    const given = inputs as Partial<Record<string, Numbers>> & { masks?: Record<string, Numbers> };
    const config = createConfig(settings);
    const engine = await open(name);
    const rows = ({ data, shape: [steps, B, L, Z] }: HostArray) => ({ data, shape: [steps, B * L, Z] });
    const masks = Object.entries(given.masks ?? {}).map(([layer, mask]) => [`${layer}.mask`, bytes(mask)] as const);
    const xs: HostTree<StepInput> = {
      images: bytes(inputs.images),
      corrupted: given.corrupted && floats(given.corrupted),
      draws: {
        ...(given.epsilon && { "posterior.epsilon": rows(floats(given.epsilon)) }),
        ...Object.fromEntries(masks),
      },
      klWeight: given.klWeight && floats(given.klWeight),
      stepSize: array(
        Array.from({ length: reference.steps }, (_, i) => adamStepSize(config.learningRate, i + 1, config)),
      ),
      ...(config.weightDecay > 0 && {
        decay: array(new Array(reference.steps).fill(config.learningRate * config.weightDecay)),
      }),
    };
    const init = firstSnapshot(mapValues(params as Record<string, Numbers>, floats)).state;
    const step = createTrainingStep(modelOf(config, reference.pixels), config);
    const [carry, y] = await engine.scan(step, init, xs);
    for (const term of TERMS) {
      metrics[term].forEach((value, i) => {
        expect(y[term].data[i], term).toBeCloseTo(value, 4);
      });
    }
    for (const [parameter, { data }] of Object.entries(final as Record<string, Numbers>)) {
      expect(relativeError(carry.params[parameter].data, data), parameter).toBeLessThan(1e-5);
    }
    const { numTensors } = tf.memory();
    await engine.scan(step, init, xs);
    expect(tf.memory().numTensors, "no tensor is leaked").toBe(numTensors);
    await engine.close();
  });
});

describe("after 20 steps from one state, with importance samples, dropout and noise", () => {
  const config = createConfig({
    batchSize: 32,
    dimZ: 4,
    importanceSamples: 3,
    nHidden: [64, 32],
    noise: "salt-pepper",
    binarize: "dynamic",
    objective: "iwae",
    seed: 5,
  });
  const size = { height: 28, width: 28, channels: 1 };
  const pixels = 784;
  const model = modelOf(config, pixels);
  const step = createTrainingStep(model, config);
  const count = 20 * config.batchSize;
  const bytes = Uint8Array.from(weyl(count * pixels, 0, 256), (x) => (x > 200 ? x : 0));
  const images = { count, offset: 0, pixels: pixelsInMemory(bytes, pixels) };
  const train = async (engine: Engine): Promise<TrainingState> => {
    const xs = drawBatches(images, size, epochOrder(config.seed, 1, count), 0, config, model);
    const init = firstSnapshot(firstParams(config, pixels)).state;
    const [carry] = await engine.scan(step, init, xs);
    await engine.close();
    return carry;
  };
  const expected = open("cpu").then(train);

  it.each(ENGINES.filter((name) => name !== "cpu"))("engine %s has the weights of engine cpu", async (name) => {
    const carry = await train(await open(name));
    for (const [parameter, { data }] of Object.entries((await expected).params)) {
      expect(relativeError(carry.params[parameter].data, data), parameter).toBeLessThan(1e-4);
    }
  });

  it.each(ENGINES)("engine %s gives the same bits for any division of the steps into chunks", async (name) => {
    const engine = await open(name);
    const order = epochOrder(config.seed, 1, count);
    const run = async (...chunks: number[]) => {
      let state = firstSnapshot(firstParams(config, pixels)).state;
      let done = 0;
      for (const chunk of chunks) {
        const part = order.subarray(done * config.batchSize, (done + chunk) * config.batchSize);
        [state] = await engine.scan(step, state, drawBatches(images, size, part, done, config, model));
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
  for (const [path, { data }] of leaves(state)) {
    hash.update(path).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
