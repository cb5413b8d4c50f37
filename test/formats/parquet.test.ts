import { readFileSync } from "node:fs";
import path from "node:path";
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import { openParquet } from "../../src/formats/parquet.js";

const COUNT = 24;
const ALTERNATE = Array.from({ length: COUNT }, (_, i) => i % 2);

/** A file that test/fixtures/parquet/make.py wrote. */
function fixture(name: string): ArrayBuffer {
  return new Uint8Array(readFileSync(path.join(import.meta.dirname, "../fixtures/parquet", name))).buffer;
}

async function read(file: ArrayBuffer) {
  const { count, classes, labels, images } = await openParquet(file, "x.parquet");
  const all = [];
  for await (const image of images()) all.push(image);
  return { count, classes, labels: labels && [...labels], images: all };
}

/** The grey values of a PNG file of 8×8 pixels. */
function decode(bytes: Uint8Array): number[] {
  const { width, height, data } = PNG.sync.read(Buffer.from(bytes));
  expect([width, height]).toEqual([8, 8]);
  return Array.from({ length: 64 }, (_, i) => data[4 * i]);
}

/** The grey values that make.py drew. */
function pixelsOf(image: number): number[] {
  return Array.from({ length: 64 }, (_, i) => (13 * image + 7 * Math.floor(i / 8) + 3 * (i % 8)) % 256);
}

/** A copy of a file with the first occurrence of some bytes replaced. */
function patched(file: ArrayBuffer, before: readonly number[], after: readonly number[]): ArrayBuffer {
  const bytes = new Uint8Array(file.slice(0));
  const at = Buffer.from(bytes).indexOf(Buffer.from(before));
  expect(at).toBeGreaterThan(0);
  bytes.set(after, at);
  return bytes.buffer;
}

const textBytes = (text: string) => [...Buffer.from(text)];

