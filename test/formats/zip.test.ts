import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import { encodeNpy, parseNpy } from "../../src/formats/npy.js";
import { encodeZip, readZip } from "../../src/formats/zip.js";
import { NUMPY_ARCHIVES, zip } from "../fixtures/zip.js";

const MAX_BYTES = 100_000;
const contents = (archive: Uint8Array) =>
  [...readZip(archive, "x.npz")].map(([name, entry]) => [name, [...entry.read(MAX_BYTES)]]);
const text = (content: string) => new TextEncoder().encode(content);

/** A copy with bytes set from an offset on. A negative offset counts from the end. */
function changed(file: Uint8Array, place: number, ...bytes: readonly number[]): Uint8Array {
  const copy = file.slice();
  copy.set(bytes, place < 0 ? file.length + place : place);
  return copy;
}

describe("readZip", () => {
  it.each(Object.entries(NUMPY_ARCHIVES))("reads np.%s", (_, archive) => {
    const entries = readZip(archive, "x.npz");
    expect([...entries].map(([name, { size }]) => [name, size])).toEqual([
      ["x_train.npy", 134],
      ["y.npy", 144],
    ]);
    const arrays = [...entries.values()].map((entry) => parseNpy(entry.read(144), "x.npz"));
    expect(arrays).toEqual([
      { dtype: "uint8", shape: [2, 3], data: Uint8Array.of(0, 1, 2, 3, 4, 5) },
      { dtype: "int64", shape: [2], data: Float64Array.of(7, 8) },
    ]);
  });

  it("reads images and labels under Keras' names", () => {
    const images = (count: number, from: number) => {
      const pixel = (i: number) => 13 * (from + Math.floor(i / 64)) + 7 * (Math.floor(i / 8) % 8) + 3 * (i % 8);
      return { data: Uint8Array.from({ length: 64 * count }, (_, i) => pixel(i)), shape: [count, 8, 8] };
    };
    const labels = (count: number) => ({ data: Uint8Array.from({ length: count }, (_, i) => i % 2), shape: [count] });
    const arrays = { x_train: images(18, 0), y_train: labels(18), x_test: images(6, 18), y_test: labels(6) };
    const files = Object.entries(arrays).map(([name, array]) => [`${name}.npy`, encodeNpy(array)] as const);
    for (const archive of [zip(Object.fromEntries(files)), encodeZip(files)]) {
      const read = [...readZip(archive, "x.npz")].map(([name, entry]) => {
        const { data, shape } = parseNpy(entry.read(MAX_BYTES), "x.npz");
        return [name.replace(".npy", ""), { data, shape }];
      });
      expect(Object.fromEntries(read)).toEqual(arrays);
    }
  });

  it("reads Zip64 records, comments, and from within a larger buffer", () => {
    const files = { "größe.npy": text("a".repeat(5000)), empty: new Uint8Array() };
    const expected = Object.entries(files).map(([name, content]) => [name, [...content]]);
    for (const archive of [zip(files), zip(files, { zip64: true }), zip(files, { comment: "PK\x05\x06".repeat(9) })]) {
      expect(contents(archive)).toEqual(expected);
      expect(contents(Uint8Array.of(1, 2, 3, ...archive).subarray(3))).toEqual(expected);
    }
    expect(contents(zip({}))).toEqual([]);
    expect(contents(zip({}, { zip64: true }))).toEqual([]);
  });

  it("keeps names that are properties of objects", () => {
    const names = ["__proto__", "constructor", "../../etc/passwd"];
    const archive = encodeZip(names.map((name) => [name, text(name)]));
    expect(contents(archive)).toEqual(names.map((name) => [name, [...text(name)]]));
  });

  const good = zip({ "a.npy": text("hello, hello, hello") });
  // The directory's header precedes a name and the end of the archive.
  const header = good.length - 22 - 5 - 46;
  const two = zip({ "a.npy": text("hello"), "b.npy": text("hallo") });
  /** The position of the field for the offset of b.npy. */
  const place = two.length - 22 - 5 - 4;
  const stored = encodeZip([["a.npy", text("hello")]]);
  const storedHeader = stored.length - 22 - 5 - 46;

  it.each([
    ["nothing", new Uint8Array(), "it does not begin with PK"],
    ["a text", text("1,2,3\n".repeat(9)), "it does not begin with PK"],
    ["half an archive", good.subarray(0, 40), "it ends at byte 40, without a central directory"],
    ["an archive without its last byte", good.subarray(0, -1), "the file may be incomplete"],
    ["bytes to spare", Uint8Array.of(...good, 0), "without a central directory"],
    ["two entries of one name", changed(zip({ a: text("1"), b: text("2") }), -23, 0x61), 'two entries named "a"'],
    ["two entries in one place", changed(two, place, 0, 0, 0, 0), "its entries overlap"],
    ["an entry that begins in another one", changed(two, place, two[place] - 6), "its entries overlap"],
    ["an entry that ends in another one", changed(two, place - 22 - 51, 40), "its entries overlap"],
    ["too many entries", changed(good, -12, 2), "it declares 2 entries, but lists 1"],
    ["too few entries", changed(good, -12, 0), "it declares 0 entries, but lists 1"],
    ["a directory that begins elsewhere", changed(good, -6, 0), "its central directory is damaged at byte 0"],
    ["a directory beyond the end", changed(good, -3, 1), "its central directory is damaged at byte"],
    ["a directory cut in an entry", changed(good, -10, 50), "its central directory is damaged at byte"],
    ["a directory cut in a header", changed(good, -10, 45), "its central directory is damaged at byte"],
    ["Zip64 without a record", changed(good, header + 24, 255, 255, 255, 255), "its central directory is damaged"],
    ["a Zip64 directory that is not there", changed(zip({}, { zip64: true }), -34, 9), "central directory is damaged"],
  ])("refuses %s", (_, archive, problem) => {
    expect(() => readZip(archive, "x.npz")).toThrow(UserError);
    expect(() => readZip(archive, "x.npz")).toThrow(/^x\.npz is not a readable \.zip archive: .*\.$/);
    expect(() => readZip(archive, "x.npz")).toThrow(problem);
  });

  it.each([
    ["that is encrypted", changed(good, header + 8, 1), "is encrypted"],
    ["of another method", changed(good, header + 10, 14), "has the compression method 14; save it again"],
    ["larger than allowed", zip({ "a.npy": new Uint8Array(MAX_BYTES + 1) }), "has 100001 bytes, more than 100000"],
    ["that declares too few bytes", changed(good, header + 24, 18), "is damaged"],
    ["that declares too many bytes", changed(good, header + 24, 20), "is damaged"],
    ["that declares no bytes", changed(good, header + 24, 0), "is damaged"],
    ["that declares more bytes than deflate can give", changed(good, header + 25, 0x80), "is damaged"],
    ["of another checksum", changed(good, header + 16, good[header + 16] ^ 1), "is damaged"],
    ["whose stream is cut", changed(good, header + 20, 3), "is damaged"],
    ["whose stream is not deflate", changed(good, 35, 255), "is damaged"],
    ["beyond the directory", changed(good, header + 21, 9), "does not end before the central directory"],
    ["that begins elsewhere", changed(good, header + 42, 1), "does not begin at byte 1"],
    ["that begins beyond the directory", changed(good, header + 45, 127), "does not begin at byte 2130706432"],
    ["stored, with a byte changed", changed(stored, 35, 0), "is damaged"],
    ["stored, of another size", changed(stored, storedHeader + 20, 4), "is damaged"],
  ])("lists an entry %s, and refuses to read it", (_, archive, problem) => {
    const entry = readZip(archive, "x.npz").get("a.npy");
    const read = () => entry?.read(MAX_BYTES);
    expect(read).toThrow(UserError);
    expect(read).toThrow(/^x\.npz is not a readable \.zip archive: its entry "a\.npy" .*\.$/);
    expect(read).toThrow(problem);
  });

  it("inflates no more than an entry declares", () => {
    const zeros = 200_000_000;
    const bomb = zip({ "a.npy": new Uint8Array(zeros) });
    expect(bomb.length).toBeLessThan(zeros / 1000);
    const header = bomb.length - 22 - 5 - 46;
    const archive = changed(bomb, header + 24, 100, 0, 0, 0);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => readZip(archive, "x.npz").get("a.npy")?.read(MAX_BYTES)).toThrow("is damaged");
    expect(() => readZip(bomb, "x.npz").get("a.npy")?.read(MAX_BYTES)).toThrow("has 200000000 bytes, more than");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });
});

describe("encodeZip", () => {
  it("writes stored entries at a fixed time", () => {
    const fields = "1400 0008 0000 0000 2100 86a61036 05000000 05000000 0500 0000"; // CRC-32 of "hello": 3610a686
    const hex = [
      `504b0304 ${fields} 612e6e7079 68656c6c6f`,
      `504b0102 1400 ${fields} 0000 0000 0000 00000000 00000000 612e6e7079`,
      "504b0506 0000 0000 0100 0100 33000000 28000000 0000",
    ];
    const archive = encodeZip([["a.npy", text("hello")]]);
    expect(Buffer.from(archive).toString("hex")).toBe(hex.join("").replaceAll(" ", ""));
  });

  it("refuses more entries than the format counts", () => {
    const entries = Array.from({ length: 65_535 }, (_, i) => [`${i}`, new Uint8Array()] as const);
    expect(readZip(encodeZip(entries.slice(1)), "x.zip").size).toBe(65_534);
    expect(() => encodeZip(entries)).toThrow(UserError);
  });
});
