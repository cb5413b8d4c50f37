// Image sizes in pixels.
import { type Domain, domain, pickInteger, rangeSchema } from "./domains.js";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Maximum side of an image, in pixels. */
export const MAX_SIDE = 4096;

const SIDE_SCHEMA = rangeSchema("integer", { min: 1, max: MAX_SIDE });
/** Matches 1 to 4096. */
const SIDE_PATTERN = "0*([1-9]\\d{0,2}|[1-3]\\d{3}|40[0-8]\\d|409[0-6])";
const SIZE_SCHEMA = {
  anyOf: [
    SIDE_SCHEMA,
    { type: "string", pattern: `^${SIDE_PATTERN}(x${SIDE_PATTERN})?$` },
    { type: "array", items: SIDE_SCHEMA, minItems: 2, maxItems: 2 },
    { type: "object", properties: { width: SIDE_SCHEMA, height: SIDE_SCHEMA }, required: ["width", "height"] },
  ],
};

/** Image size in pixels: { width, height }, in JSON "28x20". Also accepts [28, 20], 28 and "28". */
export const SIZE: Domain<Size> = {
  ...domain(`WIDTHxHEIGHT, or one number for both, each from 1 to ${MAX_SIDE}`, SIZE_SCHEMA, pickSize),
  encode: ({ width, height }) => `${width}x${height}`,
};

/** Parses 28x20, or 28 as only a width; undefined if invalid, or if a side is 0 or above `max`. */
export function parseSides(text: string, max: number): [width: number, height?: number] | undefined {
  if (!/^\d+(x\d+)?$/.test(text)) return undefined;
  const sides = text.split("x").map(Number);
  return sides.every((side) => side >= 1 && side <= max) ? (sides as [number, number?]) : undefined;
}

function pickSize(value: unknown): Size | undefined {
  if (typeof value === "string" || typeof value === "number") {
    const [width, height = width] = parseSides(String(value), MAX_SIDE) ?? [];
    return width && height ? { width, height } : undefined;
  }
  const pick = pickInteger({ min: 1, max: MAX_SIDE });
  const sides = Array.isArray(value) && value.length === 2 ? { width: value[0], height: value[1] } : Object(value);
  const width = pick(sides.width);
  const height = pick(sides.height);
  return width && height ? { width, height } : undefined;
}
