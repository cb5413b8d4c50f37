import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/formats/safetensors.js";
import { array } from "../helpers.js";

// Written by Python's safetensors 0.7, save_file.
const python = new Uint8Array(readFileSync(new URL("../fixtures/python.safetensors", import.meta.url)));
// Written by Python's safetensors 0.8, save, with float16, float32 and float64 of NumPy and bfloat16 of ml_dtypes.
const pythonTypes = new Uint8Array(readFileSync(new URL("../fixtures/python-types.safetensors", import.meta.url)));

const tensors = new Map([
  ["a.weight", array([1.5, -2, 3.25, 0, 1e-30, -7], [2, 3])],
  ["b", array([0.5])],
]);

/** A file with this header, followed by these bytes or this number of zeros. */
function file(header: unknown, values: number | ArrayBuffer = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const content = typeof values === "number" ? new Uint8Array(values) : new Uint8Array(values);
  const bytes = new Uint8Array(8 + json.length + content.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(content, 8 + json.length);
  return bytes;
}

const f32 = (shape: unknown, offsets: unknown, dtype = "F32") => ({ dtype, shape, data_offsets: offsets });

describe("safetensors", () => {
  it("reads Python's files", () => {
    expect(decodeSafetensors(python, "python")).toEqual({
      tensors,
      metadata: { made_by: "safetensors for Python", epoch: "3" },
    });
  });

  it("converts Python's types to float32", () => {
    const { tensors, metadata } = decodeSafetensors(pythonTypes, "python");
    expect(metadata).toEqual({ made_by: "safetensors for Python" });
    expect(Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]))).toEqual(
      Object.fromEntries([
        ["a.weight", [2, 2]],
        ["b", [3]],
        ["c", [3]],
        ["d", []],
        ["__proto__", [1]],
        ["0", [0, 3]],
      ]),
    );
    const valuesOf = (name: string) => Array.from(tensors.get(name)?.data ?? []);
    expect(valuesOf("a.weight")).toEqual([1.5, -2, 3.25, 0.0999755859375]); // 0.1 in float16
    expect(valuesOf("b")).toEqual([1.5, -2, 3.140625]);
    expect(valuesOf("c")).toEqual([Math.fround(0.1), Infinity, -7]); // 1e300 is out of the range
    expect(valuesOf("d")).toEqual([Math.fround(0.1)]);
    expect(valuesOf("__proto__")).toEqual([4]);
  });

  const allBits = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
  const decodeAll = (dtype: string) => {
    const content = file({ a: f32([65_536], [0, 131_072], dtype) }, allBits.buffer);
    return decodeSafetensors(content, "all").tensors.get("a")?.data as Float32Array;
  };
  const float32Of = new DataView(new ArrayBuffer(4));

  it.each([
    [
      "F16",
      (bits: number) => {
        const [exponent, fraction] = [Math.floor(bits / 1024) % 32, (bits % 1024) / 1024];
        const magnitude = exponent === 0 ? 2 ** -14 * fraction : 2 ** (exponent - 15) * (1 + fraction);
        const value = exponent < 31 ? magnitude : fraction === 0 ? Infinity : Number.NaN;
        return bits < 32_768 ? value : -value;
      },
      // SHA-256 of the float32 values that NumPy gives, with 0 for NaN
      "faa6d965574036872b0d39a42d1f8bee361d5be92b1e718155a69556a5abacdd",
    ],
    [
      "BF16",
      (bits: number) => {
        float32Of.setUint16(0, bits); // big-endian
        return float32Of.getFloat32(0);
      },
      "2950e27364395060b01ae85b45dd15a2ab8891f6ee8b0af2b541dbda5524d0b4", // of ml_dtypes
    ],
  ] as const)("converts every number in %s", (dtype, formula, digest) => {
    const floats = decodeAll(dtype);
    expect(allBits.findIndex((bits) => !Object.is(floats[bits], formula(bits)))).toBe(-1);
    const finite = floats.map((float) => (Number.isNaN(float) ? 0 : float));
    expect(createHash("sha256").update(new Uint8Array(finite.buffer)).digest("hex")).toBe(digest);
  });

  it("reads tensors that are stored in any order", () => {
    const entries = { c: f32([0], [8, 8]), b: f32([1], [8, 12]), a: f32([2, 1], [0, 8]), e: f32([], [12, 16]) };
    const { tensors } = decodeSafetensors(file(entries, Float32Array.of(1, 2, 3, 4).buffer), "x");
    expect(tensors).toEqual(
      new Map([
        ["a", array([1, 2], [2, 1])],
        ["b", array([3])],
        ["c", array([])],
        ["e", array([4], [])],
      ]),
    );
  });

  it("keeps any name for a tensor", () => {
    const names = ["b", "__proto__", "constructor", "toString", "10", "2", "", "größe", '"quoted"'];
    const tensors = new Map(names.map((name, i) => [name, array([i])]));
    const read = decodeSafetensors(encodeSafetensors({ tensors, metadata: {} }), "x");
    expect(read.tensors).toEqual(tensors);
    expect(read.metadata.sha256).toMatch(/^[\da-f]{64}$/);
  });

  it("writes the same bytes as earlier versions", () => {
    const bytes = encodeSafetensors({ tensors, metadata: { epoch: "3" } });
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(
      "96ddf9ce8fa2c7daa9e0b1a60984fb6b125d5f2702763c1cc655553f0dac9313",
    );
  });

  it("writes what it reads", () => {
    const bytes = encodeSafetensors({ tensors, metadata: { epoch: "3" } });
    const sha256 = expect.stringMatching(/^[\da-f]{64}$/);
    expect(decodeSafetensors(bytes, "copy")).toEqual({ tensors, metadata: { epoch: "3", sha256 } });
    expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0); // values are aligned, as in Python's
  });

  it("carries the SHA-256 of the file with zeros in its place", () => {
    const bytes = encodeSafetensors({ tensors, metadata: { epoch: "3" } });
    const text = Buffer.from(bytes).toString("latin1");
    const [, found] = /"sha256":"([\da-f]{64})"/.exec(text) as RegExpExecArray;
    const blank = Buffer.from(text.replace(found, "0".repeat(64)), "latin1");
    expect(createHash("sha256").update(blank).digest("hex")).toBe(found);
  });

  it("refuses a file with any one byte changed, or finds no checksum in it", () => {
    const bytes = encodeSafetensors({ tensors, metadata: { epoch: "3" } });
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1, 32, 128]) {
        const damaged = Uint8Array.from(bytes);
        damaged[at] ^= bit;
        let sealed: string | undefined;
        try {
          sealed = decodeSafetensors(damaged, "damaged").metadata.sha256;
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
        expect(sealed, `byte ${at}, bit ${bit}`).toBeUndefined();
      }
    }
  });

  it("reads from within a larger buffer", () => {
    const buffer = new Uint8Array(python.length + 3);
    buffer.set(python, 3);
    expect(decodeSafetensors(buffer.subarray(3), "shifted").tensors).toEqual(tensors);
  });

  it.each([
    ["nothing", new Uint8Array(0), "it has 0 bytes"],
    ["a header of 2^63 bytes", Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80, 123), "does not fit into its 9 bytes"],
    ["a header that is not JSON", file("{nonsense"), "its header is not a JSON object"],
    ["a header that is a list", file("[]"), "its header is not a JSON object"],
    ["whole numbers", file({ a: f32([1], [0, 8], "I64") }, 8), "tensor a is of type I64, not F32, F16, BF16, F64."],
    [
      "a type named like a property",
      file({ a: f32([1], [0, 4], "constructor") }, 4),
      "is of type constructor, not F32",
    ],
    ["no type", file({ a: { ...f32([1], [0, 4]), dtype: undefined } }, 4), "tensor a has no dtype"],
    ["an object for a type", file({ a: { ...f32([1], [0, 4]), dtype: { toString: 1 } } }, 4), "tensor a has no dtype"],
    ["too few values for the type", file({ a: f32([1], [0, 4], "F64") }, 4), "wrong data_offsets, 0 to 4 of 4 bytes"],
    ["no shape", file({ a: f32(undefined, [0, 4]) }, 4), "the shape of tensor a is not a list of sizes"],
    ["a negative size", file({ a: f32([-1], [0, 4]) }, 4), "the shape of tensor a is not a list of sizes"],
    ["no offsets", file({ a: f32([1], undefined) }, 4), "tensor a has no data_offsets"],
    ["null for a tensor", file({ a: null }), "tensor a has no dtype"],
    ["a shape that disagrees", file({ a: f32([2], [0, 4]) }, 4), "wrong data_offsets, 0 to 4 of 4 bytes"],
    ["values out of the file", file({ a: f32([2], [0, 8]) }, 4), "wrong data_offsets, 0 to 8 of 4 bytes"],
    [
      "a gap",
      file({ b: f32([1], [8, 12]), a: f32([1], [0, 4]) }, 12),
      "tensor b [1] has wrong data_offsets, 8 to 12 of 12 bytes",
    ],
    ["a gap at the start", file({ a: f32([1], [4, 8]) }, 8), "tensor a [1] has wrong data_offsets, 4 to 8 of 8 bytes"],
    [
      "a partial overlap",
      file({ b: f32([1], [2, 6]), a: f32([1], [0, 4]) }, 6),
      "tensor b [1] has wrong data_offsets, 2 to 6",
    ],
    ["offsets in reverse", file({ a: f32([1], [4, 0]) }, 4), "wrong data_offsets, 4 to 0 of 4 bytes"],
    ["overlapping values", file({ a: f32([1], [0, 4]), b: f32([1], [0, 4]) }, 4), "tensor b"],
    [
      "a repeated name",
      file(`{"a":${JSON.stringify(f32([1], [0, 4]))},"\\u0061":${JSON.stringify(f32([1], [4, 8]))}}`, 8),
      "tensor a [1] has wrong data_offsets, 4 to 8 of 8 bytes",
    ],
    ["metadata that are not texts", file({ __metadata__: { epoch: 3 } }), "its metadata are not texts"],
    ["a header that is not UTF-8", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe), "its header is not UTF-8"],
    ["values without a tensor", file({ a: f32([1], [0, 4]) }, 8), "4 bytes follow the last tensor"],
  ])("refuses %s", (_, bytes, problem) => {
    expect(() => decodeSafetensors(bytes, "x.safetensors")).toThrow(UserError);
    expect(() => decodeSafetensors(bytes, "x.safetensors")).toThrow(problem);
  });
});
