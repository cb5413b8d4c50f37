// The scale of pixels: how the numbers of a file become bytes from 0 black to 255 white.
import { UserError } from "../errors.js";
import type { Pixels } from "./pixels.js";

/** The range of the numbers in some images. */
export interface Range {
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
  /** Position of the first number that is NaN or infinite. */
  readonly badAt?: number;
}

/** Whether bytes in this range are neither constant nor almost black, so that they need no warning. */
export function hasContrast({ min, max }: Range): boolean {
  return max >= DARK && min < max;
}

/** Maps numbers to bytes: (number − black) / step, rounded, and clipped to 0 and 255. */
export interface Scale {
  readonly black: number;
  readonly step: number;
  /** Rounds down, so that the upper eight bits of whole numbers remain. */
  readonly floors?: boolean;
  /** The values found and the formula that converts them. Absent for bytes and for floats from 0 to 1. */
  readonly conversion?: { readonly from: string; readonly formula: string };
  /** About values that are read unchanged but look wrong. */
  readonly warning?: string;
}

/** Scales by NumPy's name of the type. */
export type Scales = Readonly<Partial<Record<string, Scale>>>;

const EMPTY: Range = { min: Infinity, max: -Infinity, isWhole: true };
/** Resampling overshoots black and white by a few hundredths. */
const OVERSHOOT = 0.05;
/** Smaller differences round to the same byte. */
const HALF_A_BYTE = 0.5 / 255;
/** A brightest pixel below this, of 255, is hardly visible. */
const DARK = 64;
/** A split whose brightest pixel is below this, of 255, may be on another scale than the others. */
const MIN_BRIGHTEST = 32;

export function measureRange(values: ArrayLike<number>): Range {
  let { min, max } = EMPTY;
  let isWhole = true;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) return { min, max, isWhole, badAt: i };
    if (value < min) min = value;
    if (value > max) max = value;
    if (isWhole && value !== Math.trunc(value)) isWhole = false;
  }
  return { min, max, isWhole };
}

export function joinRanges(ranges: Iterable<Range>): Range {
  let all = EMPTY;
  for (const { min, max, isWhole } of ranges) {
    all = { min: Math.min(all.min, min), max: Math.max(all.max, max), isWhole: all.isWhole && isWhole };
  }
  return all;
}

/**
 * Chooses one scale for all images of a data set, by their range.
 *
 * @param dtype NumPy's name of the type in the file
 * @param trained the scales of a model's training images, which take precedence if the values fit
 * @throws UserError without the file's name, if no scale fits
 */
export function chooseScale(range: Range, dtype: string, trained: Scales = {}): Scale {
  const { min, max } = range;
  const before = trained[dtype];
  if (before && fits(range, before)) return before;
  if (dtype === "bool") return linear(0, 1);
  const scale = chooseByRange(range, dtype);
  if (min === max) return { ...scale, warning: `all pixels are ${format(min)}` };
  const brightest = (max - scale.black) / scale.step;
  if (dtype === "uint16" && scale.step === 1)
    return { ...scale, warning: `no 16-bit value exceeds ${max}: read as bytes` };
  if (brightest >= DARK || scale.conversion) return scale;
  const white = Math.round(255 * scale.step + scale.black);
  return {
    ...scale,
    warning:
      `the brightest pixel is ${format(max)} of ${white}, almost black. ` +
      `If ${format(max)} is white, save x / ${format(max)} as float32`,
  };
}

function fits({ min, max }: Range, { black, step }: Scale): boolean {
  const [darkest, brightest] = [min, max].map((value) => (value - black) / step);
  return darkest >= -255 * OVERSHOOT && brightest <= 255 * (1 + OVERSHOOT);
}

/**
 * Chooses one scale for the splits of a data set.
 *
 * @param ranges by the names of the splits
 * @throws UserError with the name of the data set, if no scale fits all splits
 */
export function chooseScaleOf(
  ranges: ReadonlyMap<string, Range>,
  dtype: string,
  name: string,
  trained?: Scales | undefined,
): Scale {
  const scale = prefixErrors(name, () => chooseScale(joinRanges(ranges.values()), dtype, trained));
  if (scale === trained?.[dtype]) return scale;
  for (const [split, range] of ranges) {
    const brightest = (range.max - scale.black) / scale.step;
    if (brightest >= MIN_BRIGHTEST || range.min === range.max) continue;
    if (prefixErrors(`${name} (${split} images)`, () => chooseScale(range, dtype)).step === scale.step) continue;
    throw new UserError(
      `${name} has splits on different scales: the ${split} images have values from ${format(range.min)} to ` +
        `${format(range.max)}, others ${describeOthers(ranges, split)}. Save all on one scale.`,
    );
  }
  return scale;
}

