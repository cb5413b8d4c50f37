// Finds the layout of images in arrays: the meaning of the axes, and the order of an image's values.
import { UserError } from "../errors.js";
import { MAX_SIDE, type Size } from "../values/size.js";
import { printable } from "../wording.js";
import { type ImageShape, type Pixels, pixelsOf } from "./pixels.js";
import type { LAYOUTS } from "./settings.js";

/** The axes of an image (height, width, channels) from the slowest to the fastest. */
export type Layout = (typeof LAYOUTS)[number];

export interface ArrayLayout {
  readonly count: number;
  readonly shape: ImageShape;
  readonly layout: Layout;
}

export interface LayoutOptions {
  readonly size?: Size | null | undefined;
  readonly channels?: 1 | 3 | null | undefined;
  readonly layout?: Layout | null | undefined;
}

const LAST_AXIS = "The images seem to lie along the last axis. If so, save np.moveaxis(x, -1, 0).";
const isChannels = (size: number) => size === 1 || size === 3;

/**
 * Finds the count, shape and layout of images in an array.
 *
 * @param sizes the shape of the array
 * @throws UserError if the shape cannot be images, or several layouts fit
 */
export function findLayout(sizes: readonly number[], options: LayoutOptions, name: string): ArrayLayout {
  const [count, ...rest] = sizes;
  const refuse = (remedy: string): never => {
    throw new UserError(`${name} has the shape (${printable(sizes.join(", "))}). ${remedy}`);
  };
  if (sizes.includes(0)) return refuse("No size may be 0.");
  if (rest.length === 1) return { count, ...findInRow(sizes, options, name) };
  if (rest.length === 2) return { count, ...findInPlane(sizes, options, refuse) };
  if (rest.length === 3) return { count, ...findInVolume(sizes, options, refuse) };
  return refuse("Images are [N, height, width], with channels [N, height, width, 3], or rows [N, pixels].");
}

/** [N, pixels]: only square grey images have a known size. */
function findInRow([count, length]: readonly number[], { size, channels, layout }: LayoutOptions, name: string) {
  const side = Math.sqrt(length);
  if (!size && isUsualSize(count) && !isUsualSize(length) && count !== length) {
    throw new UserError(
      `${name} has ${count} rows of ${length} values: the images may be its columns. If so, save x.T; if not, give ` +
        `their \`size\`, such as \`size: ${example(length)}\`.`,
    );
  }
  if (!size && count === length && count > 3) {
    throw new UserError(
      `${name} has ${count} rows of ${length} values, like one square image. If the rows are images, give their ` +
        `\`size\`, such as \`size: ${example(length)}\`.`,
    );
  }
  const own = size ?? (Number.isInteger(side) && channels !== 3 ? { width: side, height: side } : undefined);
  const rows = `${name} has rows of ${length} values`;
  if (!own) {
    const isColour = Number.isInteger(Math.sqrt(length / 3));
    const colour = isColour ? ", and `layout: hwc` or `layout: chw` if they are in colour" : "";
    throw new UserError(`${rows}. Give their width and height, such as \`size: ${example(length)}\`${colour}.`);
  }
  const found = length / (own.width * own.height);
  if (!isChannels(found)) {
    throw new UserError(`${rows}, which cannot be images of ${own.width}×${own.height}.`);
  }
  if (found === 3 && !layout) {
    throw new UserError(
      `${rows}, images of ${own.width}×${own.height} in colour. Give their order: \`layout: hwc\` if the three ` +
        "values of a pixel are adjacent, `layout: chw` if they are three planes, as in CIFAR-10.",
    );
  }
  return { shape: { ...own, channels: found }, layout: layout ?? "hwc" };
}

/** Sides of the images in common data sets. */
const USUAL_SIDES = [8, 14, 16, 20, 24, 28, 32, 48, 56, 64, 84, 96, 112, 128, 224, 256];

/** Whether `count` values can be a square image of a usual size, in grey or colour. */
function isUsualSize(count: number): boolean {
  return USUAL_SIDES.some((side) => count === side * side || count === 3 * side * side);
}

/** Suggests a size for images of `length` values: a square, in grey or colour, else the rectangle closest to one. */
function example(length: number): string {
  const side = [Math.sqrt(length), Math.sqrt(length / 3)].find(Number.isInteger);
  if (side) return `${side}x${side}`;
  let width = Math.floor(Math.sqrt(length));
  while (length % width !== 0) width--;
  return `${width}x${length / width}`;
}

