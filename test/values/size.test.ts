// Sizes of images as text.
import { expect, it } from "vitest";
import { parseSides } from "../../src/values/size.js";

it("parseSides reads one or two sides, up to a maximum", () => {
  expect(["7", "7x5", "7x9", "0", "7x0", "-7", "7x", "x", "07x5"].map((text) => parseSides(text, 8))).toEqual([
    [7],
    [7, 5],
    ...Array(6).fill(undefined),
    [7, 5],
  ]);
});
