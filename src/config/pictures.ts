// Options of pictures, for the library and the flags of commands that draw.
import { wholeNumber } from "../values/domains.js";
import { choice, integer, real } from "./entries.js";

/** Maximum number of columns or rows. */
export const MAX_MANIFOLD_SIDE = 1000;
const SIDE = wholeNumber({ min: 1, max: MAX_MANIFOLD_SIDE });

export const MANIFOLD = {
  columns: SIDE,
  rows: SIDE,
  spacing: choice(["linear", "quantile"], {
    default: "linear",
    help: "even steps in z, or in probability under the prior",
  }),
  range: real({ default: 2, above: 0, max: 100, help: "linear: from −range to range on both axes" }),
};

/** Maximum number of pairs of images. */
export const MAX_INTERPOLATIONS = 100;

export const INTERPOLATION = {
  image: wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  steps: integer({ default: 10, min: 2, max: 100, help: "decoded images per row" }),
};
