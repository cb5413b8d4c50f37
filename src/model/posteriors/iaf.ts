// A Gaussian posterior followed by inverse autoregressive flow (Kingma et al. 2016, section 4), with masked networks
// (MADE: Germain et al. 2015).
import { integer } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { normalLogDensity } from "../densities.js";
import { type PosteriorFamily, part } from "../parts.js";
import { type Context, joinSpecs, type Specs } from "../specs.js";
import { sigma, toSigma } from "./gaussian.js";

/** Added to the gate's logit, so that a step starts near the identity. */
const INITIAL_GATE = 2;

export const iaf = part({
  help: "Gaussian followed by inverse autoregressive flow (Kingma et al. 2016)",
  settings: {
    sigma,
    iafSteps: integer({ default: 4, min: 0, max: 32, help: "steps of inverse autoregressive flow; 0 = Gaussian" }),
    iafUnits: integer({ default: 128, min: 1, max: 4096, help: "hidden units of each step of the flow" }),
  },
  build({ sigma: sigmaActivation, iafSteps, iafUnits }, { dimZ }): PosteriorFamily {
    const steps = Array.from({ length: iafSteps }, (_, i) => autoregressiveStep(dimZ, iafUnits, i % 2 === 1));
    const { params } = joinSpecs(Object.fromEntries(steps.map(({ specs }, i) => [String(i), specs])));
    return {
      dimZ,
      inputs: (iafSteps > 0 ? 3 : 2) * dimZ, // μ, ρ, and the context of the steps
      specs: { params, draws: { epsilon: { shape: [dimZ], per: "sample", phase: "posterior", kind: "normal" } } },
      build(context, outputs) {
        const [mu, rho, hidden] = tf.split(outputs, iafSteps > 0 ? 3 : 2, 1);
        const deviation = toSigma(rho, sigmaActivation);
        /** ε [B, L, Z] to z [B, L, Z] and log q(z|x) [B, L]. */
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
 * A masked network from z and context, [N, Z] each, to mean and gate, [N, Z] each. The outputs for a dimension depend
 * on the context and the dimensions before it or, if reversed, after it.
 */
function autoregressiveStep(dimZ: number, units: number, isReversed: boolean) {
  // Degrees as in MADE: a hidden unit sees dimensions up to its degree, an output sees units of a smaller degree. Units
  // of degree 0 see only the context, and pass it to the first dimension.
  const degree = (j: number) => (isReversed ? dimZ - j : j + 1);
  const hiddenDegree = (i: number) => i % dimZ;
  const maskOf = (rows: number, columns: number, isOpen: (row: number, column: number) => boolean) =>
    Float32Array.from({ length: rows * columns }, (_, at) => +isOpen(Math.floor(at / columns), at % columns));
  const inputMask = maskOf(dimZ, units, (j, i) => degree(j) <= hiddenDegree(i));
  const outputMask = maskOf(units, dimZ, (i, j) => hiddenDegree(i) < degree(j));
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
      const seen = product(z, masked("input", inputMask, [dimZ, units]));
      const h = tf.elu(tf.add(tf.add(seen, product(hidden, context.param("context"))), context.param("bias")));
      const output = (name: string) =>
        tf.add(product(h, masked(name, outputMask, [units, dimZ])), context.param(`${name}Bias`));
      const raw = tf.add(output("gate"), INITIAL_GATE);
      // log(sigmoid(raw)) would be −∞ if the sigmoid underflows.
      return { mean: output("mean"), gate: tf.sigmoid(raw), logGate: tf.neg(tf.softplus(tf.neg(raw))) };
    },
  };
}
