// The visible part of a plane: zooms, moves, and converts pixels. A pixel is as many latent units across as down.
import type { Area, Point } from "./plane.js";

export interface Viewport {
  readonly centre: Point;
  /** Latent units per pixel of CSS. */
  readonly unit: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The viewport that shows an area with a margin. */
export function showing({ left, right, bottom, top }: Area, { width, height }: Size): Viewport {
  const unit = Math.max((right - left) / width, (top - bottom) / height);
  return { centre: [(left + right) / 2, (bottom + top) / 2], unit: 1.08 * (unit || 1) };
}

export function areaOf({ centre: [u, v], unit }: Viewport, { width, height }: Size): Area {
  const [halfWidth, halfHeight] = [(unit * width) / 2, (unit * height) / 2];
  return { left: u - halfWidth, right: u + halfWidth, bottom: v - halfHeight, top: v + halfHeight };
}

/** Beyond them, the axes run out of digits. */
const MIN_UNIT = 1e-6;
const MAX_UNIT = 1e4;

/** Magnifies by a factor, within limits, and keeps the place `at` where it is. */
export function zoom(view: Viewport, factor: number, [u, v]: Point = view.centre): Viewport {
  const [centreU, centreV] = view.centre;
  const unit = Math.max(MIN_UNIT, Math.min(MAX_UNIT, view.unit / factor));
  const change = unit / view.unit;
  return { centre: [u + (centreU - u) * change, v + (centreV - v) * change], unit };
}

/** Moves what is visible by pixels, to the right and down. */
export function pan({ centre: [u, v], unit }: Viewport, right: number, down: number): Viewport {
  return { centre: [u - right * unit, v + down * unit], unit };
}

/** Moves the viewport just so far that a place is inside. */
export function reveal(view: Viewport, [u, v]: Point, size: Size): Viewport {
  const { left, right, bottom, top } = areaOf(view, size);
  const shift = (value: number, low: number, high: number) => Math.min(0, value - low) + Math.max(0, value - high);
  const [centreU, centreV] = view.centre;
  return { centre: [centreU + shift(u, left, right), centreV + shift(v, bottom, top)], unit: view.unit };
}

/** The smallest area around points and the circle of the prior at 2σ. */
export function areaAround(u: Float32Array, v: Float32Array, prior: Point | undefined): Area {
  const area = prior
    ? { left: prior[0] - 2, right: prior[0] + 2, bottom: prior[1] - 2, top: prior[1] + 2 }
    : { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
  for (let i = 0; i < u.length; i++) {
    area.left = Math.min(area.left, u[i]);
    area.right = Math.max(area.right, u[i]);
    area.bottom = Math.min(area.bottom, v[i]);
    area.top = Math.max(area.top, v[i]);
  }
  return area.left <= area.right ? area : { left: -1, right: 1, bottom: -1, top: 1 };
}
