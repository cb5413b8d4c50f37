// Sizes, colours and shades of images: how they are converted, and which are refused.
import { mkdirSync } from "node:fs";
import path from "node:path";
import { PNG } from "pngjs";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import * as datasets from "../../src/data/datasets.js";
import { decodeImages } from "../../src/data/image-files.js";
import { UserError } from "../../src/errors.js";
import { at, COUNT, expectAll, image, images, load, PIXELS, pixel, png, typed, useHome, write } from "./cases.js";

useHome();

describe("sizes and colours of images", () => {
  const blank = (place: string, width: number, height: number, isColour = false) => {
    const picture = new PNG({ width, height });
    picture.data.fill(200);
    for (let i = 3; i < picture.data.length; i += 4) picture.data[i] = 255;
    if (isColour) picture.data[0] = 0;
    write(place, PNG.sync.write(picture, { colorType: isColour ? 2 : 0 }));
  };

  it("are listed with a suggestion if sizes differ, before other errors and in vae data too", async () => {
    for (let i = 0; i < 5; i++) blank(`photos/${i}.png`, 640, 480);
    for (let i = 0; i < 6; i++) blank(`photos/odd-${i}.png`, 300 + i, 200);
    write("photos/broken.png", "hello");
    const problem =
      /photos holds 11 images in 7 sizes: 640×480 \(5\), 300×200 \(odd-0\.png\), .*, …\. Use `size: 64`\.$/;
    await expect(load("photos")).rejects.toThrow(problem);
    await expect(datasets.inspect(at("photos"))).rejects.toThrow(problem);
    expect((await datasets.inspect(at("photos"), { size: 64 })).bad.map(({ file }) => file)).toEqual(["broken.png"]);
    blank("small/0.png", 28, 28);
    blank("small/1.png", 28, 28);
    blank("small/2.png", 27, 28);
    await expect(load("small")).rejects.toThrow("3 images in 2 sizes: 28×28 (2), 27×28 (2.png). Use `size: 28x28`.");
  });

  it("follow one rule for all splits", async () => {
    for (let i = 0; i < 12; i++) blank(`sizes/train/${i}.png`, 8, 8);
    blank("sizes/test/0.png", 9, 8);
    await expect(load("sizes")).rejects.toThrow("holds 13 images in 2 sizes: 8×8 (12), 9×8 (test/0.png)");
    for (let i = 0; i < 12; i++) blank(`colours/train/${i}.png`, 8, 8);
    blank("colours/test/0.png", 8, 8, true);
    const data = await load("colours");
    expect(data.channels).toBe(3);
    expect([...data.test.pixels.read([0]).subarray(0, 6)]).toEqual([0, 200, 200, 200, 200, 200]);
  });

  it("are noted if grey images are stored in colour, and so are animations", async () => {
    for (let i = 0; i < 3; i++) {
      const picture = new PNG({ width: 8, height: 8 });
      picture.data.fill(255);
      picture.data.fill(10 * i, 0, 3);
      write(`data/${i}.png`, PNG.sync.write(picture, { colorType: 2 }));
    }
    expect((await load("data")).notes).toEqual([
      "All images are grey, but stored in colour. `channels: 1` makes the model smaller.",
    ]);
    expect((await load("data", { channels: 1 })).notes).toEqual([]);
    const frames = Buffer.from([...new Array(192).fill(200), ...new Array(192).fill(50)]);
    for (let i = 0; i < 3; i++) {
      mkdirSync(at("moving"), { recursive: true });
      await sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
        .webp({ lossless: true })
        .toFile(at(`moving/${i}.webp`));
    }
    const moving = await load("moving", { channels: 1 });
    expect(moving.notes).toEqual(
      [`${at("moving")}: all pixels are 200.`, "Only the first frame of 3 files is used."].reverse(),
    );
    expect(new Set(moving.train.pixels.read([0]))).toEqual(new Set([200]));
  });

  it("are converted to grey as in Pillow: 0.299 red, 0.587 green, 0.114 blue", async () => {
    for (let i = 0; i < 3; i++) {
      const picture = new PNG({ width: 3, height: 1 });
      picture.data.set([255, 0, 0, 255, 0, 255, 0, 255, 10, 100, 200, 255]);
      write(`data/${i}.png`, PNG.sync.write(picture));
    }
    // PIL.Image.open(file).convert("L")
    expect([...(await load("data", { channels: 1 })).test.pixels.read([0])]).toEqual([76, 150, 84]);
  });
});

