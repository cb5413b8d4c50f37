// A conditional model of MNIST draws the requested digits, according to a classifier that is trained here.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import { type Dataset, type ImageSet, loadDataset } from "../../src/data/dataset.js";
import { range } from "../../src/data/pixels.js";
import { tf } from "../../src/engine/compiled/tf.js";
import "../../src/engine/compiled/gradients.js";
import type { Engine } from "../../src/engine/engine.js";
import { loadModel } from "../../src/index.js";
import { logMeanExp } from "../../src/model/densities.js";
import { type HostParams, initialParams } from "../../src/model/initialize.js";
import { mlp } from "../../src/model/layers.js";
import { createContext, type Tensors } from "../../src/model/specs.js";
import { epochOrder } from "../../src/training/batches.js";
import { adam, adamStepSize } from "../../src/training/optimizer/adam.js";
import { firstSnapshot } from "../../src/training/snapshot.js";
import type { Carry } from "../../src/training/step.js";
import type { HostArray } from "../../src/tree.js";
import { array, open } from "../helpers.js";
import { vae } from "../vae.js";

const K = 10;
const [BATCH, EPOCHS, CHUNK] = [100, 3, 50];
const config = createConfig({});
const network = mlp({ hidden: [256], activations: ["relu"], keepProb: 1, outputs: K, weight: "he" });
const specs = network.specs([784], "image");
const logitsOf = (params: Tensors, pixels: tf.Tensor) => network.apply(createContext(params), pixels);

interface Input {
  readonly images: tf.Tensor;
  /** One-hot labels. */
  readonly labels: tf.Tensor;
  readonly stepSize: tf.Scalar;
}

/** A step of Adam on the cross-entropy. */
function step({ params, adam: moments }: Carry, { images, labels, stepSize }: Input): [Carry, { loss: tf.Tensor }] {
  const names = Object.keys(params);
  const loss = (...weights: tf.Tensor[]): tf.Scalar => {
    const logits = logitsOf(Object.fromEntries(names.map((name, i) => [name, weights[i]])), tf.div(images, 255));
    return tf.mean(tf.sub(logMeanExp(logits), tf.sum(tf.mul(labels, logits), 1)));
  };
  const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => params[name]));
  const gradients = Object.fromEntries(names.map((name, i) => [name, grads[i]]));
  const updated = adam(params, gradients, moments, stepSize, config, specs.params);
  return [{ params: updated.params, adam: updated.moments }, { loss: value }];
}

function oneHots(labels: ArrayLike<number>): Uint8Array {
  const data = new Uint8Array(labels.length * K);
  for (let i = 0; i < labels.length; i++) data[i * K + labels[i]] = 1;
  return data;
}

async function trainClassifier(engine: Engine, { train }: Dataset): Promise<HostParams> {
  let { state } = firstSnapshot(initialParams(specs, 1));
  const { labels = new Uint16Array() } = train;
  let done = 0;
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    const order = epochOrder(1, epoch, train.count);
    for (let first = 0; first + CHUNK * BATCH <= train.count; first += CHUNK * BATCH) {
      const numbers = order.subarray(first, first + CHUNK * BATCH);
      const steps = Array.from({ length: CHUNK }, (_, i) => adamStepSize(1e-3, done + i + 1, config));
      done += CHUNK;
      const inputs = {
        images: { data: train.pixels.read(numbers), shape: [CHUNK, BATCH, 784] },
        labels: { data: oneHots(Array.from(numbers, (number) => labels[number])), shape: [CHUNK, BATCH, K] },
        stepSize: array(steps),
      };
      [state] = await engine.scan(step, state, inputs);
    }
  }
  return state.params;
}

const classify = ({ params, images }: { params: Tensors; images: tf.Tensor }) => ({ logits: logitsOf(params, images) });

/** The most likely digit of each image, [N, 784] from 0 to 1. */
async function digitsOf(engine: Engine, params: HostParams, images: HostArray<Float32Array>): Promise<number[]> {
  const { logits } = await engine.call(classify, { params, images });
  return Array.from(range(0, images.shape[0]), (i) => {
    const own = logits.data.subarray(i * K, (i + 1) * K);
    return own.indexOf(Math.max(...own));
  });
}

async function accuracyOn(engine: Engine, params: HostParams, { pixels, labels, count }: ImageSet): Promise<number> {
  const bytes = pixels.read(range(0, count));
  const images = array(
    Float32Array.from(bytes, (byte) => byte / 255),
    [count, 784],
  );
  const digits = await digitsOf(engine, params, images);
  return digits.filter((digit, i) => digit === labels?.[i]).length / count;
}

it("a classifier recognizes at least 95 of 100 digits as the class they were drawn for", {
  timeout: 3.6e6,
}, async () => {
  const home = mkdtempSync(path.join(tmpdir(), "vae-digits-"));
  const engine = await open("compiled");
  try {
    const mnist = await loadDataset("mnist");
    const params = await trainClassifier(engine, mnist);
    expect(await accuracyOn(engine, params, mnist.test)).toBeGreaterThan(0.97);

    const { code, stderr } = await vae("train --conditional --epochs 4 --quiet --run digits".split(" "), home);
    expect([code, stderr]).toEqual([0, ""]);
    const model = await loadModel(path.join(home, "digits"));
    let right = 0;
    for (let digit = 0; digit < K; digit++) {
      const { data } = await model.sample(10, { class: digit }); // a row of vae sample --by-class
      const seen = await digitsOf(engine, params, { data, shape: [10, 784] });
      right += seen.filter((one) => one === digit).length;
    }
    await model.close();
    expect(right).toBeGreaterThanOrEqual(95);
  } finally {
    await engine.close();
    rmSync(home, { recursive: true });
  }
});
