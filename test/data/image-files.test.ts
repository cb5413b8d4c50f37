// Kinds of image files: how they are decoded, and why some are refused. tifffile wrote the TIFFs in test/fixtures/tiff.
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import * as datasets from "../../src/data/datasets.js";
import { chooseScales, decodeImage, decodeImages, measureDeep } from "../../src/data/image-files.js";
import { openImage } from "../../src/data/open-image.js";
import { at, load, useHome } from "./cases.js";
import { channel, interleave, pixelsByName, SIDE } from "./images.js";

useHome();

const fixture = (name: string) => path.join("test/fixtures/tiff", `${name}.tif`);

/** Copies fixtures into a folder. */
function copy(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(at(folder), { recursive: true });
  for (const [name, from] of Object.entries(files)) copyFileSync(fixture(from), at(folder, `${name}.tif`));
}

/** Decodes one file with a scale of its own. */
async function decode(file: string, background: "black" | "white" = "black") {
  const bytes = readFileSync(file);
  const opened = await openImage(bytes);
  const scales = chooseScales([await measureDeep(opened)], file);
  const { pixels, ...rest } = await decodeImage(bytes, { channels: opened.channels, background, scales });
  return { ...rest, pixels: [...pixels] };
}

const single = { height: SIDE, width: SIDE, channels: 1 };
const plain = { invert: false, background: "black" } as const;

describe("TIFFs of floats", () => {
  const NAN = "it holds values that are NaN or infinite";

  it.each([{}, { background: "white" }, { size: 8 }, { size: 4, channels: 3 }] as const)(
    "are bad if they hold NaN, and the others are used, with %j",
    async (options) => {
      copy("data", { 0: "float32", 1: "nan", 2: "float32", 3: "inf", 4: "float32" });
      await expect(load("data", options)).rejects.toThrow(
        `2 of the 5 images in ${at("data")} cannot be used: 1.tif (${NAN}), 3.tif (${NAN}). vae data lists all`,
      );
      expect((await datasets.inspect(at("data"), options)).bad).toEqual([
        expect.objectContaining({ file: "1.tif", why: NAN }),
        expect.objectContaining({ file: "3.tif", why: NAN }),
      ]);
      const pixels = pixelsByName(await load("data", { ...options, skipBad: true }));
      expect(Object.keys(pixels).sort()).toEqual(["0.tif", "2.tif", "4.tif"]);
      if (!("size" in options) || options.size === 8) {
        for (const image of Object.values(pixels)) expect(image).toEqual(channel());
      }
    },
  );

  it.each([{}, { size: 8 }, { skipBad: true, channels: 1 }] as const)(
    "are refused if all hold NaN, with %j",
    async (options) => {
      copy("data", { 0: "nan", 1: "inf", 2: "nan" });
      await expect(load("data", options)).rejects.toThrow(`3 of the 3 images in ${at("data")} cannot be used: 0.tif`);
    },
  );

  it("are bad with NaN in the transparency or in the partner", async () => {
    await expect(decode(fixture("nan-alpha"))).rejects.toThrow(NAN);
    copy("data", { 0: "float32", 1: "float32", 2: "float32", 3: "float32" });
    copy("noisy", { 0: "lzw", 1: "nan", 2: "lzw", 3: "lzw" });
    const data = await load("data", { inputDir: at("noisy"), skipBad: true });
    const why = `its partner ${at("noisy/1.tif")}: ${NAN}`;
    expect(data.bad).toEqual([expect.objectContaining({ file: "1.tif", why })]);
    expect(Object.keys(pixelsByName(data)).sort()).toEqual(["0.tif", "2.tif", "3.tif"]);
  });

  it("are refused as single images if they hold NaN", async () => {
    await expect(decodeImages([fixture("nan")], single, plain)).rejects.toThrow(
      `${fixture("nan")} cannot be used: ${NAN}.`,
    );
  });
});

