// Models of two stochastic layers (Burda et al. 2016, section 2): q(z₁|x) q(z₂|z₁) and p(z₂) p(z₁|z₂) p(x|z₁), with
// z = [z₁, z₂].
import { tf } from "../engine/compiled/tf.js";
import { normalLogDensity, standardNormalLogDensity } from "./densities.js";
import { type Layer, mlp } from "./layers.js";
import type { PosteriorFamily, PriorFamily } from "./parts.js";
import { toSigma } from "./posteriors/gaussian.js";
import { type Context, joinSpecs } from "./specs.js";

/** The sizes of two stochastic layers. */
export interface TwoLayers {
  /** Dimensions of z₁, the layer next to the image, and of z₂. */
  readonly dims: readonly [number, number];
  /** Units of each of the two hidden layers between z₁ and z₂. */
  readonly units: number;
  readonly sigma: "softplus" | "exp";
}

/** A Gaussian of one layer given the other: μ and σ from two hidden tanh layers (appendix C). */
function conditionalGaussian({ units, sigma }: TwoLayers, dims: number) {
  const layer: Layer = mlp({
    hidden: [units, units],
    activations: ["tanh"],
    keepProb: 1,
    outputs: 2 * dims,
    weight: "glorot",
  });
  return {
    specs: (inputs: number) => layer.specs([inputs], "sample"),
    apply(context: Context, z: tf.Tensor) {
      const [mu, rho] = tf.split(layer.apply(context, z), 2, 1);
      return { mu, sigma: toSigma(rho, sigma) };
    },
  };
}

/** q(z₁|x) q(z₂|z₁): the encoder outputs z₁'s μ and ρ, [B, 2 Z₁]. */
export function twoLayerPosterior(layers: TwoLayers): PosteriorFamily {
  const [Z1, Z2] = layers.dims;
  const dimZ = Z1 + Z2;
  const top = conditionalGaussian(layers, Z2);
  return {
    dimZ,
    inputs: 2 * Z1,
    specs: {
      ...joinSpecs({ top: top.specs(Z1) }),
      draws: { epsilon: { shape: [dimZ], per: "sample", phase: "posterior", kind: "normal" } },
    },
    build(context, outputs) {
      const [mu, rho] = tf.split(outputs, 2, 1);
      const sigma = toSigma(rho, layers.sigma);
      const B = mu.shape[0];
      let drawn: { readonly z: tf.Tensor; readonly logDensity: tf.Tensor } | undefined;
      const draw = () => {
        if (drawn) return drawn;
        const epsilon = context.draw("epsilon");
        const L = epsilon.shape[0] / B;
        const rows = (x: tf.Tensor) => tf.reshape(tf.tile(tf.reshape(x, [B, 1, Z1]), [1, L, 1]), [B * L, Z1]);
        const [first, second] = tf.split(epsilon, [Z1, Z2], 1);
        const low = { mu: rows(mu), sigma: rows(sigma) };
        const z1 = tf.add(low.mu, tf.mul(low.sigma, first));
        const high = top.apply(context.at("top"), z1);
        const z2 = tf.add(high.mu, tf.mul(high.sigma, second));
        const logDensity = tf.add(
          tf.sum(normalLogDensity(z1, low.mu, low.sigma), 1),
          tf.sum(normalLogDensity(z2, high.mu, high.sigma), 1),
        );
        const z = tf.reshape(tf.concat([z1, z2], 1), [B, L, dimZ]);
        drawn = { z, logDensity: tf.reshape(logDensity, [B, L]) };
        return drawn;
      };
      return {
        get mean() {
          return tf.concat([mu, top.apply(context.at("top"), mu).mu], 1);
        },
        sample: () => draw().z,
        logRatio: (z, prior) => tf.sub(prior.logProb(z), draw().logDensity),
        kl: () => undefined,
      };
    },
  };
}

/** p(z₂) p(z₁|z₂), with p(z₂) = N(0, 1). */
export function twoLayerPrior(layers: TwoLayers): PriorFamily {
  const [Z1, Z2] = layers.dims;
  const bottom = conditionalGaussian(layers, Z1);
  return {
    dimZ: Z1 + Z2,
    specs: {
      ...joinSpecs({ bottom: bottom.specs(Z2) }),
      draws: { epsilon: { shape: [Z1 + Z2], per: "sample", phase: "prior", kind: "normal" } },
    },
    build: (context) => ({
      family: "two layers",
      logProb(z) {
        const [B, L, Z] = z.shape;
        const [z1, z2] = tf.split(tf.reshape(z, [B * L, Z]), [Z1, Z2], 1);
        const { mu, sigma } = bottom.apply(context.at("bottom"), z2);
        const logProb = tf.add(tf.sum(normalLogDensity(z1, mu, sigma), 1), standardNormalLogDensity(z2));
        return tf.reshape(logProb, [B, L]);
      },
      sample() {
        const [first, z2] = tf.split(context.draw("epsilon"), [Z1, Z2], 1);
        const { mu, sigma } = bottom.apply(context.at("bottom"), z2);
        return tf.concat([tf.add(mu, tf.mul(sigma, first)), z2], 1);
      },
    }),
  };
}

/** Adapts a decoder of z₁ and labels y, if any, to inputs [z₁, z₂, y]: [N, Z₁ + Z₂ + K] to [N, outputs]. */
export function onFirstLayer([Z1, Z2]: TwoLayers["dims"], decoder: Layer): Layer {
  return {
    specs: ([inputs], per) => decoder.specs([inputs - Z2], per),
    apply(context, x) {
      const labels = (x.shape[1] as number) - Z1 - Z2;
      const [z1, , y] = tf.split(x, labels > 0 ? [Z1, Z2, labels] : [Z1, Z2], 1);
      return decoder.apply(context, y ? tf.concat([z1, y], 1) : z1);
    },
  };
}