describe("the scale of pixels", () => {
  const bit = (i: number, row: number, column: number) => (pixel(i, row, column) >= 128 ? 255 : 0);
  const bits = () => images(0, COUNT, bit).map((value) => value / 255);

  it.each([
    ["bytes", "|u1"],
    ["int32", "<i4"],
    ["floats", "<f4"],
  ])("makes 0 black and 1 white in %s", async (_, type) => {
    write("x.npy", typed(type, bits()));
    const data = await load("x.npy");
    expectAll(data, { of: bit, hasLabels: false });
    const said = type === "<f4" ? [] : [`${at("x.npy")} has only the values 0 and 1, read as x * 255.`];
    expect(data.notes).toEqual(said);
  });

  it("makes 0 black and 1 white in image files", async () => {
    for (let i = 0; i < COUNT; i++) {
      mkdirSync(at("data"), { recursive: true });
      const raw = Uint8Array.from(image(i, bit), (value) => value / 255);
      await sharp(raw, { raw: { width: 8, height: 8, channels: 1 } })
        .toColourspace("b-w")
        .png()
        .toFile(at(`data/${i}.png`));
    }
    const data = await load("data");
    expectAll(data, { of: bit, hasLabels: false });
    expect(data.notes).toEqual([`${at("data")} has only the values 0 and 1, read as x * 255.`]);
  });

  it.each([9, 10, 12, 14])("keeps the upper 8 of %i bits in uint16, in .npy and PNG", async (depth) => {
    const scale = 2 ** (depth - 8);
    write(
      "x.npy",
      typed(
        "<u2",
        images().map((value) => value * scale),
      ),
    );
    for (let i = 0; i < COUNT; i++) await png(`data/${i}.png`, i, { scale });
    for (const place of ["x.npy", "data"]) {
      const data = await load(place);
      expectAll(data, { hasLabels: false });
      const most = 255 * scale;
      expect(data.notes).toEqual([`${at(place)} has values from 0 to ${most}: ${depth} bits, read as x // ${scale}.`]);
    }
  });

  it("keeps the upper 8 of 16 bits", async () => {
    write(
      "x.npy",
      typed(
        "<u2",
        images().map((value) => value * 257),
      ),
    );
    for (let i = 0; i < COUNT; i++) await png(`data/${i}.png`, i, { scale: 257 });
    for (const place of ["x.npy", "data"]) expectAll(await load(place), { hasLabels: false });
  });

  it("is the same for all splits", async () => {
    const save = (split: string, first: number, count: number, map: (value: number) => number, type = "<u2") =>
      write(`data/x_${split}.npy`, typed(type, images(first, count).map(map), `(${count}, 8, 8)`));
    save("train", 0, 18, (value) => value * 16);
    save("test", 18, 6, (value) => value * 3);
    const data = await load("data");
    expect([...data.test.pixels.read([0])]).toEqual(image(18).map((value) => Math.floor((value * 3) / 16)));
    for (const [train, test, type] of [
      [(value: number) => value / 255, (value: number) => value, "<f4"],
      [(value: number) => value, (value: number) => (value > 99 ? 1 : 0), "|u1"],
      [(value: number) => value / 65_025, (value: number) => value / 255, "<f4"],
    ] as const) {
      save("train", 0, 18, train, type);
      save("test", 18, 6, test, type);
      await expect(load("data")).rejects.toThrow(/has splits on different scales: the (train|test) images have values/);
    }
  });

  it("is the same for all splits of image files", async () => {
    for (let i = 0; i < 12; i++) await png(`data/train/${i}.png`, i);
    mkdirSync(at("data/test"));
    for (let i = 0; i < 2; i++) {
      const mask = Uint8Array.from(image(i), (value) => value & 1);
      await sharp(mask, { raw: { width: 8, height: 8, channels: 1 } })
        .toColourspace("b-w")
        .png()
        .toFile(at(`data/test/${i}.png`));
    }
    await expect(load("data")).rejects.toThrow("the test images have values from 0 to 1, others from 0 to 213.");
  });

  it.each([
    ["just over 1", "<f4", (value: number) => (value / 255) * (1 + 1e-7), ""],
    ["from −1 to 1", "<f4", (value: number) => value / 127.5 - 1, "has values from -1 to 1, read as (x + 1) / 2."],
    ["from 0 to 255 as floats", "<f8", (value: number) => value, "has values from 0 to 255, read as x / 255."],
    ["divided by 255 twice", "<f4", (value: number) => value / 65_025, "divided by 255 twice, read as x * 255."],
    [
      "overshooting",
      "<f4",
      (value: number) => (value / 255) * 1.04 - 0.02,
      "has values from -0.02 to 1.02, read as x.clip(0, 1).",
    ],
  ])("fits values that are %s", async (name, type, map, said) => {
    write("x.npy", typed(type, images().map(map)));
    const data = await load("x.npy");
    const clipped = (i: number, row: number, column: number) =>
      Math.round(Math.max(0, Math.min(1, Math.fround((pixel(i, row, column) / 255) * 1.04 - 0.02))) * 255);
    expectAll(data, { hasLabels: false, ...(name === "overshooting" && { of: clipped }) });
    expect(data.notes.join()).toContain(said);
    expect(data.notes).toHaveLength(said ? 1 : 0);
  });

  it.each([
    ["|i1", (value: number) => value - 128, '(x.astype("float32") + 128) / 255'],
    ["<i4", (value: number) => value * 1e6, "x / 255000000"],
    ["<f4", (value: number) => value / 10, "x / 25.5"],
    ["<f8", (value: number) => value - 1000, '(x.astype("float32") + 1000) / 255'],
  ])("is refused for unusual values of %s, with a formula that gives the images", async (type, map, formula) => {
    const values = images().map(map);
    write("x.npy", typed(type, values));
    const error = await load("x.npy").then(undefined, (error) => error);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toContain(`, save ${formula} as float32, the same in all splits.`);
    // The formula, computed as NumPy does.
    const [, add = "0", by] = /(?:\+ ([\d.]+)\) )?\/ ([\d.]+)$/.exec(formula) ?? [];
    write(
      "x.npy",
      typed(
        "<f4",
        values.map((value) => Math.fround(value + Number(add)) / Number(by)),
      ),
    );
    expectAll(await load("x.npy"), { hasLabels: false });
  });

  it("is refused for NaN and infinity, with the image's number", async () => {
    const values = images().map((value) => value / 255);
    values[5 * PIXELS + 3] = Number.NaN;
    write("x.npy", typed("<f4", values));
    await expect(load("x.npy")).rejects.toThrow(`Image 5 of ${at("x.npy")} holds NaN.`);
  });

  it("is noted for constant or nearly black images", async () => {
    write("x.npy", typed("|u1", images().fill(7)));
    expect((await load("x.npy")).notes).toEqual([`${at("x.npy")}: all pixels are 7.`]);
    write(
      "x.npy",
      typed(
        "|u1",
        images().map((value) => value >> 4),
      ),
    );
    expect((await load("x.npy")).notes).toEqual([
      `${at("x.npy")}: the brightest pixel is 15 of 255, almost black. If 15 is white, save x / 15 as float32.`,
    ]);
  });

  it("shows in the range and mean that vae data prints", async () => {
    write("x.npy", typed("|u1", images()));
    const { pixels } = await datasets.inspect(at("x.npy"));
    const all = images();
    expect(pixels).toEqual({ min: 0, max: 255, mean: all.reduce((a, b) => a + b) / all.length });
  });
});

