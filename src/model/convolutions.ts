// Convolutional layers. Shapes omit the batch: [height, width, channels].
import { checkOptions, listOf, maybe } from "../arguments.js";
import { tf } from "../engine/compiled/tf.js";
import { UserError } from "../errors.js";
import { sizeOf } from "../tree.js";
import { checkValue } from "../values/checker.js";
import { wholeNumber } from "../values/domains.js";
import { INIT, UNITS } from "./checks.js";
import { ACTIVATION, ACTIVATIONS, type ActivationName, type Layer } from "./layers.js";
import type { Init } from "./specs.js";

interface ConvOptions {
  readonly filters: number;
  /** Side of the square kernel, in pixels. */
  readonly kernel: number;
  readonly stride?: number;
  readonly activation?: ActivationName | undefined;
  readonly weight: Init;
  readonly bias?: Init;
}

const OPTIONS = {
  filters: UNITS,
  kernel: wholeNumber({ min: 1, max: 64 }),
  stride: maybe(wholeNumber({ min: 1, max: 64 }), 1),
  activation: maybe(ACTIVATION),
  weight: INIT,
  bias: maybe(INIT, "zeros"),
};

/**
 * A convolution: activation(x ∗ weight + bias), padded so that a side of n pixels becomes ⌈n / stride⌉. `weight` is
 * [kernel, kernel, in, filters], `bias` [filters].
 *
 * @throws UserError if an option is invalid
 */
export function conv(options: ConvOptions): Layer {
  const { filters, kernel, stride, activation, weight, bias } = checkOptions(OPTIONS, options);
  return {
    specs: ([height, width, channels]) => ({
      params: {
        weight: { shape: [kernel, kernel, channels, filters], init: weight, decays: true },
        bias: { shape: [filters], init: bias },
      },
      draws: {},
      output: [Math.ceil(height / stride), Math.ceil(width / stride), filters],
    }),
    apply(context, x) {
      const sums = tf.conv2d(x as tf.Tensor4D, context.param("weight") as tf.Tensor4D, stride, "same");
      return activate(tf.add(sums, context.param("bias")), activation);
    },
  };
}

/**
 * A transposed convolution with output [height, width, filters]. Its input has the shape that `conv` with this stride
 * would give for that output. `weight` is [kernel, kernel, filters, in]. `bias` is [filters], or [height, width,
 * filters] if its initial value is "mean-image".
 *
 * @throws UserError if an option is invalid, or `kernel` is less than `stride`
 */
export function convTranspose(options: ConvOptions & { readonly height: number; readonly width: number }): Layer {
  const { filters, kernel, stride, activation, weight, bias, height, width } = checkOptions(
    { ...OPTIONS, height: UNITS, width: UNITS },
    options,
  );
  if (kernel < stride) {
    throw new UserError(
      `A transposed convolution of stride ${stride} leaves gaps between kernels of ${kernel} pixels. ` +
        "Give a larger kernel.",
    );
  }
  const biasShape = bias === "mean-image" ? [height, width, filters] : [filters];
  return {
    specs: ([, , channels]) => ({
      params: {
        weight: {
          shape: [kernel, kernel, filters, channels],
          init: weight,
          // Each output pixel sums over every stride-th row and column of the kernel.
          fans: [channels * (kernel / stride) ** 2, filters * kernel ** 2],
          decays: true,
        },
        bias: { shape: biasShape, init: bias },
      },
      draws: {},
      output: [height, width, filters],
    }),
    apply(context, x) {
      const size: [number, number, number, number] = [x.shape[0], height, width, filters];
      const weights = context.param("weight") as tf.Tensor4D;
      const sums = tf.conv2dTranspose(x as tf.Tensor4D, weights, size, stride, "same");
      return activate(tf.add(sums, context.param("bias")), activation);
    },
  };
}

/**
 * Applies a layer on images [N, height, width, channels] to flat rows [N, D], D = height · width · channels. With K
 * one-hot labels, rows are [N, D + K], and the labels are appended to the flattened result.
 */
export function onImages(image: readonly [height: number, width: number, channels: number], layer: Layer): Layer {
  const shape = checkValue("The argument image", listOf(UNITS, 1), image);
  const pixels = sizeOf(shape);
  return {
    specs([numbers], per) {
      const specs = layer.specs(shape, per);
      return { ...specs, output: [sizeOf(specs.output) + numbers - pixels] };
    },
    apply(context, x) {
      const [rows, numbers] = x.shape as [number, number];
      const labels = numbers - pixels;
      const [images, y] = labels > 0 ? tf.split(x, [pixels, labels], 1) : [x];
      const features = layer.apply(context, tf.reshape(images, [rows, ...shape]));
      const flat = tf.reshape(features, [rows, sizeOf(features.shape.slice(1))]);
      return y ? tf.concat([flat, y], 1) : flat;
    },
  };
}

function activate(x: tf.Tensor, activation: ActivationName | undefined): tf.Tensor {
  return activation ? ACTIVATIONS[activation](x) : x;
}
