// Chooses the scales of arrays, and scales their images to bytes.
import { UserError } from "../errors.js";
import type { FileArray } from "./arrays.js";
import type { Split } from "./names.js";
import { chunks, type ImageShape, type Pixels, pixelsInMemory, pixelsOf } from "./pixels.js";
import {
  chooseScaleOf,
  hasContrast,
  joinRanges,
  measureRange,
  type Range,
  rescale,
  type Scale,
  type Scales,
  toBytes,
} from "./scale.js";

/** Images of a split, whose shape is known. */
interface ShapedImages {
  readonly split: Split;
  readonly images: FileArray;
  readonly count: number;
  readonly shape: ImageShape;
}

/** Chooses one scale for all integers, one for all floats and one for bool. @throws UserError if no scale fits */
export function chooseScales(
  arrays: readonly ShapedImages[],
  name: string,
  trained?: Scales | undefined,
): (array: FileArray) => Scale {
  const scales = new Map<string, Scale>();
  for (const kind of new Set(arrays.map(({ images }) => kindOf(images)))) {
    const own = arrays.filter(({ images }) => kindOf(images) === kind);
    const ranges = new Map(own.map((one) => [one.split, measure(one)]));
    const { dtype } = own[0].images;
    const type = own.every(({ images }) => images.dtype === dtype) ? dtype : kind;
    scales.set(kind, chooseScaleOf(ranges, type, name, trained));
  }
  return (array) => scales.get(kindOf(array)) as Scale;
}

function kindOf({ dtype }: FileArray): string {
  if (dtype === "bool") return dtype;
  return dtype.startsWith("float") ? "float64" : "int64";
}

function measure({ images, count, shape }: ShapedImages): Range {
  const range = images.values ? measureRange(images.values) : measureBytes(images, count, pixelsOf(shape));
  if (range.badAt === undefined) return range;
  const image = Math.floor(range.badAt / pixelsOf(shape));
  throw new UserError(
    `Image ${image} of ${images.name} holds ${images.values?.[range.badAt]}. Pixels must be finite numbers.`,
  );
}

/** Measures bytes until they need no warning. */
function measureBytes({ pixels }: FileArray, count: number, size: number): Range {
  let range = joinRanges([]);
  for (const chunk of chunks((pixels as NonNullable<typeof pixels>)(size), count, size)) {
    range = joinRanges([range, measureRange(chunk)]);
    if (hasContrast(range)) break;
  }
  return range;
}

/** Images of `size` values each, as bytes. */
export function toPixels({ values, pixels }: FileArray, size: number, scale: Scale): Pixels {
  if (values) return pixelsInMemory(toBytes(values, scale), size);
  return rescale((pixels as NonNullable<typeof pixels>)(size), scale);
}
