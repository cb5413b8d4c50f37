import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import {
  encodeNpy,
  type NpyValues,
  npyHeader,
  parseNpy,
  parseNpyHeader,
  parseNpyTexts,
} from "../../src/formats/npy.js";
import { npy } from "../fixtures/npy.js";
import { array, weyl } from "../helpers.js";
import cases from "../reference/npy.json" with { type: "json" };

const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
const readable = cases.filter(({ kind }) => kind === "read");
const fortran = cases.filter(({ kind }) => kind === "Fortran order");
const refused = cases.filter(({ values }) => values === null);

describe("parseNpy", () => {
  it.each(readable)("reads NumPy's files: version $version, $descr, shape $shape", ({ file, ...expected }) => {
    const { dtype, shape, data } = parseNpy(bytesOf(file), "x.npy");
    expect([dtype, shape]).toEqual([expected.dtype, expected.shape]);
    expect([...data]).toEqual(expected.values);
  });

  it("reads from any offset of a larger buffer", () => {
    for (const { file, values } of readable) {
      const bytes = bytesOf(file);
      const buffer = new Uint8Array(bytes.length + 3);
      buffer.set(bytes, 3);
      expect([...parseNpy(buffer.subarray(3), "x.npy").data]).toEqual(values);
    }
  });

  it("reads 64-bit integers up to 2^53 − 1", () => {
    const most = 2n ** 53n - 1n;
    const signed = new Uint8Array(BigInt64Array.of(most, -most, -1n, 2n ** 32n).buffer);
    expect([...parseNpy(npy("<i8", "(4,)", signed), "x.npy").data]).toEqual([
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      -1,
      2 ** 32,
    ]);
    const unsigned = new Uint8Array(BigUint64Array.of(most).buffer);
    expect([...parseNpy(npy("<u8", "(1,)", unsigned), "x.npy").data]).toEqual([Number.MAX_SAFE_INTEGER]);
    const less = new Uint8Array(BigInt64Array.of(-most - 1n).buffer);
    expect(() => parseNpy(npy("<i8", "(1,)", less), "x.npy")).toThrow("it holds -9007199254740992");
  });

  it("reads every half-precision number", () => {
    const halves = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
    const { data } = parseNpy(npy("<f2", "(65536,)", new Uint8Array(halves.buffer)), "x.npy");
    // IEEE 754: the next number above 0 is 2^-24, above 1 it is 1 + 2^-10; 65504 is the largest.
    expect([data[0], data[1], data[0x3c00], data[0x3c01], data[0x7bff], data[0xc000]]).toEqual([
      0,
      2 ** -24,
      1,
      1 + 2 ** -10,
      65504,
      -2,
    ]);
    expect([data[0x7c00], data[0xfc00], data[0x7c01]]).toEqual([Infinity, -Infinity, Number.NaN]);
    expect(data.subarray(1, 0x7c01).every((value, i) => value > data[i])).toBe(true);
  });

  it("reads any Python dictionary: any order, either quote, no last comma, Python 2's long integers", () => {
    const values = Uint8Array.of(1, 2);
    for (const header of [
      `{"shape": (1L, 2L), "fortran_order": False, "descr": "|u1"}`,
      "{'shape':(1,2,),'descr':'u1','fortran_order':False,}",
    ]) {
      expect(parseNpy(npy(header, values), "x.npy")).toEqual({ dtype: "uint8", shape: [1, 2], data: values });
    }
  });

  it.each(fortran)("reads Fortran order like NumPy: $descr, shape $shape", ({ file, ...expected }) => {
    const { dtype, shape, data } = parseNpy(bytesOf(file), "x.npy");
    expect([dtype, shape]).toEqual([expected.dtype, expected.shape]);
    expect([...data]).toEqual(expected.values);
  });

  it("converts Fortran order to row-major order, and does not change the file's bytes", () => {
    const file = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", Uint8Array.of(1, 4, 2, 5, 3, 6));
    const before = file.slice();
    expect(parseNpyHeader(file, "x.npy").isFortran).toBe(true);
    expect(parseNpy(file, "x.npy")).toEqual({ dtype: "uint8", shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
    expect(file).toEqual(before);
    expect(parseNpyHeader(npy("|u1", "(2, 3)", new Uint8Array(6)), "x.npy").isFortran).toBe(false);
  });

  it("reads Fortran order with hundreds of dimensions", () => {
    const shape = [...new Array(500).fill(1), 2, ...new Array(500).fill(1), 2];
    const header = `{'descr': '|u1', 'fortran_order': True, 'shape': (${shape.join(", ")}), }`;
    expect([...parseNpy(npy(header, Uint8Array.of(1, 3, 2, 4)), "x.npy").data]).toEqual([1, 2, 3, 4]);
  });

  // test/system/numpy.test.ts executes these remedies.
  it.each([
    ["records", 'holds records, not plain numbers. Save it again with np.save("new.npy", x["x"]).'],
    ["records of version 3", 'holds records, not plain numbers. Save it again with np.save("new.npy", x["field"]).'],
    ["complex numbers", 'holds complex numbers. Save it again with np.save("new.npy", np.abs(x)).'],
    ["texts", 'texts, not numbers. Save it again with np.save("new.npy", np.unique(x, return_inverse=True)[1]).'],
    ["a table of texts", 'holds texts, not numbers. Save it again with np.save("new.npy", x.astype("float32")).'],
    ["dates", 'holds dates or times, not plain numbers. Save it again with np.save("new.npy", x.astype("float64")).'],
    ["objects", 'holds Python objects, not numbers. Save it again with np.save("new.npy", np.stack(x)).'],
    ["a table of objects", 'Python objects, not numbers. Save it again with np.save("new.npy", x.astype("float32")).'],
    ["a dictionary", 'holds Python objects, not numbers. Save it again with np.save("new.npy", x.item()["name"]).'],
    ["long doubles", '"<f16", not plain numbers. Save it again with np.save("new.npy", x.astype("float32")).'],
  ])("refuses %s, and says how to save them", (kind, message) => {
    const [{ file }] = refused.filter((one) => one.kind === kind);
    expect(() => parseNpy(bytesOf(file), "x.npy")).toThrow(UserError);
    expect(() => parseNpy(bytesOf(file), "x.npy")).toThrow(message);
    expect(() => parseNpy(bytesOf(file), "x.npy")).toThrow(/^x\.npy holds .*\.$/);
  });

  const good = npy("|u1", "(2, 3)", new Uint8Array(6));
  const changed = (bytes: Record<number, number>) => Object.assign(good.slice(), bytes);
  const two = Uint8Array.of(1, 2);
  const header = (text: string) => npy(text, two);
  const MUST_LOOK = "its header must look like {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, but is ";

  it.each([
    ["nothing", new Uint8Array(), "does not begin with \\x93NUMPY"],
    ["a text", new TextEncoder().encode("1,2,3\n"), "does not begin with \\x93NUMPY"],
    ["gzip", changed({ 0: 0x1f, 1: 0x8b }), "decompress it first (gunzip)"],
    ["an .npz", changed({ 0: 0x50, 1: 0x4b }), 'Save it again with np.save("new.npy", np.load("x.npz")["name"]).'],
    ["only the magic string", good.subarray(0, 6), "it ends at byte 6, before its header"],
    ["version 0", changed({ 6: 0 }), "its version is 0.0, not 1.0"],
    ["version 4", changed({ 6: 4 }), "its version is 4.0, not 1.0"],
    ["version 1.1", changed({ 7: 1 }), "its version is 1.1, not 1.0"],
    ["no length", good.subarray(0, 9), "it ends at byte 9, before its header"],
    ["half a header", good.subarray(0, 60), "it ends at byte 60, within its header of 128 bytes"],
    ["a header of 4 GB", changed({ 6: 3, 8: 255, 9: 255, 10: 255, 11: 255 }), "its header has 4294967295 bytes"],
    ["too few values", good.subarray(0, -1), "promises (2, 3) values of uint8, 134 bytes in all, and it has 133"],
    ["bytes to spare", Uint8Array.of(...good, 0), "promises (2, 3) values of uint8, 134 bytes in all, and it has 135"],
    ["a vast shape", npy("<f4", "(9007199254740991, 9007199254740991)", two), "bytes in all, and it has"],
    ["a size above 2^53", npy("<f4", "(9007199254740993,)", two), "has a size that is too large"],
    ["half of a size of nothing", npy("<f4", "(0, 99999999999999999)", two), "has a size that is too large"],
    ["a negative size", npy("<f4", "(-1,)", two), MUST_LOOK],
    ["a size of text", npy("<f4", "('2',)", two), MUST_LOOK],
    ["a number for a shape", npy("|u1", "(2)", two), MUST_LOOK],
    ["an open shape", npy("|u1", "(2, ", two), MUST_LOOK],
    ["a list for a shape", npy("|u1", "[2]", two), MUST_LOOK],
    ["a call", npy("|u1", "print(2)", two), MUST_LOOK],
    ["a text for False", header("{'descr': '|u1', 'fortran_order': 'False', 'shape': (2,)}"), MUST_LOOK],
    ["no order", header("{'descr': '|u1', 'shape': (2,)}"), MUST_LOOK],
    ["a key twice", npy("|u1", "(2,), 'shape': (2,)", two), MUST_LOOK],
    ["another key", npy("|u1", "(2,), '__proto__': 1", two), MUST_LOOK],
    ["no dictionary", header("'descr'"), MUST_LOOK],
    ["no commas", header("{'descr': '|u1' 'fortran_order': False 'shape': (2,)}"), MUST_LOOK],
    ["an open text", header("{'descr: 1}"), MUST_LOOK],
    ["two dictionaries", npy("|u1", "(2,), } {", two), MUST_LOOK],
    ["rubbish for a type", npy("<f3", "(2,)", two), 'holds values of the type "<f3"'],
    ["the name of an object's member for a type", npy("constructor", "(2,)", two), "not plain numbers"],
    ["a bool of 2", npy("|b1", "(2,)", two), "not all 0 or 1"],
    ["an integer of 2^53", npy("<u8", "(1,)", Uint8Array.of(0, 0, 0, 0, 0, 0, 32, 0)), "it holds 9007199254740992"],
  ])("refuses %s", (_, bytes, problem) => {
    expect(() => parseNpy(bytes, "x.npy")).toThrow(UserError);
    expect(() => parseNpy(bytes, "x.npy")).toThrow(problem);
  });
});

describe("encodeNpy", () => {
  it("writes the same bytes as NumPy", () => {
    const same = readable.filter(({ version, descr }) => version === "1.0" && (descr === "<f4" || descr === "|u1"));
    expect(same.length).toBeGreaterThan(5);
    for (const { file, shape } of same) {
      const { data } = parseNpy(bytesOf(file), "x.npy");
      expect(encodeNpy({ data: data as Float32Array | Uint8Array, shape })).toEqual(bytesOf(file));
    }
  });

  it("writes integers, and texts as UTF-32, padded to the longest", () => {
    const write = (data: NpyValues) => Buffer.from(encodeNpy({ data, shape: [data.length] }));
    const values = (file: Buffer) => new Uint8Array(file.subarray(128));
    expect(write(Uint16Array.of(0, 65_535))).toEqual(Buffer.from(npy("<u2", "(2,)", Uint8Array.of(0, 0, 255, 255))));
    const integers = BigInt64Array.of(-1n, 2n ** 53n);
    expect(write(integers)).toEqual(Buffer.from(npy("<i8", "(2,)", new Uint8Array(integers.buffer))));
    const texts = write(["a", "", "größe", "😀"]);
    expect(texts.toString("latin1")).toContain("{'descr': '<U5', 'fortran_order': False, 'shape': (4,), }");
    const utf32 = [0x61, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x67, 0x72, 0xf6, 0xdf, 0x65, 0x1f600, 0, 0, 0, 0];
    expect(values(texts)).toEqual(new Uint8Array(Uint32Array.from(utf32).buffer));
    expect(write([""]).toString("latin1")).toContain("'<U1'");
    expect(() => write(new Array(500_001).fill("").with(0, "x".repeat(1000)))).toThrow(
      "up to 1000 characters as more than 2 GB",
    );
  });

  it("writes texts that parseNpyTexts reads", () => {
    const texts = ["a", "", "größe", "😀", "x\0y", "7"];
    expect(parseNpyTexts(encodeNpy({ data: texts, shape: [6] }), "x.npy")).toEqual(texts);
    expect(
      parseNpyTexts(npy('{"descr": "<U2", "fortran_order": False, "shape": (0,)}', new Uint8Array()), "x"),
    ).toEqual([]);
    for (const [type, shape, values, problem] of [
      ["<f4", "(1,)", 4, "it does not hold one text per row"],
      ["<U1", "(1, 1)", 4, "it does not hold one text per row"],
      [">U1", "(1,)", 4, "it does not hold one text per row"],
      ["<U2", "(3,)", 16, "do not match its 3 texts of 2 characters"],
      ["<U99999999999999999999", "(3,)", 16, "do not match its 3 texts"],
    ] as const) {
      expect(() => parseNpyTexts(npy(type, shape, new Uint8Array(values)), "x.npy")).toThrow(problem);
    }
    expect(() => parseNpyTexts(npy("<U1", "(1,)", new Uint8Array(4).fill(255)), "x.npy")).toThrow(
      "text 0 has an invalid character",
    );
  });

  it("npyHeader writes the header for values that are written separately", () => {
    const { data, shape } = array(weyl(784 * 6), [6, 28, 28]);
    const file = Buffer.concat([npyHeader("float32", shape), new Uint8Array(data.buffer)]);
    expect(file.equals(encodeNpy({ data, shape }))).toBe(true);
  });
});
