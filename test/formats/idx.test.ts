import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import { parseIdx } from "../../src/formats/idx.js";
import { idx } from "../fixtures/idx.js";

const images = idx([2, 3, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);

/** A copy with some bytes set. */
function changed(bytes: Record<number, number>): Uint8Array {
  return Object.assign(images.slice(), bytes);
}

describe("parseIdx", () => {
  it("reads shape and values", () => {
    const { data, shape } = parseIdx(images, [3], "images");
    expect(shape).toEqual([2, 3, 2]);
    expect([...data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it("reads from within a larger buffer", () => {
    const buffer = new Uint8Array(images.length + 7);
    buffer.set(images, 7);
    expect([...parseIdx(buffer.subarray(7), [3], "images").data].at(-1)).toBe(12);
  });

  it.each([
    ["an empty file", new Uint8Array(0), "it has 0 bytes"],
    ["a wrong first byte", changed({ 0: 1 }), "bytes 0 and 1 must be zero, but are 0x01 and 0x00"],
    ["a wrong type", changed({ 2: 0x0d }), "byte 2, the type, must be 0x08 (unsigned bytes), but is 0x0d"],
    ["labels in place of images", changed({ 3: 1 }), "byte 3, the number of dimensions, must be 3, but is 1"],
    ["half a header", images.subarray(0, 10), "it ends at byte 10, within its header of 16 bytes"],
    ["a dimension of zero", changed({ 11: 0 }), "dimension 1 (at byte 8) is zero"],
    ["too few values", images.subarray(0, 27), "promises 2×3×2 values, 28 bytes in all, but it ends at byte 27"],
    ["an absurd count", changed({ 4: 0xff }), "but it ends at byte 28"],
    ["trailing bytes", new Uint8Array([...images, 0, 0]), "values end at byte 28, but 2 more bytes follow"],
  ])("refuses %s", (_, bytes, problem) => {
    expect(() => parseIdx(bytes, [3], "x-ubyte")).toThrow(UserError);
    expect(() => parseIdx(bytes, [3], "x-ubyte")).toThrow(problem);
    expect(() => parseIdx(bytes, [3], "x-ubyte")).toThrow(/^x-ubyte is not a valid IDX file/);
  });
});
