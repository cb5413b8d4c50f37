// Prepares an array of images for a model: layout and scale.
import { UserError } from "../errors.js";
import type { HostArray } from "../tree.js";
import { findLayout, type Layout, reorderValues } from "./layout.js";
import { describeShape, type ImageShape, imageShape, pixelsOf } from "./pixels.js";
import { chooseScale, measureRange, prefixErrors, type Scale, type Scales, toBytes, toUnit } from "./scale.js";

/** An array of images before it is checked. */
export interface RawImages {
  /** Names the images in messages: "The array", or a file. */
  readonly name: string;
  /** NumPy's name of the type. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** Noise may exceed white, which is 1, but not by this much. */
const MAX_NOISY = 16;

interface Prepared {
  /** Bytes, or floats from 0 to 1: `[N, height, width]`, in colour `[N, height, width, 3]`. */
  readonly images: HostArray;
  /** The scale of the given values. */
  readonly scale: Scale;
}

/**
 * Converts images to the layout that a model expects, and to bytes or floats from 0 black to 1 white.
 *
 * @param size the shape of the model's images
 * @param options scales: the scales of the training images. isNoisy: floats are not clipped to 0 and 1
 * @throws UserError if the images have another size, or their layout or scale is unclear
 */
export function prepareImages(
  { name, dtype, shape: sizes, values }: RawImages,
  size: ImageShape,
  {
    isNoisy,
    layout: given,
    scales,
  }: {
    readonly isNoisy: boolean;
    readonly layout?: Layout | null | undefined;
    readonly scales?: Scales | undefined;
  },
): Prepared {
  const channels = size.channels === 3 ? 3 : 1;
  const { count, shape, layout } = findLayout(sizes, { size, channels, layout: given }, name);
  if (describeShape(shape) !== describeShape(size)) {
    throw new UserError(
      `${name} has the shape (${sizes.join(", ")}), images of ${describeShape(shape)}. This model takes ` +
        `[N, ${imageShape(size).join(", ")}], images of ${describeShape(size)}.`,
    );
  }
  const range = measureRange(values);
  if (range.badAt !== undefined) {
    const image = Math.floor(range.badAt / pixelsOf(size));
    throw new UserError(`${name} holds ${values[range.badAt]} in image ${image}. Pixels must be finite numbers.`);
  }
  const isFloat = dtype.startsWith("float");
  if (isFloat && isNoisy && range.max > MAX_NOISY) {
    throw new UserError(
      `${name} has values up to ${range.max}. Noisy pixels are floats around 0 (black) to 1 (white): save x / 255.`,
    );
  }
  const scale =
    isFloat && isNoisy ? { black: 0, step: 1 / 255 } : prefixErrors(name, () => chooseScale(range, dtype, scales));
  const floats = () => (isNoisy ? Float32Array.from(values) : toUnit(values, scale));
  const data = reorderValues(isFloat ? floats() : toBytes(values, scale), { shape, layout });
  return { images: { data, shape: [count, ...imageShape(shape)] }, scale };
}
