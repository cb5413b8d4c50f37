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
    const { data, shape } = parseIdx(images, "images");
    expect(shape).toEqual([2, 3, 2]);
    expect([...data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it.each([
    [0x08, "uint8", [255, 7]],
    [0x09, "int8", [-1, 7]],
    [0x0b, "int16", [-300, 7]],
    [0x0c, "int32", [-70_000, 7]],
    [0x0d, "float32", [-0.5, 7]],
    [0x0e, "float64", [-0.1, 7]],
  ])("reads values of type %i, big-endian: %s", (code, dtype, values) => {
    const view = new DataView(new ArrayBuffer(16));
    const [size, write] = {
      uint8: [1, view.setUint8],
      int8: [1, view.setInt8],
      int16: [2, view.setInt16],
      int32: [4, view.setInt32],
      float32: [4, view.setFloat32],
      float64: [8, view.setFloat64],
    }[dtype] as [number, (at: number, value: number) => void];
    values.forEach((value, i) => {
      write.call(view, size * i, value);
    });
    const bytes = Uint8Array.of(0, 0, code, 1, 0, 0, 0, 2, ...new Uint8Array(view.buffer, 0, 2 * size));
    const array = parseIdx(bytes, "values");
    expect(array).toMatchObject({ dtype, shape: [2] });
    expect([...array.data]).toEqual(values);
  });

  it("reads from within a larger buffer", () => {
    const buffer = new Uint8Array(images.length + 7);
    buffer.set(images, 7);
    expect([...parseIdx(buffer.subarray(7), "images").data].at(-1)).toBe(12);
  });

  it.each([
    ["an empty file", new Uint8Array(0), "it has 0 bytes"],
    ["a wrong first byte", changed({ 0: 1 }), "bytes 0 and 1 must be zero, but are 0x01 and 0x00"],
    [
      "a wrong type",
      changed({ 2: 0x0a }),
      "byte 2, the type, must be 0x08 (unsigned bytes), 0x09 or 0x0b to 0x0e, but is 0x0a",
    ],
    ["no dimensions", changed({ 3: 0 }), "byte 3, the number of dimensions, must be 1 to 4, but is 0"],
    ["half a header", images.subarray(0, 10), "it ends at byte 10, within its header of 16 bytes"],
    ["a dimension of zero", changed({ 11: 0 }), "dimension 1 (at byte 8) is zero"],
    ["too few values", images.subarray(0, 27), "promises 2×3×2 values, 28 bytes in all, but it ends at byte 27"],
    ["an absurd count", changed({ 4: 0xff }), "but it ends at byte 28"],
    ["trailing bytes", new Uint8Array([...images, 0, 0]), "values end at byte 28, but 2 more bytes follow"],
  ])("refuses %s", (_, bytes, problem) => {
    expect(() => parseIdx(bytes, "x-ubyte")).toThrow(UserError);
    expect(() => parseIdx(bytes, "x-ubyte")).toThrow(problem);
    expect(() => parseIdx(bytes, "x-ubyte")).toThrow(/^x-ubyte is not a valid IDX file/);
  });
});
