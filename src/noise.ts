// Corruptions of the input image, for training and showing a denoiser. The target always stays clean.
import type { ImageShape } from "./data/pixels.js";
import { UserError } from "./errors.js";
import type { RandomStream } from "./random.js";

type Corruption = (
  images: Uint8Array,
  strength: number,
  stream: RandomStream,
  out: Float32Array,
  shape: ImageShape,
) => void;

interface Noise {
  /** The tutorial's, or what is usual. */
  readonly default: number;
  readonly max: number;
  /** What it does to a pixel x at strength s. */
  readonly help: string;
  readonly corrupt: Corruption;
}

/** Every kind of noise. Strengths are above zero and at most `max`. */
export const NOISES = {
  "salt-pepper": {
    default: 0.5,
    max: 1,
    help: "x·a + b: a is 0 and b is 1 with probability s each; at 0.5 the tutorial's",
    corrupt: saltAndPepper,
  },
  mask: { default: 0.5, max: 1, help: "x becomes 0 with probability s", corrupt: mask },
  gaussian: { default: 0.5, max: 10, help: "x + n, n normal with deviation s", corrupt: addNormals },
  haze: {
    default: 0.8,
    max: 1,
    help: "x·t + (1 − t): a white haze whose transmission t varies smoothly from 1 − s to 1",
    corrupt: haze,
  },
} as const satisfies Record<string, Noise>;

/** A kind of noise and its strength, as `KIND:STRENGTH`, or `none`. */
export type NoiseName = "none" | `${keyof typeof NOISES}:${number}`;

/**
 * Reads `none`, `KIND` or `KIND:STRENGTH`.
 *
 * @returns the whole name: a kind alone gets its default strength
 * @throws UserError if there is no such kind, or the strength is out of range
 */
export function parseNoise(text: string): NoiseName {
  if (text === "none") return "none";
  const [kind, strengthText, ...rest] = text.split(":");
  if (!Object.hasOwn(NOISES, kind) || rest.length > 0) {
    const kinds = Object.keys(NOISES).join(", ");
    throw new UserError(`It must be KIND or KIND:STRENGTH, where KIND is one of ${kinds}.`);
  }
  const noise: Noise = NOISES[kind as keyof typeof NOISES];
  const isNumber = strengthText === undefined || /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(strengthText);
  const strength = Number(strengthText ?? noise.default);
  if (!isNumber || !(strength > 0 && strength <= noise.max)) {
    throw new UserError(`The strength of ${kind} must be a number above 0 and at most ${noise.max}.`);
  }
  return `${kind as keyof typeof NOISES}:${strength}`;
}

/**
 * Corrupts images.
 *
 * @param images pixels as bytes, count × height × width × channels
 * @param out as many numbers, in units of full white
 */
export function corrupt(
  name: Exclude<NoiseName, "none">,
  images: Uint8Array,
  shape: ImageShape,
  stream: RandomStream,
  out: Float32Array,
): void {
  const [kind, strength] = name.split(":") as [keyof typeof NOISES, string];
  NOISES[kind].corrupt(images, Number(strength), stream, out, shape);
}

/**
 * As hwalsuklee/tensorflow-mnist-VAE draws it: x·a + b with a and b from {0, 1}. At strength ½ they are alike likely, and a
 * pixel becomes 0, x, 1 or x + 1, a quarter each.
 */
function saltAndPepper(images: Uint8Array, strength: number, stream: RandomStream, out: Float32Array): void {
  const kept = stream.fillBernoulli(new Uint8Array(images.length), 1 - strength);
  const added = stream.fillBernoulli(new Uint8Array(images.length), strength);
  for (let i = 0; i < images.length; i++) out[i] = (images[i] / 255) * kept[i] + added[i];
}

/** Masking noise: Vincent et al., "Extracting and Composing Robust Features with Denoising Autoencoders" (2008). */
function mask(images: Uint8Array, strength: number, stream: RandomStream, out: Float32Array): void {
  const kept = stream.fillBernoulli(new Uint8Array(images.length), 1 - strength);
  for (let i = 0; i < images.length; i++) out[i] = (images[i] / 255) * kept[i];
}

/** Additive isotropic Gaussian noise. What goes beyond 0 and 1 is left so. */
function addNormals(images: Uint8Array, strength: number, stream: RandomStream, out: Float32Array): void {
  stream.fillNormals(out);
  for (let i = 0; i < images.length; i++) out[i] = images[i] / 255 + strength * out[i];
}

/** Knots of the haze along each side of an image. */
const KNOTS = 4;

/**
 * Haze with white air light, A = 1: x·t + A·(1 − t). Each image has a transmission t of its own, drawn at a few knots and
 * joined smoothly between them.
 */
function haze(
  images: Uint8Array,
  strength: number,
  stream: RandomStream,
  out: Float32Array,
  { height, width, channels }: ImageShape,
): void {
  const [rows, columns] = [joints(height), joints(width)];
  const knots = new Uint32Array(KNOTS * KNOTS);
  for (let at = 0; at < images.length; ) {
    stream.fillWords(knots);
    for (const row of rows) {
      for (const column of columns) {
        const above = mix(
          knots[row.knot * KNOTS + column.knot],
          knots[row.knot * KNOTS + column.knot + 1],
          column.part,
        );
        const below = mix(
          knots[(row.knot + 1) * KNOTS + column.knot],
          knots[(row.knot + 1) * KNOTS + column.knot + 1],
          column.part,
        );
        const transmission = 1 - (strength * mix(above, below, row.part)) / 2 ** 32;
        for (let channel = 0; channel < channels; channel++, at++) {
          out[at] = (images[at] / 255) * transmission + (1 - transmission);
        }
      }
    }
  }
}

/** For each pixel along a side: the knot before it, and how far it is on the way to the next, smoothly. */
function joints(length: number): { knot: number; part: number }[] {
  return Array.from({ length }, (_, i) => {
    const position = ((i + 0.5) / length) * (KNOTS - 1);
    const knot = Math.floor(position);
    const t = position - knot;
    return { knot, part: t * t * (3 - 2 * t) };
  });
}

function mix(a: number, b: number, part: number): number {
  return a + (b - a) * part;
}
