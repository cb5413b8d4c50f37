// The user's images: how files are decoded, refused and divided. pngjs and sharp make the pictures.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32, gzipSync } from "node:zlib";
import { PNG } from "pngjs";
import sharp, { type Sharp } from "sharp";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type DataOptions, type Dataset, digestOf, type ImageSet, loadDataset } from "../../src/data/dataset.js";
import * as datasets from "../../src/data/datasets.js";
import { decodeImages } from "../../src/data/image-files.js";
import { pixelsInFile, range } from "../../src/data/pixels.js";
import { encodeNpy } from "../../src/formats/npy.js";
import { idx } from "../fixtures/idx.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-images-"));
  vi.stubEnv("VAE_CACHE", at("cache"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

/** A grey PNG of one shade. */
function shade(file: string, grey: number, width = 4, height = 3): void {
  mkdirSync(path.dirname(at(file)), { recursive: true });
  const png = new PNG({ width, height });
  png.data.fill(255);
  for (let i = 0; i < width * height; i++) png.data.fill(grey, 4 * i, 4 * i + 3);
  writeFileSync(at(file), PNG.sync.write(png, { colorType: 0 }));
}

const read = ({ pixels, count }: ImageSet) => pixels.read(range(0, count));
/** The first byte of each image, for each part. */
const shades = (data: Dataset) =>
  [data.train, data.validation, data.test].map((set) => {
    const bytes = read(set);
    return Array.from(range(0, set.count), (i) => bytes[i * data.height * data.width * data.channels]);
  });
const grey = (count: number, folder = "photos") => {
  for (let i = 0; i < count; i++) shade(`${folder}/${String(i).padStart(3, "0")}.png`, i);
};
const plain = { invert: false, background: "black" } as const;
const load = (options: DataOptions = {}, place = "photos") => loadDataset(at(place), options);

describe("a folder of images", () => {
  it("is divided at random, but always alike: a seventh to test, a twelfth of the rest to validate", async () => {
    grey(84);
    const data = await load();
    expect([data.height, data.width, data.channels]).toEqual([3, 4, 1]);
    const parts = shades(data);
    expect(parts.map((part) => part.length)).toEqual([66, 6, 12]);
    expect(parts.flat().sort((a, b) => a - b)).toEqual([...range(0, 84)]);
    expect(parts[0]).not.toEqual(parts[0].toSorted((a, b) => a - b));
    expect(shades(await load())).toEqual(parts);
    expect(data.train.labels).toBeUndefined();
  });

  it("has sub-folders as classes, which can be chosen by name", async () => {
    for (let i = 0; i < 12; i++) shade(`photos/${i % 2 ? "cats" : "dogs"}/${i}.png`, i);
    const data = await load();
    expect(data.classes).toEqual(["cats", "dogs"]);
    for (const { labels } of [data.train, data.validation, data.test]) expect(labels).toBeInstanceOf(Uint16Array);
    const [first] = shades(data);
    expect([...(data.train.labels as Uint16Array)]).toEqual(first.map((value) => (value % 2 ? 0 : 1)));
    expect(
      shades(await load({ classes: ["cats"] }))
        .flat()
        .every((value) => value % 2),
    ).toBe(true);
    expect(shades(await load({ limit: 7 })).flat()).toHaveLength(7);
    await expect(load({ classes: ["cows"] })).rejects.toThrow("has no class cows. It has cats, dogs.");
  });

  it("may have splits named train/ and test/", async () => {
    for (let i = 0; i < 12; i++) shade(`photos/train/${i % 2}/${i}.png`, i);
    for (let i = 0; i < 4; i++) shade(`photos/test/${i % 2}/${i}.png`, 100 + i);
    const data = await load();
    expect(
      shades(data)
        .slice(2)
        .flat()
        .sort((a, b) => a - b),
    ).toEqual([100, 101, 102, 103]);
    expect(shades(data).map((part) => part.length)).toEqual([11, 1, 4]);
    expect(data.classes).toEqual(["0", "1"]);
  });

  it.each([
    ["palette", { palette: true }],
    ["interlaced", { progressive: true }],
    ["plain", {}],
  ])("of %s PNGs has their colours", async (_, options) => {
    const colours = Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 99, 199]);
    mkdirSync(at("photos"));
    for (let i = 0; i < 3; i++) {
      await sharp(colours, { raw: { width: 2, height: 2, channels: 3 } })
        .png(options)
        .toFile(at(`photos/${i}.png`));
    }
    const data = await load();
    expect(data.channels).toBe(3);
    expect([...read(data.test)]).toEqual([...colours]);
    expect((await load({ channels: 1 })).channels).toBe(1);
  });

  it("decodes 16 bits to 8, transparency on black, turned photographs upright, JPEG and WebP", async () => {
    mkdirSync(at("photos"));
    const only = async (name: string, image: Sharp) => {
      rmSync(at("photos"), { recursive: true });
      mkdirSync(at("photos"));
      for (let i = 0; i < 3; i++) await image.clone().toFile(at("photos", `${i}-${name}`));
      return load();
    };
    const deep = Uint16Array.from([0, 65535, 32896, 16448]);
    const raw = (width: number, height: number, channels: 1 | 2 | 3) => ({ raw: { width, height, channels } }) as const;
    const sixteen = await only("x.png", sharp(deep, raw(2, 2, 1)).toColourspace("grey16"));
    expect([...read(sixteen.test)]).toEqual([0, 255, 128, 64]);
    const clear = await only("x.png", sharp(Buffer.from([200, 0, 200, 255]), raw(2, 1, 2)).toColourspace("b-w"));
    expect([...read(clear.test)]).toEqual([0, 200]);
    const turned = await only("x.png", sharp(Buffer.from([10, 20, 30]), raw(3, 1, 1)).withMetadata({ orientation: 6 }));
    const column = read(turned.test).filter((_, i) => i % turned.channels === 0);
    expect([turned.width, turned.height, ...column]).toEqual([1, 3, 10, 20, 30]);
    const flat = sharp(Buffer.alloc(8 * 8 * 3, 100), raw(8, 8, 3));
    for (const [name, image] of [
      ["x.jpg", flat.clone().jpeg()],
      ["x.webp", flat.clone().webp()],
    ] as const) {
      const data = await only(name, image);
      for (const byte of read(data.test)) expect(Math.abs(byte - 100)).toBeLessThanOrEqual(2);
    }
  });

  it("is scaled to cover a size, and cropped to its middle", async () => {
    mkdirSync(at("photos"));
    // Black, white, black from left to right: the middle of 30×10 at 10×10 is white.
    const stripes = Uint8Array.from({ length: 300 }, (_, i) => (Math.floor((i % 30) / 10) === 1 ? 255 : 0));
    for (let i = 0; i < 3; i++) {
      await sharp(stripes, { raw: { width: 30, height: 10, channels: 1 } })
        .png()
        .toFile(at(`photos/${i}.png`));
    }
    const data = await load({ size: { width: 5, height: 5 } });
    expect([data.width, data.height]).toEqual([5, 5]);
    expect([...read(data.test)].filter((byte) => byte > 200).length).toBeGreaterThanOrEqual(15);
    expect((await load({ size: { width: 6, height: 2 } })).width).toBe(6);
  });

  it("names bad files with reasons before other errors, or leaves them out", async () => {
    grey(20);
    writeFileSync(at("photos/a-text.png"), "hello");
    writeFileSync(at("photos/an-empty.jpg"), "");
    const whole = readFileSync(at("photos/000.png"));
    writeFileSync(at("photos/cut.png"), whole.subarray(0, whole.length - 20));
    writeFileSync(at("photos/trap.png"), trap(whole));
    writeFileSync(at("photos/vast.png"), "");
    truncateSync(at("photos/vast.png"), 1e12);
    writeFileSync(at("photos/notes.txt"), "");
    await expect(load()).rejects.toThrow(/5 of the 25 images in .*photos cannot be used: .*and 2 more\. .*skipBad/);
    const data = await load({ skipBad: true });
    expect(data.bad.map(({ file }) => file)).toEqual(["a-text.png", "an-empty.jpg", "cut.png", "trap.png", "vast.png"]);
    const [text, empty, cut, big, vast] = data.bad.map(({ why }) => why);
    expect(text).toContain("not an image");
    expect(empty).toContain("empty");
    expect(cut).toContain("damaged");
    expect(big).toContain("more than 100 million");
    expect(vast).toContain("more than 2 GiB");
    expect(data.notes).toContain("1 file ignored: 1 .txt.");
    expect(shades(data).flat()).toHaveLength(20);
    await expect(load()).rejects.toThrow("5 of the 25 images"); // although the good ones are in the cache now
  });

  it("skips runs in it, and reports links that lead to no file", async () => {
    grey(6);
    mkdirSync(at("photos/runs/one/checkpoint"), { recursive: true });
    writeFileSync(at("photos/runs/one/config.json"), "{}");
    shade("photos/runs/one/pictures/inputs.png", 99, 50, 50);
    expect(shades(await load()).flat()).toHaveLength(6);
    symlinkSync(at("nowhere.png"), at("photos/zz.png"));
    symlinkSync(at("photos"), at("photos/loop"));
    for (const itself of ["self.png", "test", "train"]) symlinkSync(itself, at("photos", itself));
    await expect(load()).rejects.toThrow("5 of the 11 images");
    const { bad } = await load({ skipBad: true });
    expect(bad.map(({ file }) => file)).toEqual(["loop", "self.png", "test", "train", "zz.png"]);
    expect(bad[1].why).toBe("it is not a regular file, nor a link to one");
  });

  it("is decoded once, and again after a file is changed, added or deleted", async () => {
    grey(12);
    let decoded = 0;
    const onProgress = () => decoded++;
    const digest = async () => {
      decoded = 0;
      return digestOf(await load({ onProgress }));
    };
    const first = await digest();
    expect(decoded).toBe(12);
    expect([await digest(), decoded]).toEqual([first, 0]);
    shade("photos/005.png", 200);
    utimesSync(at("photos/005.png"), 1, 1);
    const changed = await digest();
    expect([changed === first, decoded]).toEqual([false, 12]);
    shade("photos/012.png", 12);
    expect([(await load()).train.count, await digest(), decoded]).toEqual([10, expect.any(String), 0]);
    rmSync(at("photos/012.png"));
    expect([await digest(), decoded]).toEqual([changed, 12]);
    expect(readdirSync(at("cache"))).toHaveLength(1);
    expect(readdirSync(at("photos"), { recursive: true })).toHaveLength(12);
  });

  it("leaves nothing behind if decoding is aborted", async () => {
    grey(6);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(load({ size: { width: 2, height: 2 }, signal })).rejects.toThrow("enough");
    expect(readdirSync(at("cache"))).toEqual([]);
  });

  it("ignores the hidden .vae-cache of earlier versions", async () => {
    grey(6);
    shade("photos/.vae-cache/large.png", 9, 50, 50);
    expect(shades(await load()).flat()).toHaveLength(6);
  });

  it("may have partners: corrupted images of the same names, for the encoder to see", async () => {
    grey(12, "clean");
    for (let i = 0; i < 12; i++) shade(`hazy/${String(i).padStart(3, "0")}.png`, 100 + i, 8, 6);
    const options = { inputDir: at("hazy"), size: { width: 4, height: 3 } };
    const data = await load(options, "clean");
    for (const set of [data.train, data.validation, data.test]) {
      const inputs = set.inputs?.read(range(0, set.count)) as Uint8Array;
      expect([...inputs]).toEqual([...read(set)].map((byte) => byte + 100));
    }
    writeFileSync(at("hazy/003.png"), "hello");
    await expect(load(options, "clean")).rejects.toThrow(/003\.png \(its partner .*hazy\/003\.png: it is not an image/);
    rmSync(at("hazy/003.png"));
    await expect(load(options, "clean")).rejects.toThrow("003.png (it has no partner in inputDir)");
    for (const name of ["003.bmp.png", "003.jpg", "003.webp"]) shade(`hazy/${name}`, 103, 8, 6);
    await expect(load(options, "clean")).rejects.toThrow(
      "holds 003.jpg and 003.webp, and both may be the partner of 003.png. Keep only one.",
    );
    shade("hazy/003.png", 103, 8, 6);
    expect((await load(options, "clean")).train.count).toBe(data.train.count);
    expect(data.notes).toEqual([`The encoder's inputs are the images of the same names in ${at("hazy")}.`]);
    shade("other/000_hazy.png", 9);
    await expect(load({ ...options, inputDir: at("other") }, "clean")).rejects.toThrow(
      "other, which holds 000_hazy.png, …, but not 000.png. " +
        "Partners have the same name; only the extension may differ.",
    );
    await expect(load({ ...options, inputDir: at("nowhere") }, "clean")).rejects.toThrow("nowhere is not a folder.");
  });

  it("is refused if it holds too few images", async () => {
    mkdirSync(at("photos"));
    await expect(load()).rejects.toThrow("holds no images");
    grey(2);
    await expect(load()).rejects.toThrow(
      "too few images: 0 to train, 1 to validate, 1 to test. At least three are needed, one for each of these.",
    );
    grey(3);
    await expect(load()).resolves.toMatchObject({ train: { count: 1 }, validation: { count: 1 }, test: { count: 1 } });
    await expect(load({ limit: 2 })).rejects.toThrow("Raise `limit`.");
  });
});

/** A PNG whose header promises 60,000 × 60,000 pixels. */
function trap(png: Buffer): Buffer {
  const bytes = Buffer.from(png);
  bytes.writeUInt32BE(60_000, 16);
  bytes.writeUInt32BE(60_000, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}

describe("a compressed file", () => {
  it("is refused before it is decompressed if its header promises more than it can hold", async () => {
    const header = idx([4_000_000_000, 255, 255], []);
    writeFileSync(at("bomb.gz"), gzipSync(Buffer.concat([header, Buffer.alloc(1e6)])));
    await expect(load({}, "bomb.gz")).rejects.toThrow("too small for the");
  });
});

describe("one array of images", () => {
  const bytes = Uint8Array.from({ length: 21 * 12 }, (_, i) => Math.floor(i / 12) * 10);
  const all = Array.from({ length: 21 }, (_, i) => i * 10);
  const sorted = (data: Dataset) =>
    shades(data)
      .flat()
      .sort((a, b) => a - b);

  it("may be an IDX file, with labels from the same folder", async () => {
    writeFileSync(at("train-images-idx3-ubyte"), idx([21, 3, 4], bytes));
    writeFileSync(at("train-labels-idx1-ubyte"), idx([21], range(0, 21)));
    const data = await load({}, "train-images-idx3-ubyte");
    expect(sorted(data)).toEqual(all);
    expect(shades(data).map((part) => part.length)).toEqual([16, 2, 3]);
    expect([...(data.test.labels as Uint16Array)].map((label) => label * 10)).toEqual(shades(data)[2]);
    writeFileSync(at("colour-images-idx4-ubyte.gz"), gzipSync(idx([21, 2, 2, 3], bytes)));
    const colour = await load({}, "colour-images-idx4-ubyte.gz");
    expect([colour.channels, colour.height]).toEqual([3, 2]);
    expect(sorted(colour)).toEqual(all);
  });

  it("may be a .npy file of bytes, of floats from 0 to 1, or of rows with a size", async () => {
    const floats = Float32Array.from(bytes, (byte) => byte / 255);
    writeFileSync(at("bytes.npy"), encodeNpy({ data: bytes, shape: [21, 3, 4] }));
    writeFileSync(at("floats.npy"), encodeNpy({ data: floats, shape: [21, 3, 4] }));
    writeFileSync(at("rows.npy"), encodeNpy({ data: bytes, shape: [21, 12] }));
    const data = await load({}, "bytes.npy");
    expect(sorted(data)).toEqual(all);
    expect(digestOf(await load({}, "floats.npy"))).toBe(digestOf(data));
    expect(digestOf(await load({ size: { width: 4, height: 3 } }, "rows.npy"))).toBe(digestOf(data));
    await expect(load({}, "rows.npy")).rejects.toThrow("Give their width and height, such as `size: 2x2`");
    expect(digestOf(await datasets.load(at("rows.npy"), { size: "4x3" }))).toBe(digestOf(data));
    await expect(datasets.load(at("rows.npy"), { size: "4x0" })).rejects.toThrow(
      'The setting size is "4x0". It must be',
    );
    await expect(load({ size: { width: 5, height: 3 } }, "rows.npy")).rejects.toThrow("which cannot be images of 5×3");
    writeFileSync(at("large.npy"), encodeNpy({ data: floats.fill(2, 3, 4), shape: [21, 3, 4] }));
    await expect(load({}, "large.npy")).rejects.toThrow("If 0 is black and 2 is white, save x / 2 as float32");
    writeFileSync(at("odd.npy"), encodeNpy({ data: bytes, shape: [21, 2, 3, 2] }));
    await expect(load({}, "odd.npy")).rejects.toThrow(
      "Of four dimensions, the last or the second must be the channels, 1 or 3.",
    );
  });

  it.skipIf(process.platform === "win32")("is refused if it is a pipe or a device, without opening it", async () => {
    execFileSync("mkfifo", [at("pipe.npy"), at("train-labels-idx1-ubyte")]);
    const problem = "is a pipe, a socket or a device, not a file.";
    await expect(load({}, "pipe.npy")).rejects.toThrow(`${at("pipe.npy")} ${problem}`);
    await expect(loadDataset("/dev/zero")).rejects.toThrow(`/dev/zero ${problem}`);
    writeFileSync(at("train-images-idx3-ubyte"), idx([21, 3, 4], bytes));
    expect((await load({}, "train-images-idx3-ubyte")).notes).toEqual([
      `Not used: ${at("train-labels-idx1-ubyte")} ${problem}`,
    ]);
    await expect(decodeImages(["/dev/zero"], { height: 3, width: 4, channels: 1 }, plain)).rejects.toThrow(problem);
  });

  it.runIf(existsSync("/proc/self/mem"))("is named in the error if the system cannot read it", async () => {
    const problem = "/proc/self/mem could not be read (EIO: i/o error, read)";
    await expect(loadDataset("/proc/self/mem")).rejects.toThrow(problem);
    await expect(decodeImages(["/proc/self/mem"], { height: 3, width: 4, channels: 1 }, plain)).rejects.toThrow(
      problem,
    );
    expect(() => pixelsInFile("/proc/self/mem", 0, 12).read([0])).toThrow(problem);
  });
});
