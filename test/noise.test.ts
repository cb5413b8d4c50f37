import { describe, expect, it } from "vitest";
import { loadDataset } from "../src/data/dataset.js";
import { range } from "../src/data/pixels.js";
import { UserError } from "../src/errors.js";
import { corrupt, formatNoise, NOISES, type Noise, noise } from "../src/noise.js";
import { randomStream } from "../src/random.js";

const { check, encode, parse } = noise({ help: "" });

function noisy(
  name: string,
  images: Uint8Array,
  index = 0,
  size = { height: 1, width: images.length, channels: 1 },
): Float32Array {
  const out = new Float32Array(images.length);
  corrupt(parse(name) as Noise, images, size, randomStream(0, "training noise", index), out);
  return out;
}

const EVERY = Object.keys(NOISES).map((kind) => formatNoise(parse(kind)));
/** x = 0.4 */
const GREY = new Uint8Array(100_000).fill(102);

function counts(values: Float32Array): Map<string, number> {
  const found = new Map<string, number>();
  for (const value of values) found.set(value.toFixed(3), (found.get(value.toFixed(3)) ?? 0) + 1);
  return new Map([...found].sort());
}

function expectCount(count: number | undefined, probability: number): void {
  const deviation = Math.sqrt(GREY.length * probability * (1 - probability));
  expect(Math.abs((count ?? 0) - GREY.length * probability)).toBeLessThan(4 * deviation);
}

describe("salt and pepper", () => {
  it("turns a pixel x into 0, x, 1 or x + 1, a quarter each, by the tutorial's formula", () => {
    const found = counts(noisy("salt-pepper:0.5", GREY));
    expect([...found.keys()]).toEqual(["0.000", "0.400", "1.000", "1.400"]);
    for (const count of found.values()) expectCount(count, 0.25);
  });

  it("drops x, and adds white, with the strength's probability", () => {
    const found = counts(noisy("salt-pepper:0.1", GREY));
    expectCount(found.get("0.400"), 0.9 * 0.9);
    expectCount(found.get("0.000"), 0.1 * 0.9);
    expectCount(found.get("1.400"), 0.9 * 0.1);
    expectCount(found.get("1.000"), 0.1 * 0.1);
  });
});

describe("a mask", () => {
  it("blackens pixels with the strength's probability", () => {
    const found = counts(noisy("mask:0.3", GREY));
    expect([...found.keys()]).toEqual(["0.000", "0.400"]);
    expectCount(found.get("0.000"), 0.3);
  });
});

describe("Gaussian noise", () => {
  it("adds normal draws with the strength as deviation", () => {
    const values = noisy("gaussian:0.2", GREY);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(mean).toBeCloseTo(0.4, 2);
    expect(Math.sqrt(variance)).toBeCloseTo(0.2, 2);
    expect(values.filter((value) => Math.abs(value - 0.4) < 0.2).length / values.length).toBeCloseTo(0.683, 2);
  });
});

describe("haze", () => {
  const size = { height: 28, width: 28, channels: 1 };
  /** The transmission t of a hazed pixel: y = x·t + 1 − t. */
  const transmissions = (strength: number, index = 0) => {
    const black = new Uint8Array(100 * 784);
    return noisy(`haze:${strength}`, black, index, size).map((y) => 1 - y);
  };

  it("mixes x with white by a transmission from 1 − strength to 1", () => {
    const t = transmissions(0.8);
    expect(Math.min(...t)).toBeGreaterThanOrEqual(0.2 - 1e-6);
    expect(Math.min(...t)).toBeLessThan(0.25);
    expect(Math.max(...t)).toBeLessThanOrEqual(1 + 1e-6);
    expect(Math.max(...t)).toBeGreaterThan(0.95);
    const grey = noisy("haze:0.8", new Uint8Array(100 * 784).fill(102), 0, size);
    grey.forEach((y, i) => {
      expect(Math.abs(y - (0.4 * t[i] + 1 - t[i]))).toBeLessThan(1e-6);
    });
    const white = noisy("haze:0.8", new Uint8Array(784).fill(255), 0, size);
    expect(white.every((y) => Math.abs(y - 1) < 1e-6)).toBe(true);
  });

  it("is smooth within an image, and differs between images", () => {
    const t = transmissions(1);
    let steepest = 0;
    for (let i = 0; i < t.length; i++) {
      if (i % 28 !== 27) steepest = Math.max(steepest, Math.abs(t[i] - t[i + 1]));
      if (i % 784 < 756) steepest = Math.max(steepest, Math.abs(t[i] - t[i + 28]));
    }
    // Knots are 28 / 3 pixels apart, and smoothstep is at most 1.5 times as steep as a line.
    expect(steepest).toBeLessThan(1.5 / (28 / 3));
    const variance = (values: Float32Array) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    };
    expect(variance(Float32Array.from({ length: 100 }, (_, image) => t[784 * image + 400]))).toBeGreaterThan(0.02);
  });
});

describe.each(EVERY)("noise %s", (name) => {
  it("leaves its input unchanged, and depends only on the stream", async () => {
    const size = { height: 28, width: 28, channels: 1 };
    const images = (await loadDataset("mnist")).test.pixels.read(range(0, 5));
    const before = images.slice();
    const once = noisy(name, images, 1, size);
    expect(images).toEqual(before);
    expect(once).not.toEqual(Float32Array.from(images, (byte) => byte / 255));
    expect(noisy(name, images, 1, size)).toEqual(once);
    expect(noisy(name, images, 2, size)).not.toEqual(once);
  });
});

describe("a setting of noise", () => {
  it.each([
    ["none", null, "none"],
    ["salt-pepper", { kind: "salt-pepper", strength: 0.5 }, "salt-pepper:0.5"],
    ["mask:.25", { kind: "mask", strength: 0.25 }, "mask:0.25"],
    ["gaussian:2", { kind: "gaussian", strength: 2 }, "gaussian:2"],
    ["haze:1.0", { kind: "haze", strength: 1 }, "haze:1"],
    ["mask:0.0000001", { kind: "mask", strength: 1e-7 }, "mask:1e-7"],
  ])("reads %s, with the default strength if none is given", (text, value, json) => {
    expect(parse(text)).toEqual(value);
    expect(encode(parse(text))).toBe(json);
    for (const same of [text, json, value]) expect(check(same)).toEqual(value);
  });

  it.each(["", "salt", "mask:", "mask:0", "mask:1.01", "mask:-1", "mask:x", "mask:0.5:1", "gaussian:11", "toString"])(
    "is not '%s'",
    (text) => {
      expect(() => parse(text)).toThrow(UserError);
      expect(() => check(text)).toThrow(UserError);
    },
  );

  it.each([
    5,
    true,
    [],
    {},
    { kind: "mask", strength: 2 },
    { kind: "mask", strength: "0.5" },
    { kind: { toString: 1 } },
  ])("is not %j", (value) => {
    expect(() => check(value)).toThrow(UserError);
  });
});
