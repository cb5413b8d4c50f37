// A flow prior: affine coupling layers on N(0, 1), RealNVP (Dinh et al. 2017, section 3).
import { integer } from "../../config/entries.js";
import { tf } from "../../engine/compiled/tf.js";
import { UserError } from "../../errors.js";
import { standardNormalLogDensity } from "../densities.js";
import { dense, type Layer, sequential } from "../layers.js";
import { type PriorFamily, part } from "../parts.js";
import { type Context, joinSpecs } from "../specs.js";
import { STANDARD_NORMAL } from "./standard-normal.js";

/** Bounds s(a), the logarithm of the scale. */
const MAX_LOG_SCALE = 2;

export const flow = part({
  help: "normalizing flow of affine couplings on N(0, 1) (RealNVP, Dinh et al. 2017)",
  settings: {
    flowLayers: integer({ default: 6, min: 0, max: 32, help: "coupling layers of a flow prior; 0 = N(0, 1)" }),
    flowUnits: integer({ default: 128, min: 1, max: 4096, help: "hidden units of each network of a flow prior" }),
  },
  build({ flowLayers, flowUnits }, { dimZ }): PriorFamily {
    if (dimZ < 2 && flowLayers > 0)
      throw new UserError("Prior flow needs two latent dimensions or more: raise `dimZ`.");
    const layers = Array.from({ length: flowLayers }, (_, i) => coupling(dimZ, flowUnits, i % 2 === 1));
    const specs = joinSpecs(Object.fromEntries(layers.map(({ specs }, i) => [String(i), specs])));
    return {
      dimZ,
      specs: { ...specs, draws: { z: { shape: [dimZ], per: "sample", phase: "prior", kind: "normal" } } },
      build: (context) => ({
        family: flowLayers === 0 ? STANDARD_NORMAL : "flow",
        logProb(z) {
          const [B, L] = z.shape;
          let u = tf.reshape(z, [B * L, dimZ]);
          let logDeterminant: tf.Tensor = tf.zeros([B * L]);
          for (const [i, layer] of layers.entries()) {
            const { value, logScale } = layer.inverse(context.at(String(i)), u);
            u = value;
            logDeterminant = tf.sub(logDeterminant, tf.sum(logScale, 1));
          }
          return tf.reshape(tf.add(standardNormalLogDensity(u), logDeterminant), [B, L]);
        },
        sample: () => layers.reduceRight((z, layer, i) => layer.forward(context.at(String(i)), z), context.draw("z")),
      }),
    };
  },
});

/**
 * A coupling layer: scales and shifts one half b of z by functions of the other half a, b ⊙ exp(s(a)) + t(a) (eq. 7 and
 * 8). Initialized to the identity.
 */
function coupling(dimZ: number, units: number, isSwapped: boolean) {
  const first = Math.ceil(dimZ / 2);
  const [inputs, changed] = isSwapped ? [dimZ - first, first] : [first, dimZ - first];
  const hidden = () => dense({ units, activation: "elu", weight: "he" });
  const network: Layer = sequential([hidden(), hidden(), dense({ units: 2 * changed, weight: "zeros" })]);
  const divide = (z: tf.Tensor) => {
    const [low, high] = tf.split(z, [first, dimZ - first], 1);
    return isSwapped ? { a: high, b: low } : { a: low, b: high };
  };
  const join = (a: tf.Tensor, b: tf.Tensor) => tf.concat(isSwapped ? [b, a] : [a, b], 1);
  const parametersOf = (context: Context, a: tf.Tensor) => {
    const [raw, shift] = tf.split(network.apply(context, a), 2, 1);
    return { logScale: tf.mul(tf.tanh(tf.div(raw, MAX_LOG_SCALE)), MAX_LOG_SCALE), shift };
  };
  return {
    specs: network.specs([inputs], "sample"),
    forward(context: Context, z: tf.Tensor): tf.Tensor {
      const { a, b } = divide(z);
      const { logScale, shift } = parametersOf(context, a);
      return join(a, tf.add(tf.mul(b, tf.exp(logScale)), shift));
    },
    inverse(context: Context, z: tf.Tensor) {
      const { a, b } = divide(z);
      const { logScale, shift } = parametersOf(context, a);
      return { value: join(a, tf.mul(tf.sub(b, shift), tf.exp(tf.neg(logScale)))), logScale };
    },
  };
}