describe("openParquet", () => {
  it.each([
    ["none.parquet", ["cat", "dog"]],
    ["snappy.parquet", ["cat", "dog"]],
    ["gzip.parquet", ["cat", "dog"]],
    ["zstd.parquet", ["cat", "dog"]],
    ["brotli.parquet", ["cat", "dog"]],
    ["lz4.parquet", ["cat", "dog"]],
    ["v2.parquet", ["cat", "dog"]],
    ["small-pages.parquet", ["cat", "dog"]],
    ["cifar.parquet", ["cat", "dog"]],
    ["pandas.parquet", undefined],
    ["delta.parquet", undefined],
    ["polars.parquet", undefined],
  ])("reads the images, labels and classes of %s", async (name, classes) => {
    const data = await read(fixture(name));
    expect(data).toMatchObject({ count: COUNT, labels: ALTERNATE });
    expect(data.classes).toEqual(classes);
    expect(data.images.map(({ bytes }) => decode(bytes))).toEqual(ALTERNATE.map((_, i) => pixelsOf(i)));
    const names = data.images.map(({ name }) => name);
    expect(names).toEqual(ALTERNATE.map((_, i) => (name === "polars.parquet" ? undefined : `${i}.png`)));
  });

  it("reads Hugging Face's files of training and test images", async () => {
    const train = await read(fixture("train-00000-of-00001.parquet"));
    const test = await read(fixture("test-00000-of-00001.parquet"));
    expect([train.count, test.count, train.classes, test.classes]).toEqual([18, 6, ["cat", "dog"], ["cat", "dog"]]);
    const both = [...train.images, ...test.images].map(({ bytes }) => decode(bytes));
    expect(both).toEqual(ALTERNATE.map((_, i) => pixelsOf(i)));
    expect([train.labels, test.labels].flat()).toEqual(ALTERNATE);
  });

  it("gives -1 for a label that is null or -1, and no labels if all are", async () => {
    const { labels } = await read(fixture("unlabelled.parquet"));
    expect(labels).toEqual(ALTERNATE.map((_, i) => (i % 3 === 2 ? 1 : -1)));
  });

  it.each([
    ["texts.parquet", ["cat", "dog"], (i: number) => 1 - (i % 2)],
    ["plain-texts.parquet", ["bird", "cat", "dog"], (i: number) => (i % 6 === 5 ? -1 : 2 - (i % 3))],
    ["floats.parquet", undefined, (i: number) => (i === 7 ? -1 : i % 2)],
    ["nan.parquet", undefined, (i: number) => (i === 7 ? -1 : i % 2)],
    ["booleans.parquet", undefined, (i: number) => i % 2],
    ["thirds.parquet", undefined, (i: number) => i % 3],
    ["swapped.parquet", ["dog", "cat"], (i: number) => 1 - (i % 2)],
  ])("reads the labels of %s, -1 for missing ones", async (name, classes, labelOf) => {
    const data = await openParquet(fixture(name), "x.parquet");
    expect([data.classes, data.note]).toEqual([classes, undefined]);
    expect([...(data.labels ?? [])]).toEqual(ALTERNATE.map((_, i) => labelOf(i)));
    expect(data.hasTexts).toBe(name.includes("texts"));
  });

  it.each([
    ["halves.parquet", "y", "row 1 has 0.5, not a whole number from 0 to 65535"],
    ["large.parquet", "label", "row 1 has 65536, not a whole number from 0 to 65535"],
    ["streams.parquet", "target", "its encoding BYTE_STREAM_SPLIT is not supported"],
  ])("gives the reason for reading no labels of %s", async (name, column, why) => {
    const data = await openParquet(fixture(name), "x.parquet");
    expect([data.labels, data.classes, data.note]).toEqual([undefined, undefined, { column, why }]);
    expect((await read(fixture(name))).images).toHaveLength(COUNT);
  });

  it("reads the next column of labels if one is unusable", async () => {
    const { labels, note } = await openParquet(fixture("multiple.parquet"), "x.parquet");
    expect([...(labels ?? [])]).toEqual(ALTERNATE);
    expect(note).toEqual({ column: "label", why: "it holds list<int64>, not one class for each image" });
  });

  it("can be read twice at the same time", async () => {
    const { images } = await openParquet(fixture("train-00000-of-00001.parquet"), "x.parquet");
    const second = images();
    for await (const { bytes } of images()) expect(bytes).toEqual((await second.next()).value?.bytes);
    expect((await second.next()).done).toBe(true);
  });

  it("reads labels without reading images, and images one row group at a time", async () => {
    const file = fixture("train-00000-of-00001.parquet");
    const first = Buffer.from(file).indexOf("PNG");
    let [reads, bytes] = [0, 0];
    const slice = (start: number, end: number) => {
      if (start <= first && first < end) reads++;
      bytes += end - start;
      return Promise.resolve(file.slice(start, end));
    };
    const { labels, images } = await openParquet({ byteLength: file.byteLength, slice }, "x.parquet");
    expect([labels?.length, reads]).toEqual([18, 0]);
    bytes = 0;
    await images().next();
    expect(reads).toBe(1);
    expect(bytes).toBeLessThan(file.byteLength / 2);
  });

  it("passes system errors on unchanged", async () => {
    const file = fixture("snappy.parquet");
    const error = Object.assign(new Error("EIO: i/o error, read"), { code: "EIO", syscall: "read" });
    for (let good = 0; good < 20; good++) {
      let calls = 0;
      const slice = async (start: number, end: number) => {
        if (calls++ === good) throw error;
        return file.slice(start, end);
      };
      const run = async () => {
        const { images } = await openParquet({ byteLength: file.byteLength, slice }, "x.parquet");
        for await (const { bytes } of images()) expect(bytes.length).toBeGreaterThan(0);
      };
      if (
        await run().then(
          () => true,
          (thrown) => expect(thrown).toBe(error),
        )
      )
        return;
    }
    expect.unreachable("20 calls do not read a file of three row groups");
  });

  it.each([
    ["null-bytes.parquet", "x.parquet holds only the file name 5.png, not its image, in row 5. "],
    ["null-image.parquet", "x.parquet holds no image, in row 5. "],
    ["lists.parquet", "x.parquet has no column of encoded images: image (list<list<uint8>>), label (int64). "],
  ])("refuses %s", async (name, message) => {
    const error = await read(fixture(name)).catch((error) => error);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toMatch(/^[^\n]* Save .*\.$/);
    expect(error.message).toContain(message);
  });

  const good = fixture("train-00000-of-00001.parquet");
  const invalid = "x.parquet is not a valid Parquet file: ";
  const end = good.byteLength;
  const withEnd = (...bytes: number[]) => {
    const copy = new Uint8Array(good.slice(0));
    copy.set(bytes, end - bytes.length);
    return copy.buffer;
  };

  it.each<[string, ArrayBuffer, string]>([
    ["an empty file", new ArrayBuffer(0), `${invalid}it has only 0 bytes.`],
    [
      "another format",
      Uint8Array.from(textBytes("GIF89a, and so on")).buffer,
      `${invalid}it does not begin with PAR1.`,
    ],
    ["half a file", good.slice(0, end / 2), `${invalid}it does not end with PAR1, so its end may be missing.`],
    ["an encrypted footer", withEnd(...textBytes("PARE")), "x.parquet is encrypted. Save it again without encryption."],
    [
      "a footer that is longer than the file",
      withEnd(0xff, 0xff, 0, 0, ...textBytes("PAR1")),
      `${invalid}its footer of 65535 bytes is too long for a file of ${end}.`,
    ],
    ["a footer of other bytes", withEnd(9, 0, 0, 0, ...textBytes("PAR1")), `${invalid}its footer is damaged.`],
    [
      // Turns the levels of eight values in an optional struct into a run of 2^31 - 1, which would fill the memory.
      "a run that is too long",
      patched(good, [2, 0, 0, 0, 8 << 1, 2], [6, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, 2]),
      `${invalid}column image.bytes of row group 0, page at byte 4, is damaged.`,
    ],
    [
      "an image that exceeds its page",
      patched(good, [2, 0, 0, 0, 8 << 1, 2], [2, 0, 0, 0, 8 << 1, 2, 0xff, 0xff]),
      `${invalid}column image.bytes of row group 0, page at byte 4, is damaged.`,
    ],
    [
      "fewer classes than labels",
      patched(good, textBytes('"cat", "dog"'), textBytes('"cats & dog"')),
      "x.parquet has the label 1 in row 1, which is not between 0 and 0.",
    ],
  ])("refuses %s", async (_, file, message) => {
    const error = await read(file).catch((error) => error);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toBe(message);
  });

  it("refuses a file that is truncated while it is read", async () => {
    let length = good.byteLength;
    const slice = (start: number, end: number) => good.slice(start, Math.min(end, length));
    const { images } = await openParquet({ byteLength: good.byteLength, slice }, "x.parquet");
    length = 200;
    await expect(images().next()).rejects.toThrow(`${invalid}it shrank to 200 bytes while it was read.`);
  });

  it("ignores classes in metadata that is not Hugging Face's", async () => {
    const broken = patched(good, textBytes('{"info"'), textBytes("[[[[[[["));
    expect((await read(broken)).classes).toBeUndefined();
  });
});
