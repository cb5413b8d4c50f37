import { expect, it } from "vitest";
import { corrupt } from "../src/noise.js";
import { randomStream } from "../src/random.js";

function saltAndPepper(images: Uint8Array, stream: ReturnType<typeof randomStream>): Float32Array {
  const out = new Float32Array(images.length);
  corrupt("salt-pepper", images, stream, out);
  return out;
}

it("makes of a pixel x: 0, x, 1 or x + 1, a quarter each", () => {
  const images = new Uint8Array(100_000).fill(102); // x = 0.4
  const noisy = saltAndPepper(images, randomStream(0, "training noise"));
  const counts = new Map<string, number>();
  for (const value of noisy) counts.set(value.toFixed(3), (counts.get(value.toFixed(3)) ?? 0) + 1);
  expect([...counts.keys()].sort()).toEqual(["0.000", "0.400", "1.000", "1.400"]);
  const deviation = Math.sqrt(images.length * 0.25 * 0.75);
  for (const count of counts.values()) expect(Math.abs(count - 25_000)).toBeLessThan(4 * deviation);
});

it("leaves the images as they are and depends on the stream alone", () => {
  const images = Uint8Array.from({ length: 50 }, (_, i) => i);
  const once = saltAndPepper(images, randomStream(0, "training noise", 1));
  expect([...images]).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(saltAndPepper(images, randomStream(0, "training noise", 1))).toEqual(once);
  expect(saltAndPepper(images, randomStream(0, "training noise", 2))).not.toEqual(once);
});