function describeOthers(ranges: ReadonlyMap<string, Range>, split: string): string {
  const { min, max } = joinRanges([...ranges].filter(([name]) => name !== split).map(([, range]) => range));
  return `from ${format(min)} to ${format(max)}`;
}

/** Calls `act`, and puts the name of the data before the messages of its errors. */
export function prefixErrors<Result>(name: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${name} ${error.message}`) : error;
  }
}

function chooseByRange({ min, max, isWhole }: Range, dtype: string): Scale {
  const isFloat = dtype.startsWith("float");
  const seen = `values from ${format(min)} to ${format(max)}`;
  if (isWhole && min >= 0 && (!isFloat || max > 255)) {
    if (max === 1) return { ...linear(0, 1), conversion: { from: "only the values 0 and 1", formula: "x * 255" } };
    if (max <= 255) return linear(0, 255);
    const bits = bitsOf(max, dtype);
    if (bits <= 16) {
      const step = 2 ** (bits - 8);
      return { black: 0, step, floors: true, conversion: { from: `${seen}: ${bits} bits`, formula: `x // ${step}` } };
    }
  } else if (min >= -OVERSHOOT && max <= 1 + OVERSHOOT) {
    if (max > 0 && max <= 1 / 255 + 1e-6 && !(isWhole && max === 1)) {
      return { ...linear(0, 1 / 255), conversion: { from: `${seen}: divided by 255 twice`, formula: "x * 255" } };
    }
    const isClipped = min < -HALF_A_BYTE || max > 1 + HALF_A_BYTE;
    return { ...linear(0, 1), ...(isClipped && { conversion: { from: seen, formula: "x.clip(0, 1)" } }) };
  } else if (min >= -1 - OVERSHOOT && max <= 1 + OVERSHOOT && (min < -0.5 - OVERSHOOT || isWhole)) {
    return { ...linear(-1, 1), conversion: { from: seen, formula: "(x + 1) / 2" } };
  } else if (isFloat && min >= -0.5 && max <= 255.5 && max > 128) {
    return { ...linear(0, 255), conversion: { from: seen, formula: "x / 255" } };
  }
  if (min === max)
    throw new UserError(
      `has only the value ${format(max)}, which fits no usual scale. Save uint8 from 0 to 255, or float32 from 0 to 1.`,
    );
  const shift = min === 0 ? "x" : `(x.astype("float32") ${min < 0 ? "+" : "-"} ${format(Math.abs(min))})`;
  const wrapped = dtype === "int8" ? ' If they are bytes cast to int8, save x.view("uint8").' : "";
  throw new UserError(
    `has ${seen}, which fit no usual scale. If ${format(min)} is black and ${format(max)} is white, save ` +
      `${shift} / ${format(max - min)} as float32, the same in all splits.${wrapped}`,
  );
}

/** The number of bits that `max` needs. 15 counts as 16, except in int16. */
function bitsOf(max: number, dtype: string): number {
  const bits = Math.floor(Math.log2(max)) + 1;
  return bits === 15 && dtype !== "int16" ? 16 : bits;
}

function linear(black: number, white: number): Scale {
  return { black, step: (white - black) / 255 };
}

/** Scales numbers to floats from 0 black to 1 white. */
export function toUnit(values: ArrayLike<number>, { black, step }: Scale): Float32Array<ArrayBuffer> {
  return Float32Array.from(values, (value) => Math.max(0, Math.min(1, (value - black) / step / 255)));
}

/** Scales images to bytes as they are read. */
export function rescale(pixels: Pixels, scale: Scale): Pixels {
  if (scale.black === 0 && scale.step === 1) return pixels;
  return { read: (numbers) => toBytes(pixels.read(numbers), scale) };
}

/** Scales numbers to bytes from 0 black to 255 white. */
export function toBytes(values: ArrayLike<number>, { black, step, floors }: Scale): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < bytes.length; i++) {
    const shade = (values[i] - black) / step;
    bytes[i] = Math.max(0, Math.min(255, floors ? Math.floor(shade) : Math.round(shade)));
  }
  return bytes;
}

/** Describes how the images of `name` are converted, and what looks wrong with them: one sentence each. */
export function describeScale(name: string, { conversion, warning }: Scale): string[] {
  return [
    ...(conversion ? [`${name} has ${conversion.from}, read as ${conversion.formula}.`] : []),
    ...(warning ? [`${name}: ${warning}.`] : []),
  ];
}

function format(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(8)));
}