describe("drawings on transparency", () => {
  /** A drawing of one shade of grey, whose shape is in the alpha channel. */
  async function drawing(place: string, i: number, shade: number): Promise<void> {
    mkdirSync(path.dirname(at(place)), { recursive: true });
    const pixels = image(i).flatMap((alpha) => [shade, alpha]);
    await sharp(Uint8Array.from(pixels), { raw: { width: 8, height: 8, channels: 2 } })
      .png()
      .toFile(at(place));
  }

  it("lie on white if black hides them", async () => {
    for (let i = 0; i < COUNT; i++) await drawing(`data/${i}.png`, i, 0);
    const data = await load("data", { channels: 1 });
    expectAll(data, { of: (i, row, column) => 255 - pixel(i, row, column), hasLabels: false });
    expect(data.background).toBe("white");
    expect(data.notes).toEqual(["24 of 24 images are dark on transparency: the background of all images is white."]);
    const black = await load("data", { background: "black" });
    expect(new Set(black.train.pixels.read([0]))).toEqual(new Set([0]));
    expect(black.notes[0]).toBe("24 of 24 images are dark on transparency. `background: white` shows them.");
  });

  it("become visible as single images if inverted", async () => {
    await drawing("0.png", 0, 0);
    const shape = { height: 8, width: 8, channels: 1 };
    const hidden = await decodeImages([at("0.png")], shape, { invert: false, background: "black" });
    expect(hidden.notes).toEqual([
      `${at("0.png")} is dark on transparency, which becomes black. Give \`invert\` to show it.`,
    ]);
    const { pixels, notes } = await decodeImages([at("0.png")], shape, { invert: true, background: "black" });
    expect([[...pixels], notes]).toEqual([image(0), []]);
  });

  it("lie on black otherwise", async () => {
    for (let i = 0; i < COUNT; i++) await drawing(`data/${i}.png`, i, 255);
    const data = await load("data", { channels: 1 });
    expectAll(data, { hasLabels: false });
    expect([data.background, data.notes]).toEqual(["black", []]);
  });
});
