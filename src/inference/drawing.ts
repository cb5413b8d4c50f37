// Draws arrays of images of any origin.
import { checkShape, toFloat } from "../data/pixels.js";
import { UserError } from "../errors.js";
import { type Images, singlePictures, squareFigure } from "../pictures/figures.js";
import type { Picture } from "../pictures/grid.js";
import { asArray, type GivenArray } from "./arrays.js";
import { checkTiles } from "./views.js";

/** Limit for one call. Each picture needs about a hundred bytes in addition to its pixels. */
const MAX_PICTURES = 1e6;

/**
 * Draws images in a near-square grid. Magnifies small images, and reduces large ones.
 *
 * @param images `[N, height, width]` or `[N, height, width, 3]`: bytes, or floats from 0 black to 1 white, clipped
 * @throws UserError if they have another shape, are not finite, or are too many for a picture: up to a million of one
 * pixel, 127,551 of 28×28
 */
export function drawImages(images: GivenArray): Picture {
  const { count, ...figure } = asFigure(images);
  checkTiles(figure, count, "Draw fewer.");
  return squareFigure(figure);
}

/**
 * Converts each image to a picture of its own size.
 *
 * @param images `[N, height, width]` or `[N, height, width, 3]`: bytes, or floats from 0 black to 1 white, clipped
 * @returns N pictures
 * @throws UserError if they have another shape, are not finite, or are more than a million
 */
export function toPictures(images: GivenArray): Picture[] {
  const { count, ...figure } = asFigure(images);
  if (count > MAX_PICTURES) {
    throw new UserError(`${count} images are too many: up to ${MAX_PICTURES} can be made pictures in one call.`);
  }
  return singlePictures(figure);
}

function asFigure(given: GivenArray): Images & { readonly count: number } {
  const { data, shape } = asArray(given, "images");
  const [count, height, width, channels = 1, ...rest] = shape;
  if (shape.length < 3 || rest.length > 0 || ![1, 3].includes(channels)) {
    throw new UserError(`Images to draw have a shape [count,height,width] or [count,height,width,3], not [${shape}].`);
  }
  const size = checkShape({ height, width, channels });
  if (!data.every(Number.isFinite)) throw new UserError("The images hold NaN or infinity. Give finite numbers.");
  return { pixels: data instanceof Uint8Array ? toFloat(data) : data, ...size, count };
}
