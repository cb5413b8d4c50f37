// An image to draw on: a soft brush on bytes, and undo. Knows nothing about canvases.
import { signal } from "@preact/signals";

export interface ImageSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** A place in an image, in pixels from its top left corner, and the radius of the brush there. */
export interface BrushPoint {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** Values of the channels, from 0 to 255. */
export type Colour = readonly number[];

const MAX_UNDO = 50;

export class Drawing {
  /** [height, width, channels]. Each change makes a new array. */
  readonly image;
  /** Whether there is a change to undo. */
  readonly canUndo = signal(false);
  /** Whether a stroke has begun and not ended. */
  readonly isDrawing = signal(false);
  readonly #undo: Uint8Array[] = [];
  #stroke: Stroke | undefined;

  constructor(
    readonly size: ImageSize,
    readonly background: Colour,
  ) {
    this.image = signal(this.#blank());
  }

  /** Begins a stroke with a dab. */
  begin(at: BrushPoint, colour: Colour): void {
    this.#remember();
    this.#stroke = {
      base: this.image.value,
      coverage: new Float32Array(this.size.height * this.size.width),
      colour,
      at,
    };
    this.isDrawing.value = true;
    this.extend(at);
  }

  /** Draws on to a place, if a stroke has begun. */
  extend(to: BrushPoint): void {
    const stroke = this.#stroke;
    if (!stroke) return;
    cover(stroke.coverage, this.size, stroke.at, to);
    this.#stroke = { ...stroke, at: to };
    this.image.value = blend(stroke);
  }

  end(): void {
    this.#stroke = undefined;
    this.isDrawing.value = false;
  }

  /** Replaces the image, as a change that can be undone. */
  replace(image: Uint8Array): void {
    this.end();
    this.#remember();
    this.image.value = Uint8Array.from(image);
  }

  clear(): void {
    this.replace(this.#blank());
  }

  undo(): void {
    this.end();
    const last = this.#undo.pop();
    if (last) this.image.value = last;
    this.canUndo.value = this.#undo.length > 0;
  }

  #blank(): Uint8Array {
    const { height, width, channels } = this.size;
    return new Uint8Array(height * width * channels).map((_, i) => this.background[i % channels]);
  }

  #remember(): void {
    this.#undo.push(this.image.value);
    if (this.#undo.length > MAX_UNDO) this.#undo.shift();
    this.canUndo.value = true;
  }
}

interface Stroke {
  readonly base: Uint8Array;
  /** [height, width]: how far the stroke covers each pixel, from 0 to 1. A stroke that crosses itself adds nothing. */
  readonly coverage: Float32Array;
  readonly colour: Colour;
  readonly at: BrushPoint;
}

/** Raises the coverage along a segment. Its edge is soft: over one pixel, or half the radius of a large brush. */
function cover(coverage: Float32Array, { height, width }: ImageSize, from: BrushPoint, to: BrushPoint): void {
  const reach = 1 + 1.5 * Math.max(from.radius, to.radius);
  const range = (a: number, b: number, size: number) => [
    Math.max(0, Math.floor(Math.min(a, b) - reach)),
    Math.min(size - 1, Math.ceil(Math.max(a, b) + reach)),
  ];
  const [left, right] = range(from.x, to.x, width);
  const [top, bottom] = range(from.y, to.y, height);
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const at = row * width + column;
      coverage[at] = Math.max(coverage[at], coverageAt(column + 0.5, row + 0.5, from, to));
    }
  }
}

/** How far the brush covers the pixel whose middle is at (x, y). */
function coverageAt(x: number, y: number, from: BrushPoint, to: BrushPoint): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const part = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - from.x) * dx + (y - from.y) * dy) / length));
  const distance = Math.hypot(x - from.x - part * dx, y - from.y - part * dy);
  const radius = from.radius + part * (to.radius - from.radius);
  const edge = Math.max(1, radius / 2);
  return Math.max(0, Math.min(1, (radius - distance) / edge + 0.5));
}

function blend({ base, coverage, colour }: Stroke): Uint8Array {
  const channels = colour.length;
  return base.map((value, i) =>
    Math.round(value + coverage[Math.floor(i / channels)] * (colour[i % channels] - value)),
  );
}
