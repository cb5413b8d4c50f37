// A Gaussian posterior followed by inverse autoregressive flow (Kingma et al. 2016, section 4), with masked networks
// (MADE, Germain et al. 2015).
import { integer } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { normalLogDensity } from "../densities.js";
import { type PosteriorFamily, part } from "../parts.js";
import { type Context, joinSpecs, type Specs } from "../specs.js";
import { sigma, toSigma } from "./gaussian.js";

/** So that a step starts near the identity. */
const FIRST_GATE = 2;

export const iaf = part({
  help: "Gaussian followed by inverse autoregressive flow (Kingma et al. 2016)",
  settings: {
    sigma,
    iafSteps: integer({ default: 4, min: 0, max: 32, help: "steps of inverse autoregressive flow; 0 = Gaussian" }),
    iafUnits: integer({ default: 128, min: 1, max: 4096, help: "hidden units of each step of the flow" }),
  },
  build({ sigma: how, iafSteps, iafUnits }, { dimZ }): PosteriorFamily {
    const steps = Array.from({ length: iafSteps }, (_, i) => autoregressiveStep(dimZ, iafUnits, i % 2 === 1));
    const { params } = joinSpecs(Object.fromEntries(steps.map(({ specs }, i) => [String(i), specs])));
    return {
      dimZ,
      inputs: (iafSteps > 0 ? 3 : 2) * dimZ, // μ, ρ, and the context of the steps
      specs: { params, draws: { epsilon: { shape: [dimZ], per: "sample", phase: "posterior", kind: "normal" } } },
      build(context, outputs) {
        const [mu, rho, hidden] = tf.split(outputs, iafSteps > 0 ? 3 : 2, 1);
        const deviation = toSigma(rho, how);
        /** Draws z of ε, [B, L, Z], and log q(z|x). */
        const flow = (epsilon: tf.Tensor) => {
          const [B, L] = epsilon.shape as [number, number];
          const perImage = (x: tf.Tensor) => tf.reshape(x, [B, 1, dimZ]);
          const rows = (x: tf.Tensor) => tf.reshape(tf.tile(perImage(x), [1, L, 1]), [B * L, dimZ]);
          const first = tf.add(perImage(mu), tf.mul(perImage(deviation), epsilon));
          let z = tf.reshape(first, [B * L, dimZ]);
          let logGates: tf.Tensor = tf.zeros([B * L]);
          for (const [i, step] of steps.entries()) {
            const { mean, gate, logGate } = step.apply(context.at(String(i)), z, rows(hidden));
            z = tf.add(tf.mul(gate, z), tf.mul(tf.sub(1, gate), mean));
            logGates = tf.add(logGates, tf.sum(logGate, 1));
          }
          const logFirst = tf.sum(normalLogDensity(first, perImage(mu), perImage(deviation)), 2);
          return { z: tf.reshape(z, [B, L, dimZ]), logDensity: tf.sub(logFirst, tf.reshape(logGates, [B, L])) };
        };
        let drawn: ReturnType<typeof flow> | undefined;
        const draw = () => {
          const epsilon = context.draw("epsilon");
          const B = mu.shape[0];
          drawn ??= flow(tf.reshape(epsilon, [B, epsilon.shape[0] / B, dimZ]));
          return drawn;
        };
        return {
          get mean() {
            return tf.reshape(flow(tf.zeros([mu.shape[0], 1, dimZ])).z, [mu.shape[0], dimZ]);
          },
          sample: () => draw().z,
          logRatio: (z, prior) => tf.sub(prior.logProb(z), draw().logDensity),
          kl: () => undefined,
        };
      },
    };
  },
});

/**
 * A network whose outputs for a dimension depend on those before it, or after it if it is turned, and on the context: z
 * and context [N, Z] to the mean and the gate of each dimension.
 */
function autoregressiveStep(dimZ: number, units: number, isTurned: boolean) {
  // Degrees as in MADE: a hidden unit sees the dimensions up to its degree, an output the units of a smaller degree.
  // Units of degree 0 see the context alone, and bring it to the first dimension.
  const degree = (j: number) => (isTurned ? dimZ - j : j + 1);
  const hiddenDegree = (i: number) => i % dimZ;
  const table = (rows: number, columns: number, isOpen: (row: number, column: number) => boolean) =>
    Float32Array.from({ length: rows * columns }, (_, at) => +isOpen(Math.floor(at / columns), at % columns));
  const intoHidden = table(dimZ, units, (j, i) => degree(j) <= hiddenDegree(i));
  const outOfHidden = table(units, dimZ, (i, j) => hiddenDegree(i) < degree(j));
  const specs: Specs = {
    params: {
      input: { shape: [dimZ, units], init: "glorot", decays: true },
      context: { shape: [dimZ, units], init: "glorot", decays: true },
      bias: { shape: [units], init: "zeros" },
      mean: { shape: [units, dimZ], init: "glorot", decays: true },
      meanBias: { shape: [dimZ], init: "zeros" },
      gate: { shape: [units, dimZ], init: "glorot", decays: true },
      gateBias: { shape: [dimZ], init: "zeros" },
    },
    draws: {},
  };
  return {
    specs,
    apply(context: Context, z: tf.Tensor, hidden: tf.Tensor) {
      const masked = (name: string, mask: Float32Array, shape: [number, number]) =>
        tf.mul(context.param(name), tf.tensor2d(mask, shape)) as tf.Tensor2D;
      const product = (x: tf.Tensor, weight: tf.Tensor) => tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D);
      const seen = product(z, masked("input", intoHidden, [dimZ, units]));
      const h = tf.elu(tf.add(tf.add(seen, product(hidden, context.param("context"))), context.param("bias")));
      const output = (name: string) =>
        tf.add(product(h, masked(name, outOfHidden, [units, dimZ])), context.param(`${name}Bias`));
      const raw = tf.add(output("gate"), FIRST_GATE);
      // log(sigmoid(raw)) would be −∞ where the sigmoid underflows.
      return { mean: output("mean"), gate: tf.sigmoid(raw), logGate: tf.neg(tf.softplus(tf.neg(raw))) };
    },
  };
}
