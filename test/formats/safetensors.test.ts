import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/formats/safetensors.js";
import { array } from "../helpers.js";

// Written by save_file of the Python library, safetensors 0.7.
const python = new Uint8Array(readFileSync(new URL("../fixtures/python.safetensors", import.meta.url)));

const tensors = new Map([
  ["a.weight", array([1.5, -2, 3.25, 0, 1e-30, -7], [2, 3])],
  ["b", array([0.5])],
]);

/** A file with this header, and no or as many bytes of values. */
function file(header: unknown, values = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + values);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const f32 = (shape: unknown, offsets: unknown, dtype = "F32") => ({ dtype, shape, data_offsets: offsets });

describe("safetensors", () => {
  it("reads what Python wrote", () => {
    expect(decodeSafetensors(python, "python")).toEqual({
      tensors,
      metadata: { made_by: "safetensors for Python", epoch: "3" },
    });
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

  it("never takes a file with one byte changed for whole", () => {
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
    ["another type", file({ a: f32([1], [0, 2], "F16") }, 2), "tensor a is of type F16, not F32"],
    ["no shape", file({ a: f32(undefined, [0, 4]) }, 4), "the shape of tensor a is not a list of sizes"],
    ["a negative size", file({ a: f32([-1], [0, 4]) }, 4), "the shape of tensor a is not a list of sizes"],
    ["no offsets", file({ a: f32([1], undefined) }, 4), "tensor a has no data_offsets"],
    ["null for a tensor", file({ a: null }), "tensor a is of type undefined"],
    ["a shape that disagrees", file({ a: f32([2], [0, 4]) }, 4), "stand at 0 to 4 of 4 bytes"],
    ["values out of the file", file({ a: f32([2], [0, 8]) }, 4), "stand at 0 to 8 of 4 bytes"],
    ["overlapping values", file({ a: f32([1], [0, 4]), b: f32([1], [0, 4]) }, 4), "tensor b"],
    [
      "a name that is there twice",
      file(`{"a":${JSON.stringify(f32([1], [0, 4]))},"\\u0061":${JSON.stringify(f32([1], [4, 8]))}}`, 8),
      "the values of tensor a [1] stand at 4 to 8 of 8 bytes",
    ],
    ["metadata that are no texts", file({ __metadata__: { epoch: 3 } }), "its metadata are not texts"],
    ["a header that is not UTF-8", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe), "its header is not UTF-8"],
    ["values that nobody owns", file({ a: f32([1], [0, 4]) }, 8), "4 bytes follow the last tensor"],
  ])("refuses %s", (_, bytes, problem) => {
    expect(() => decodeSafetensors(bytes, "x.safetensors")).toThrow(UserError);
    expect(() => decodeSafetensors(bytes, "x.safetensors")).toThrow(problem);
  });
});
