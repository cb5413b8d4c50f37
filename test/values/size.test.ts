// Sizes of images as text.
import { expect, it } from "vitest";
import { parseSides, SIZE } from "../../src/values/size.js";

it("parseSides reads one or two sides, up to a maximum", () => {
  expect(["7", "7x5", "7x9", "0", "7x0", "-7", "7x", "x", "07x5"].map((text) => parseSides(text, 8))).toEqual([
    [7],
    [7, 5],
    ...Array(6).fill(undefined),
    [7, 5],
  ]);
});

it.each([
  ["28", { width: 28, height: 28 }, "28x28"],
  ["28x20", { width: 28, height: 20 }, "28x20"],
])("SIZE parses %j, encodes it as JSON, and checks value and JSON alike", (text, size, json) => {
  expect(SIZE.parse(text)).toEqual(size);
  expect(SIZE.encode(size)).toBe(json);
  expect([SIZE.check(size), SIZE.check(json)]).toEqual([size, size]);
});

it.each([
  ["0x5", "It must be WIDTHxHEIGHT, or one number for both, each from 1 to 4096."],
  ["5x4097", "It must be WIDTHxHEIGHT"],
  ["5x5x5", "It must be WIDTHxHEIGHT"],
  [{ width: 1.5, height: 2 }, "It must be WIDTHxHEIGHT"],
  [[28], "It must be WIDTHxHEIGHT"],
])("SIZE refuses %j", (value, problem) => {
  expect(() => SIZE.check(value)).toThrow(problem);
});