/** [N, height, width] */
function findInPlane(sizes: readonly number[], { size, layout }: LayoutOptions, refuse: Refuse) {
  const [count, height, width] = sizes;
  const isGiven = size?.width === width && size.height === height;
  if (!isGiven && width === 3 && count > MAX_SIDE) refuse(`Save x.reshape(${count}, height, width, 3).`);
  if (!isGiven && width === 3 && Math.min(count, height) > 8) {
    refuse("This is one colour image: x[None] makes it an array of one image.");
  }
  const isLast = (count === height && count !== width && count > 3) || (width > count && width > 8 * height);
  if (!isGiven && isLast) {
    refuse(`${LAST_AXIS} If not, give their \`size: ${width}x${height}\`.`);
  }
  if (!isGiven && count === 3 && height === width) {
    refuse(`This may be one colour image. If it is three grey ones, give their \`size: ${width}x${height}\`.`);
  }
  if (height > MAX_SIDE || width > MAX_SIDE) refuse(`The sides of an image may have up to ${MAX_SIDE} pixels.`);
  return isTransposed(layout)
    ? { shape: { height: width, width: height, channels: 1 }, layout: "whc" as const }
    : { shape: { height, width, channels: 1 }, layout: "hwc" as const };
}

type Refuse = (remedy: string) => never;

function isTransposed(layout: LayoutOptions["layout"]): boolean {
  return layout === "whc" || layout === "cwh";
}

/** [N, height, width, channels] or [N, channels, height, width] */
function findInVolume(sizes: readonly number[], { layout: given }: LayoutOptions, refuse: Refuse) {
  const [, first, middle, last] = sizes;
  const isFirst = isChannels(first);
  const isLast = isChannels(last);
  if (!isFirst && !isLast) {
    if (last === 4) refuse("Leave out the transparency: save x[..., :3].");
    if (first === 4) refuse("Leave out the transparency: save x[:, :3].");
    if (isChannels(middle) && last > 4) {
      refuse(LAST_AXIS);
    }
    if (isChannels(sizes[0]) && last > 4) refuse(LAST_AXIS);
    refuse("Of four dimensions, the last or the second must be the channels, 1 or 3.");
  }
  if (isFirst && isLast && !given) {
    refuse("Give `layout: hwc` if the last axis is the channels, `layout: chw` if the second axis is.");
  }
  const layout = given ?? (isLast ? "hwc" : "chw");
  const isPlanes = layout.startsWith("c");
  const channels = isPlanes ? first : last;
  if (!isChannels(channels)) refuse(`With \`layout: ${layout}\` there would be ${channels} channels, not 1 or 3.`);
  const [a, b] = isPlanes ? [middle, last] : [first, middle];
  if (a > MAX_SIDE || b > MAX_SIDE) refuse(`The sides of an image may have up to ${MAX_SIDE} pixels.`);
  const [height, width] = isTransposed(layout) ? [b, a] : [a, b];
  return { shape: { height, width, channels }, layout };
}

/** Reorders each image to [height, width, channels] as it is read. */
export function reorder(pixels: Pixels, { shape, layout }: Pick<ArrayLayout, "shape" | "layout">): Pixels {
  const from = positions(shape, layout);
  return from ? { read: (numbers) => permute(pixels.read(numbers), from) } : pixels;
}

/** Reorders each image to [height, width, channels]. */
export function reorderValues<Values extends Uint8Array | Float32Array>(
  values: Values,
  { shape, layout }: Pick<ArrayLayout, "shape" | "layout">,
): Values {
  const from = positions(shape, layout);
  return from ? permute(values, from) : values;
}

function permute<Values extends Uint8Array | Float32Array>(stored: Values, from: Uint32Array): Values {
  const images = stored.slice() as Values;
  for (let start = 0; start < images.length; start += from.length) {
    for (let i = 0; i < from.length; i++) images[start + i] = stored[start + from[i]];
  }
  return images;
}

/** The stored position of each value of a [height, width, channels] image. Undefined if the order is the same. */
function positions(shape: ImageShape, layout: Layout): Uint32Array | undefined {
  const { height, width, channels } = shape;
  const sizes = { h: height, w: width, c: channels };
  const strides: Record<string, number> = {};
  let stride = 1;
  for (const axis of [...layout].reverse() as (keyof typeof sizes)[]) {
    strides[axis] = stride;
    stride *= sizes[axis];
  }
  const from = new Uint32Array(pixelsOf(shape));
  let i = 0;
  for (let h = 0; h < height; h++) {
    for (let w = 0; w < width; w++) {
      for (let c = 0; c < channels; c++) from[i++] = h * strides.h + w * strides.w + c * strides.c;
    }
  }
  return from.every((position, at) => position === at) ? undefined : from;
}