describe("channels of TIFFs", () => {
  const unmarked = "none of them marked as transparency: save 1 or 3 of them";
  it.each([
    ["grey-2", `it has 2 channels, ${unmarked}`],
    ["grey-3", "its 3 channels are not marked as red, green and blue: save it as RGB"],
    ["grey-4-uint16", "it has 4 channels: save 1 or 3 of them"],
    ["grey-4-marked", "it has 4 channels: save 1 or 3 of them"],
    ["grey-5", "it has 5 channels: save 1 or 3 of them"],
    ["grey-5-uint16", "it has 5 channels: save 1 or 3 of them"],
    ["grey-7", "it has 7 channels: save 1 or 3 of them"],
    ["rgb-nir", `it has 4 channels, ${unmarked}`],
    ["rgb-nir-big", `it has 4 channels, ${unmarked}`],
    ["rgb-nir-swapped", `it has 4 channels, ${unmarked}`],
    ["rgb-5", "it has 5 channels: save 1 or 3 of them"],
    ["cmyk-5", "it has 5 channels: save 1 or 3 of them"],
    ["grey-alpha-float32", "its transparency is in float32: save it with 8 or 16 bits"],
  ])("of %s are refused", async (name, why) => {
    await expect(openImage(readFileSync(fixture(name)))).rejects.toThrow(why);
    copy("data", { 0: "lzw", 1: name, 2: "lzw", 3: "lzw" });
    const data = await load("data", { skipBad: true });
    expect(data.bad).toEqual([expect.objectContaining({ file: "1.tif", why })]);
    for (const image of Object.values(pixelsByName(data))) expect(image).toEqual(channel());
    await expect(decodeImages([fixture(name)], single, plain)).rejects.toThrow(
      `${fixture(name)} cannot be used: ${why}.`,
    );
  });

  it.each(["rgb-alpha", "rgb-alpha-big-swapped"])("of %s are colours and transparency", async (name) => {
    const onBlack = [0, 1, 2].map((k) => channel(k).map((value, i) => Math.trunc((value * channel(3)[i]) / 255)));
    expect((await decode(fixture(name))).pixels).toEqual(interleave(...onBlack));
  });

  it("of grey with transparency, and of premultiplied colours, are read", async () => {
    const onBlack = channel().map((value, i) => Math.trunc((value * channel(1)[i]) / 255));
    expect((await decode(fixture("grey-alpha"))).pixels).toEqual(onBlack);
    expect((await decode(fixture("grey-alpha-uint16"))).channels).toBe(1);
    expect((await decode(fixture("rgb-premultiplied"))).pixels).toEqual(interleave(channel(0), channel(1), channel(2)));
  });

  it("of palettes, and of CMYK with 8 or 16 bits, are converted", async () => {
    expect((await decode(fixture("palette"))).pixels).toEqual(channel());
    const shades = sharp(Uint8Array.from([255, 255, 255, 0, 0, 0]), { raw: { width: 2, height: 1, channels: 3 } });
    for (const format of ["jpeg", "tiff"] as const) {
      const file = at(`inks.${format}`);
      const options = { quality: 100, chromaSubsampling: "4:4:4", compression: "none" } as const;
      await shades.clone().toColourspace("cmyk").toFormat(format, options).toFile(file);
      expect((await sharp(file).metadata()).space).toBe("cmyk");
      const { pixels, channels } = await decode(file);
      expect([channels, pixels.length, pixels.slice(0, 3).every((value) => value > 240)]).toEqual([3, 6, true]);
      expect(Math.max(...pixels.slice(3))).toBeLessThan(80);
    }
    const { pixels } = await decode(fixture("cmyk"));
    expect((await decode(fixture("cmyk-uint16"))).pixels).toEqual(pixels);
  });

  it.each(["png", "webp", "avif", "gif"] as const)("do not affect the transparency of %s", async (format) => {
    const raw = Uint8Array.from({ length: 4 * 64 }, (_, i) => (i % 4 < 3 ? 255 : i < 128 ? 0 : 255));
    await sharp(raw, { raw: { width: SIDE, height: SIDE, channels: 4 } })
      .toFormat(format, { lossless: true })
      .toFile(at(`x.${format}`));
    const { pixels } = await decode(at(`x.${format}`));
    expect([...new Set(pixels.slice(0, 96)), ...new Set(pixels.slice(96))]).toEqual([0, 255]);
  });
});

describe("TIFFs of int16", () => {
  it("without negative values are scaled by their bits", async () => {
    // The largest value is 7000: 13 bits.
    expect((await decode(fixture("int16"))).pixels).toEqual(channel().map((value) => (100 * value) >> 5));
  });

  it.each([
    ["int16-negative", -1000, 6000],
    ["int16-rgb-negative", -1000, 14_000],
    ["int16-limits", -32_768, 32_767],
  ])("keep negative values: %s from %i to %i", async (name, min, max) => {
    const measured = await measureDeep(await openImage(readFileSync(fixture(name))));
    expect(measured).toEqual({ dtype: "int16", range: { min, max, isWhole: true } });
    const remedy = `If ${min} is black and ${max} is white`;
    const problem = `has values from ${min} to ${max}, which fit no usual scale. ${remedy}`;
    copy("data", { 0: name, 1: name, 2: name });
    await expect(load("data")).rejects.toThrow(`${at("data")} ${problem}`);
    await expect(decodeImages([at("data/0.tif")], single, plain)).rejects.toThrow(`${at("data/0.tif")} ${problem}`);
  });

  it("from −1 to 1 are read like floats", async () => {
    const shades = [0, 128, 255];
    expect((await decode(fixture("int16-signs"))).pixels).toEqual(channel().map((value) => shades[value % 3]));
  });
});

describe("unsupported kinds of TIFF", () => {
  const type = (name: string) => `its pixels are ${name}: save it with 8 or 16 bits or as float32`;
  const colours = "its colours are neither grey, RGB nor CMYK: save it in grey or RGB";
  const compression = (name: string) => `its compression, ${name}, is not supported: save it with LZW or Deflate`;
  it.each([
    ["float64", type("64-bit floats")],
    ["int64", type("64-bit integers")],
    ["complex64", type("complex numbers")],
    ["uint12", type("12-bit integers")],
    ["float16", type("16-bit floats")],
    ["zstd", compression("ZSTD")],
    ["lzma", compression("LZMA")],
    ["jpeg2000", compression("JPEG 2000")],
    ["lab", colours],
    ["lab-uint16", colours],
    ["icclab", colours],
  ])("are named: %s", async (name, why) => {
    copy("data", { 0: "lzw", 1: name, 2: "lzw", 3: "lzw" });
    const data = await load("data", { skipBad: true });
    expect(data.bad).toEqual([expect.objectContaining({ file: "1.tif", why })]);
    for (const image of Object.values(pixelsByName(data))) expect(image).toEqual(channel());
  });
});
