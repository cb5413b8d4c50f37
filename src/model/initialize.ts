// Initializes weights from their specs.
import { type RandomStream, randomStream } from "../random.js";
import { type HostArray, sizeOf } from "../tree.js";
import type { ParamSpec, Specs } from "./specs.js";

export type HostParams = { readonly [name: string]: HostArray<Float32Array> };

/** The number of weights, counted as scalars. */
export function countParameters({ params }: Specs): number {
  return Object.values(params).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** Whether an initial value depends on the mean training image. */
export function needsMeanImage({ params }: Specs): boolean {
  return Object.values(params).some(({ init }) => init === "mean-image");
}

/**
 * Draws the initial weights. Each weight has its own random stream, chosen by its index among the specs.
 *
 * @param meanImage [D], 0 to 1; needed if `needsMeanImage`
 * @throws Error if `meanImage` does not fit a weight
 */
export function initialParams({ params }: Specs, seed: number, meanImage: ArrayLike<number> = []): HostParams {
  return Object.fromEntries(
    Object.entries(params).map(([name, spec], index) => {
      const data = new Float32Array(sizeOf(spec.shape));
      fill(data, spec, randomStream(seed, "weights", index), meanImage);
      return [name, { data, shape: spec.shape }];
    }),
  );
}

/**
 * `he`: normal with standard deviation √(2.6 / fan-in), truncated at two standard deviations, so that the variance is
 * about 2 / fan-in, as in TensorFlow 1's variance_scaling_initializer. `glorot`: uniform within
 * ±√(6 / (fan-in + fan-out)).
 */
function fill(
  data: Float32Array,
  { shape, init, fans }: ParamSpec,
  stream: RandomStream,
  meanImage: ArrayLike<number>,
): void {
  const [inputs = 1, outputs = 1] = shape.length > 1 ? shape.slice(-2) : [1, ...shape];
  const [fanIn, fanOut] = fans ?? [data.length / outputs, data.length / inputs];
  if (init === "ones") data.fill(1);
  else if (init === "he") stream.fillTruncatedNormals(data, Math.sqrt(2.6 / fanIn));
  else if (init === "glorot") stream.fillUniform(data, Math.sqrt(6 / (fanIn + fanOut)));
  else if (init === "mean-image") {
    if (meanImage.length !== data.length)
      throw new Error(`A mean image of ${meanImage.length} numbers does not fit [${shape}]`);
    data.set(Array.from(meanImage, logit));
  } else if (typeof init === "object") data.set(stream.fillNormals(data).map((value) => init.normal * value));
}

/** The logit of a probability, clipped to 0.001–0.999. */
function logit(probability: number): number {
  const p = Math.min(0.999, Math.max(0.001, probability));
  return Math.log(p / (1 - p));
}
