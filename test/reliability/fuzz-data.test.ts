// Fuzzed data sets: a result that accounts for every image, or a UserError.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf, loadDataset } from "../../src/data/dataset.js";
import { findLayout, reorder } from "../../src/data/layout.js";
import { arrange } from "../../src/data/listing.js";
import { pixelsInMemory, pixelsOf } from "../../src/data/pixels.js";
import { chooseScale, measureRange, toBytes } from "../../src/data/scale.js";
import { LAYOUTS } from "../../src/data/settings.js";
import { encodeNpy } from "../../src/formats/npy.js";
import { encodeZip } from "../../src/formats/zip.js";
import { idx } from "../fixtures/idx.js";
import { asyncResult, limits, mutants, result, timeout } from "./fuzz.js";

let home: string;
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-fuzz-"));
});
afterAll(() => rmSync(home, { recursive: true }));

const bytesOf = (text: string) => new TextEncoder().encode(text);

describe("rubbish", () => {
  it("in folder names: each image is in a split or a note", { timeout }, () => {
    const folder = fc.constantFrom("train", "Test", "val", "dev", "cats", "dogs", "café", "x", "..", "__proto__", "");
    const name = fc.array(folder, { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 12 }), (folders) => {
        const names = folders.map((parts, i) => [...parts, `${i}.png`].join(path.sep));
        const arranged = result(() => arrange(names, "data"));
        if (!arranged) return;
        const found = arranged.images.map((image) => image.name);
        expect(new Set(found).size).toBe(found.length);
        const unused = arranged.notes.map((note) => Number(/^(\d+) images? not used/.exec(note)?.[1] ?? 0));
        expect(found.length + unused.reduce((a, b) => a + b, 0)).toBe(names.length);
        expect(arranged.images.some(({ split }) => split === "train")).toBe(true);
      }),
      limits,
    );
  });

  it("in shapes and layouts: values are reordered, none is lost", { timeout }, () => {
    const size = fc.constantFrom(0, 1, 2, 3, 4, 5, 12, 28);
    const options = fc.record({
      layout: fc.constantFrom(undefined, null, ...LAYOUTS),
      channels: fc.constantFrom(undefined, null, 1 as const, 3 as const),
      size: fc.option(fc.record({ width: fc.constantFrom(1, 2, 3, 5), height: fc.constantFrom(1, 2, 4) })),
    });
    fc.assert(
      fc.property(fc.array(size, { maxLength: 5 }), options, (shape, options) => {
        const found = result(() => findLayout(shape, options, "x"));
        if (!found) return;
        const pixels = pixelsOf(found.shape);
        expect(found.count * pixels).toBe(shape.reduce<number>((a, b) => a * b, 1));
        const stored = Uint8Array.from({ length: pixels }, (_, i) => i);
        const image = reorder(pixelsInMemory(stored, pixels), found).read([0]);
        expect(image.toSorted()).toEqual(stored.toSorted());
      }),
      limits,
    );
  });

  it("in values: a lighter pixel never becomes darker", { timeout }, () => {
    const value = fc.oneof(
      fc.nat(1),
      fc.nat(255),
      fc.nat(70_000),
      fc.integer(),
      fc.float(),
      fc.float({ min: -1, max: 1 }),
    );
    const dtype = fc.constantFrom("uint8", "int16", "uint16", "int32", "float32");
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), dtype, (values, dtype) => {
        const range = measureRange(values);
        if (range.badAt !== undefined) return;
        const scale = result(() => chooseScale(range, dtype));
        if (scale)
          expect([
            ...toBytes(
              values.toSorted((a, b) => a - b),
              scale,
            ),
          ]).toEqual([...toBytes(values, scale)].sort((a, b) => a - b));
      }),
      limits,
    );
  });

  it("in array files with any name", { timeout }, async () => {
    const pixels = Uint8Array.from({ length: 8 * 9 }, (_, i) => 3 * i);
    const array = encodeNpy({ data: pixels, shape: [8, 3, 3] });
    const rows = Array.from({ length: 8 }, (_, i) => [i % 2, ...pixels.subarray(9 * i, 9 * i + 9)].join(","));
    const good = [
      idx([8, 3, 3], pixels),
      array,
      encodeNpy({ data: Float32Array.from(pixels, (byte) => byte / 255), shape: [8, 9] }),
      encodeZip([
        ["x_train.npy", array],
        ["x_test.npy", array],
      ]),
      bytesOf(`label,${Array.from({ length: 9 }, (_, i) => `pixel${i}`)}\n${rows.join("\n")}`),
      bytesOf(rows.map((row) => row.replaceAll(",", " ")).join("\n")),
    ];
    const packed = [...good, ...good.map((file) => new Uint8Array(gzipSync(file)))];
    const ending = fc.constantFrom("-images-idx3-ubyte", ".npy", ".npz", ".csv", ".amat", ".parquet", ".npy.gz", "");
    const file = fc.oneof(fc.uint8Array({ maxLength: 100 }), mutants(...packed), fc.constantFrom(...packed));
    await fc.assert(
      fc.asyncProperty(file, ending, fc.constantFrom(null, ...LAYOUTS), async (bytes, ending, layout) => {
        const place = path.join(home, `x${ending}`);
        writeFileSync(place, bytes);
        const data = await asyncResult(() => loadDataset(place, { layout }), 2);
        if (data) expect(digestOf(data)).toMatch(/^[\da-f]{64}$/);
        rmSync(place);
      }),
      limits,
    );
  });

  it("in image files", { timeout }, async () => {
    const raw = sharp(
      Uint8Array.from({ length: 75 }, (_, i) => 3 * i),
      { raw: { width: 5, height: 5, channels: 3 } },
    );
    const formats = ["png", "jpeg", "webp", "gif", "tiff", "avif"] as const;
    const good = await Promise.all(
      formats.map(async (format) => new Uint8Array(await raw.clone().toFormat(format).toBuffer())),
    );
    const file = fc.oneof(fc.uint8Array({ maxLength: 60 }), mutants(...good), fc.constantFrom(...good));
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 3, maxLength: 5 }), async (files) => {
        const folder = path.join(home, `images-${number++}`);
        mkdirSync(folder);
        for (const [i, bytes] of files.entries()) writeFileSync(path.join(folder, `${i}.png`), bytes);
        const data = await asyncResult(() => loadDataset(folder, { skipBad: true, size: { width: 4, height: 4 } }), 5);
        const counted = data && data.train.count + data.validation.count + data.test.count + data.bad.length;
        if (data) expect(counted).toBe(files.length);
        rmSync(folder, { recursive: true });
      }),
      limits,
    );
  });
});
