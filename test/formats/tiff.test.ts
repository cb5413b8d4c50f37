import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readTiffTags } from "../../src/formats/tiff.js";

const fixture = (name: string) => readFileSync(`test/fixtures/tiff/${name}.tif`);
const DEFAULTS = {
  bitsPerSample: 1,
  compression: 1,
  photometric: undefined,
  samplesPerPixel: 1,
  extraSamples: undefined,
  sampleFormat: 1,
};
const bytes = { ...DEFAULTS, bitsPerSample: 8 };
const rgba = { ...bytes, photometric: 2, samplesPerPixel: 4 };

describe("the tags of a TIFF", () => {
  it.each([
    ["lzw", { ...bytes, photometric: 1, compression: 5 }],
    ["zstd", { ...bytes, photometric: 1, compression: 50_000 }],
    ["grey-2", { ...bytes, photometric: 1, samplesPerPixel: 2, extraSamples: 0 }],
    ["grey-4-marked", { ...bytes, photometric: 1, samplesPerPixel: 4, extraSamples: 2 }],
    ["grey-5-uint16", { ...bytes, photometric: 1, bitsPerSample: 16, samplesPerPixel: 5, extraSamples: 0 }],
    ["rgb-nir", { ...rgba, extraSamples: 0 }],
    ["rgb-nir-big", { ...rgba, extraSamples: 0 }],
    ["rgb-nir-swapped", { ...rgba, bitsPerSample: 16, extraSamples: 0 }],
    ["rgb-alpha", { ...rgba, extraSamples: 2 }],
    ["rgb-alpha-big-swapped", { ...rgba, extraSamples: 2 }],
    ["rgb-premultiplied", { ...rgba, extraSamples: 1 }],
    ["cmyk-5", { ...bytes, photometric: 5, samplesPerPixel: 5, extraSamples: 2 }],
    ["palette", { ...bytes, photometric: 3 }],
    ["lab", { ...bytes, photometric: 8, samplesPerPixel: 3 }],
    ["float64", { ...bytes, photometric: 1, bitsPerSample: 64, sampleFormat: 3 }],
    ["int16", { ...bytes, photometric: 1, bitsPerSample: 16, sampleFormat: 2 }],
  ])("by tifffile are read: %s", (name, tags) => {
    expect(readTiffTags(fixture(name))).toEqual(tags);
  });

  it("are read from within a larger buffer", () => {
    const file = fixture("rgb-alpha");
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    expect(readTiffTags(shifted.subarray(3))).toEqual({ ...rgba, extraSamples: 2 });
  });

  it("have the specification's defaults if they are missing or truncated", () => {
    expect(readTiffTags(Uint8Array.of(0x49, 0x49, 42, 0, 8, 0, 0, 0, 0, 0))).toEqual(DEFAULTS);
    expect(readTiffTags(Uint8Array.of(0x49, 0x49, 42, 0, 8, 0, 0, 0, 9, 0, 1, 1))).toEqual(DEFAULTS);
  });

  it.each([
    ["nothing", []],
    ["another format", [...Buffer.from("\x89PNG\r\n\x1a\n", "latin1")]],
    ["another version", [0x49, 0x49, 41, 0, 8, 0, 0, 0, 0, 0]],
    ["a directory beyond the end", [0x4d, 0x4d, 0, 42, 0xff, 0xff, 0xff, 0xff]],
    ["a directory beyond 2^53", [0x49, 0x49, 43, 0, 8, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]],
  ])("are unknown for %s", (_, file) => {
    expect(readTiffTags(Uint8Array.from(file))).toBeUndefined();
  });
});
