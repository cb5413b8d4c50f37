// Corruptions of the encoder's input, for denoisers. The target stays clean.
import { type Described, optional, type Setting } from "./config/entries.js";
import type { ImageShape } from "./data/pixels.js";
import { UserError } from "./errors.js";
import type { RandomStream } from "./random.js";
import { parseNumber } from "./values/domains.js";
import { withSuggestion } from "./values/suggestions.js";

/** All kinds: default and maximum of the strength s, which is above 0, and the effect on a pixel x. */
export const NOISES = {
  "salt-pepper": { default: 0.5, max: 1, help: "x·a + b: a is 0 and b is 1 with probability s each", corrupt: flip },
  mask: { default: 0.5, max: 1, help: "x becomes 0 with probability s", corrupt: mask },
  gaussian: { default: 0.5, max: 10, help: "x + n, n normal with deviation s", corrupt: addNormals },
  haze: { default: 0.8, max: 1, help: "x·t + (1 − t): white haze, t varies smoothly from 1 − s to 1", corrupt: haze },
} satisfies Record<string, { default: number; max: number; help: string; corrupt: typeof haze }>;

export interface Noise {
  readonly kind: keyof typeof NOISES;
  readonly strength: number;
}

/** A setting that holds a noise: { kind, strength } or null, in JSON "haze:0.5" or "none". */
export function noise(options: Described): Setting<Noise | null> {
  const values = "KIND or KIND:STRENGTH";
  return optional(
    "none",
    { values, schema: SCHEMA, words: Object.keys(NOISES), check: checkNoise, parse: checkNoise, encode: formatNoise },
    options,
  );
}

/** A kind, with a strength or without, as text or as an object. */
const SCHEMA = {
  anyOf: Object.entries(NOISES).flatMap(([kind, { max }]) => [
    { type: "string", pattern: `^${kind}(:${strengthPattern(max)})?$` },
    {
      type: "object",
      properties: { kind: { const: kind }, strength: { type: ["number", "null"], exclusiveMinimum: 0, maximum: max } },
      required: ["kind"],
    },
  ]),
};

/** Decimal numbers above 0 and at most a power of ten; with an exponent, any number. */
function strengthPattern(max: number): string {
  const isBelow = `\\d{0,${String(max).length - 1}}(\\.\\d*)?`;
  return `(?=.*[1-9])\\+?(0*(${max}(\\.0*)?|${isBelow})|(\\d+\\.?\\d*|\\.\\d+)[eE][+-]?\\d+)`;
}

/** Formats a noise: "haze:0.5", or "none". */
export function formatNoise(noise: Noise | null): string {
  return noise === null ? "none" : `${noise.kind}:${noise.strength}`;
}

/** @param value KIND, KIND:STRENGTH or { kind, strength }. Without a strength, uses the kind's default */
function checkNoise(value: unknown): Noise {
  const { kind, strength } = typeof value === "string" ? splitNoise(value) : ((value ?? {}) as Record<string, unknown>);
  if (typeof kind !== "string" || !Object.hasOwn(NOISES, kind)) {
    const kinds = Object.keys(NOISES);
    const refuse = () => {
      throw new UserError(`It must be KIND or KIND:STRENGTH, where KIND is one of ${kinds.join(", ")}.`);
    };
    return withSuggestion(refuse, kind, kinds);
  }
  const { default: usual, max } = NOISES[kind as Noise["kind"]];
  const number = strength ?? usual;
  if (typeof number !== "number" || !(number > 0 && number <= max)) {
    throw new UserError(`The strength of ${kind} must be a number above 0 and at most ${max}.`);
  }
  return { kind: kind as Noise["kind"], strength: number };
}

function splitNoise(text: string): { kind: string; strength: number | undefined } {
  const [, kind = text, strength] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  return { kind, strength: strength === undefined ? undefined : parseNumber(strength) };
}

/** Corrupts images, bytes of count × height × width × channels, into `out`, of the same length. White is 1. */
export function corrupt(
  { kind, strength }: Noise,
  images: Uint8Array,
  shape: ImageShape,
  stream: RandomStream,
  out: Float32Array,
): void {
  NOISES[kind].corrupt(images, strength, stream, out, shape);
}

/**
 * Salt-and-pepper noise of hwalsuklee/tensorflow-mnist-VAE. At strength ½, a pixel becomes 0, x, 1 or x + 1 with
 * probability ¼ each.
 */
function flip(images: Uint8Array, strength: number, stream: RandomStream, out: Float32Array): void {
  const kept = stream.fillBernoulli(new Uint8Array(images.length), 1 - strength);
  const added = stream.fillBernoulli(new Uint8Array(images.length), strength);
  for (let i = 0; i < images.length; i++) out[i] = (images[i] / 255) * kept[i] + added[i];
}

/** Masking noise: Vincent et al., "Extracting and Composing Robust Features with Denoising Autoencoders" (2008). */
function mask(images: Uint8Array, strength: number, stream: RandomStream, out: Float32Array): void {
  const kept = stream.fillBernoulli(new Uint8Array(images.length), 1 - strength);
  for (let i = 0; i < images.length; i++) out[i] = (images[i] / 255) * kept[i];
}

/** Additive isotropic Gaussian noise, not clipped to [0, 1]. */
function addNormals(images: Uint8Array, strength: number, stream: RandomStream, out: Float32Array): void {
  stream.fillNormals(out);
  for (let i = 0; i < images.length; i++) out[i] = images[i] / 255 + strength * out[i];
}

/** The number of knots of the transmission along each side of an image. */
const KNOTS = 4;

/** Haze with white air light. Draws each image's transmission t at a few knots, and interpolates it smoothly. */
function haze(
  images: Uint8Array,
  strength: number,
  stream: RandomStream,
  out: Float32Array,
  { height, width, channels }: ImageShape,
): void {
  const [rows, columns] = [knotPositions(height), knotPositions(width)];
  const knots = new Uint32Array(KNOTS * KNOTS);
  const alongRow = (row: number, { knot, part }: KnotPosition) =>
    interpolate(knots[row * KNOTS + knot], knots[row * KNOTS + knot + 1], part);
  for (let at = 0; at < images.length; ) {
    stream.fillWords(knots);
    for (const row of rows) {
      for (const column of columns) {
        const fog = interpolate(alongRow(row.knot, column), alongRow(row.knot + 1, column), row.part);
        const transmission = 1 - (strength * fog) / 2 ** 32;
        for (let channel = 0; channel < channels; channel++, at++) {
          out[at] = (images[at] / 255) * transmission + (1 - transmission);
        }
      }
    }
  }
}

/** The position of a pixel between knots: the preceding knot, and the smoothstep fraction of the way to the next. */
type KnotPosition = { readonly knot: number; readonly part: number };

function knotPositions(length: number): KnotPosition[] {
  return Array.from({ length }, (_, i) => {
    const position = ((i + 0.5) / length) * (KNOTS - 1);
    const knot = Math.floor(position);
    const t = position - knot;
    return { knot, part: t * t * (3 - 2 * t) };
  });
}

function interpolate(a: number, b: number, part: number): number {
  return a + (b - a) * part;
}
