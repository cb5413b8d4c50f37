// Drawings whose shape is in the transparency, and single images.
import { mkdirSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImages } from "../../src/data/image-files.js";
import { at, load, useHome } from "./cases.js";
import { channel, interleave, pixelsByName, SIDE } from "./images.js";

useHome();

const single = { height: SIDE, width: SIDE, channels: 1 };
const plain = { invert: false, background: "black" } as const;

describe("drawings on transparency", () => {
  /** A PNG of one colour, whose shape is in the alpha channel. */
  async function drawing(file: string, colour: number[], alphaOf = (alpha: number) => alpha): Promise<void> {
    mkdirSync(path.dirname(at(file)), { recursive: true });
    const raw = ALPHA.flatMap((alpha) => [...colour, alphaOf(alpha)]);
    await sharp(Uint8Array.from(raw), { raw: { width: SIDE, height: SIDE, channels: (colour.length + 1) as 2 | 4 } })
      .toColourspace(colour.length === 1 ? "b-w" : "srgb")
      .png()
      .toFile(at(file));
  }
  /** ITU-R BT.601. */
  const grey = (red: number, others: number) => Math.round(0.299 * red + 0.701 * others);
  const ALPHA = channel().map((value) => (value * 3) % 256);
  const flat = (shade: number, background: number) =>
    ALPHA.map((alpha) => Math.trunc((shade * alpha + background * (255 - alpha)) / 255));

  it.each([
    ["black", [0, 0, 0]],
    ["dark red", [10, 0, 0]],
    ["dark", [31, 31, 31]],
    ["dark grey", [20]],
  ])("in %s lie on white", async (_, colour) => {
    for (const i of [0, 1, 2, 3]) await drawing(`data/${i}.png`, colour);
    const data = await load("data");
    expect(data.background).toBe("white");
    expect(data.notes[0]).toBe("4 of 4 images are dark on transparency: the background of all images is white.");
    const planes = colour.map((shade) => flat(shade, 255));
    for (const image of Object.values(pixelsByName(data))) expect(image).toEqual(interleave(...planes));
    const onBlack = await load("data", { background: "black" });
    expect(onBlack.notes[0]).toBe("4 of 4 images are dark on transparency. `background: white` shows them.");
  });

  it.each([
    ["white", [255, 255, 255]],
    ["light", [250, 255, 230]],
  ])("in %s lie on black, and are noted on white", async (_, colour) => {
    for (const i of [0, 1, 2, 3]) await drawing(`data/${i}.png`, colour);
    const data = await load("data");
    expect([data.background, data.notes.filter((note) => note.includes("transparency"))]).toEqual(["black", []]);
    const onWhite = await load("data", { background: "white" });
    expect(onWhite.notes[0]).toBe("4 of 4 images are light on transparency. `background: black` shows them.");
  });

  it.each([
    ["visible on both", [90, 90, 90], (alpha: number) => alpha],
    ["opaque", [10, 0, 0], () => 255],
    ["of one transparency", [10, 0, 0], () => 128],
    ["almost opaque", [120, 120, 120], (alpha: number) => 250 + (alpha % 6)],
  ])("%s keep black", async (_, colour, alphaOf) => {
    for (const i of [0, 1, 2, 3]) await drawing(`data/${i}.png`, colour, alphaOf);
    const data = await load("data");
    expect([data.background, data.notes.filter((note) => note.includes("transparency"))]).toEqual(["black", []]);
  });

  it("in dark 16 bits lie on white", async () => {
    mkdirSync(at("data"));
    for (const [i, shade] of [2570, 2570, 2570, 40_000].entries()) {
      await sharp(Uint16Array.from(ALPHA.flatMap((alpha) => [shade, alpha * 257])), {
        raw: { width: SIDE, height: SIDE, channels: 2 },
      })
        .toColourspace("grey16")
        .png()
        .toFile(at(`data/${i}.png`));
    }
    const data = await load("data");
    expect([data.background, data.notes[0]]).toEqual([
      "white",
      "3 of 4 images are dark on transparency: the background of all images is white.",
    ]);
  });

  it("in dark are noted as single images, and visible if inverted", async () => {
    await drawing("0.png", [10, 0, 0]);
    const hidden = await decodeImages([at("0.png")], single, plain);
    expect(hidden.notes[0]).toBe(
      `${at("0.png")} is dark on transparency, which becomes black. Give \`invert\` to show it.`,
    );
    const shown = await decodeImages([at("0.png")], single, { invert: true, background: "black" });
    expect(shown.notes).toEqual([]);
    expect([...shown.pixels]).toEqual(flat(10, 255).map((red, i) => 255 - grey(red, flat(0, 255)[i])));
  });
});

describe("single images", () => {
  const read = async (name: string) => {
    const { pixels, notes } = await decodeImages([at(name)], single, plain);
    return { pixels: [...pixels], notes };
  };
  const write = (name: string, values: Uint8Array | Uint16Array, space: string) =>
    sharp(values, { raw: { width: SIDE, height: SIDE, channels: 1 } })
      .toColourspace(space)
      .png()
      .toFile(at(name));

  it("of 0 and 1, or of 12 bits, are scaled like data sets, with notes", async () => {
    await write(
      "mask.png",
      Uint8Array.from(channel(), (value) => value % 2),
      "b-w",
    );
    expect(await read("mask.png")).toEqual({
      pixels: channel().map((value) => 255 * (value % 2)),
      notes: [`${at("mask.png")} has only the values 0 and 1, read as x * 255.`],
    });
    await write(
      "deep.png",
      Uint16Array.from(channel(), (value) => value * 58),
      "grey16",
    );
    expect(await read("deep.png")).toEqual({
      pixels: channel().map((value) => (value * 58) >> 4),
      notes: [`${at("deep.png")} has values from 0 to 4060: 12 bits, read as x // 16.`],
    });
  });
});
