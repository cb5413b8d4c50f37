// Layers: functions of a batch [N, …shape] that declare their weights and draws. Shapes omit the batch.
import { checkOptions, listOf, maybe, objectOf } from "../arguments.js";
import { tf } from "../engine/compiled/tf.js";
import { sizeOf } from "../tree.js";
import { checkValue } from "../values/checker.js";
import { number, oneOf } from "../values/domains.js";
import { INIT, LAYER, UNITS } from "./checks.js";
import { type Context, type DrawSpec, type Init, joinSpecs, type Specs } from "./specs.js";

/** The weights, draws and output of a layer. */
export interface LayerSpecs extends Specs {
  /** Its shape. */
  readonly output: readonly number[];
  /** The count of numbers that all layers of a chain output. By default the size of `output`. */
  readonly outputs?: number | undefined;
}

/** A fully connected layer as data. Its weights are `weight` and `bias` in the scope. */
export interface DenseLayer {
  /** Empty, or ends in a dot. */
  readonly scope: string;
  /** Linear if undefined. */
  readonly activation: ActivationName | undefined;
}

/** A layer: its specs, and the function that they belong to. */
export interface Layer {
  /** Set if the layer is a chain of fully connected layers, so that other programs can compute it without an engine. */
  readonly chain?: readonly DenseLayer[] | undefined;
  /**
   * Declares weights, draws and output shape.
   *
   * @param per "image" in the encoder, "sample" (a draw of z) in the decoder
   */
  specs(input: readonly number[], per: DrawSpec["per"]): LayerSpecs;
  /** @param x [N, …input] @returns [N, …output] */
  apply(context: Context, x: tf.Tensor): tf.Tensor;
}

export const ACTIVATIONS = {
  elu: (x) => tf.elu(x),
  relu: (x) => tf.relu(x),
  sigmoid: (x) => tf.sigmoid(x),
  silu: (x) => tf.mul(x, tf.sigmoid(x)),
  softplus: (x) => tf.softplus(x),
  tanh: (x) => tf.tanh(x),
} satisfies Record<string, (x: tf.Tensor) => tf.Tensor>;

export type ActivationName = keyof typeof ACTIVATIONS;

interface DenseOptions {
  readonly units: number;
  readonly activation?: ActivationName | undefined;
  /** The probability that dropout keeps a unit in training (Srivastava et al. 2014); 1 for no dropout. */
  readonly keepProb?: number;
  readonly weight: Init;
  readonly bias?: Init;
}

export const ACTIVATION = oneOf(Object.keys(ACTIVATIONS) as ActivationName[]);
const KEEP_PROB = number({ above: 0, max: 1 });

/**
 * A fully connected layer: dropout(activation(x·weight + bias)). `weight` is [in, units], `bias` [units], the draw
 * `mask` [units].
 *
 * @throws UserError if an option is invalid
 */
export function dense(options: DenseOptions): Layer {
  const { units, activation, keepProb, weight, bias } = checkOptions(
    {
      units: UNITS,
      activation: maybe(ACTIVATION),
      keepProb: maybe(KEEP_PROB, 1),
      weight: INIT,
      bias: maybe(INIT, "zeros"),
    },
    options,
  );
  return {
    chain: [{ scope: "", activation }],
    specs: ([inputs], per) => ({
      params: { weight: { shape: [inputs, units], init: weight, decays: true }, bias: { shape: [units], init: bias } },
      draws: keepProb < 1 ? { mask: { shape: [units], per, phase: "training", kind: { bernoulli: keepProb } } } : {},
      output: [units],
    }),
    apply(context, x) {
      const sums = tf.add(tf.matMul(x as tf.Tensor2D, context.param("weight") as tf.Tensor2D), context.param("bias"));
      const h = activation ? ACTIVATIONS[activation](sums) : sums;
      // Scales kept units up, so that the next layer sees the same mean as without dropout.
      return context.training && keepProb < 1 ? tf.mul(h, tf.mul(context.draw("mask"), 1 / keepProb)) : h;
    },
  };
}

/** The count of numbers that layers keep for an input until the gradient is computed. */
export function outputsOf({ output, outputs = sizeOf(output) }: LayerSpecs): number {
  return outputs;
}

/** Chains layers. Scopes are named by the record's keys or the array's indices. @throws UserError if one is invalid */
export function sequential(layers: readonly Layer[] | { readonly [name: string]: Layer }): Layer {
  checkValue<unknown>("The argument layers", Array.isArray(layers) ? listOf(LAYER) : objectOf(LAYER), layers);
  const steps = Object.entries(layers);
  return {
    chain: joinChains(steps),
    specs(input, per) {
      let output = input;
      let outputs = 0;
      const scopes = steps.map(([name, layer]) => {
        const specs = layer.specs(output, per);
        output = specs.output;
        outputs += outputsOf(specs);
        return [name, specs] as const;
      });
      return { ...joinSpecs(Object.fromEntries(scopes)), output, outputs };
    },
    apply: (context, x) => steps.reduce((h, [name, layer]) => layer.apply(context.at(name), h), x),
  };
}

/** @returns undefined if a layer is not a chain of fully connected layers */
function joinChains(steps: readonly (readonly [name: string, layer: Layer])[]): DenseLayer[] | undefined {
  const chains = steps.map(([name, { chain }]) => chain?.map((one) => ({ ...one, scope: `${name}.${one.scope}` })));
  return chains.every((chain) => chain !== undefined) ? chains.flat() : undefined;
}

interface MlpOptions extends Pick<DenseOptions, "weight" | "bias"> {
  readonly hidden: readonly number[];
  /** Of the hidden layers in order; the last one repeats. */
  readonly activations: readonly ActivationName[];
  readonly keepProb: number;
  readonly outputs: number;
}

/**
 * A multilayer perceptron: hidden layers with activation and dropout, and a linear output layer with initial bias
 * `bias`.
 *
 * @throws UserError if an option is invalid
 */
export function mlp(options: MlpOptions): Layer {
  const { hidden, activations, keepProb, outputs, weight, bias } = checkOptions(
    {
      hidden: listOf(UNITS),
      activations: listOf(ACTIVATION),
      keepProb: KEEP_PROB,
      outputs: UNITS,
      weight: INIT,
      bias: maybe(INIT, "zeros"),
    },
    options,
  );
  const layers = hidden.map((units, i) =>
    dense({ units, activation: activations[Math.min(i, activations.length - 1)], keepProb, weight }),
  );
  return sequential([...layers, dense({ units: outputs, weight, bias })]);
}
